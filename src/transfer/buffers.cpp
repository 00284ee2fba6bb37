// SPDX-License-Identifier: Apache-2.0
#include "transfer/buffers.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace restante::transfer {

BufferPool::Buffer BufferPool::take(std::size_t wanted) {
  constexpr std::size_t page = 4096;
  std::size_t size = wanted > large_bytes ? direct_bytes : wanted > small_bytes ? large_bytes : small_bytes;
  if (used_bytes_ + size > budget_bytes_) size = small_bytes;
  if (used_bytes_ + size > budget_bytes_) return {};
  used_bytes_ += size;
  const auto kept = std::find_if(kept_.rbegin(), kept_.rend(),
                                 [size](const Buffer& one) { return one.capacity() == size; });
  if (kept != kept_.rend()) {
    Buffer buffer = std::move(*kept);
    kept_.erase(std::next(kept).base());
    return buffer;
  }
  Buffer buffer;
  buffer.memory_.reset(static_cast<char*>(std::aligned_alloc(page, size)));
  if (buffer.memory_)
    buffer.capacity_ = size;
  else
    used_bytes_ -= size;
  return buffer;
}

void BufferPool::give_back(Buffer buffer) {
  if (!buffer) return;
  used_bytes_ -= buffer.capacity_;
  // Memory that was given back to the system has to be cleared by it before it comes again.
  if (buffer.capacity_ >= large_bytes && kept_.size() < kept_buffers) kept_.push_back(std::move(buffer));
}

}  // namespace restante::transfer
