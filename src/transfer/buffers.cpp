// SPDX-License-Identifier: Apache-2.0
#include "transfer/buffers.hpp"

#include <utility>

namespace restante::transfer {

BufferPool::Buffer BufferPool::take(std::size_t wanted) {
  constexpr std::size_t page = 4096;
  std::size_t size = wanted > small_bytes ? large_bytes : small_bytes;
  if (used_bytes_ + size > budget_bytes_) size = small_bytes;
  if (used_bytes_ + size > budget_bytes_) return {};
  used_bytes_ += size;
  if (size == large_bytes && !kept_.empty()) {
    Buffer buffer = std::move(kept_.back());
    kept_.pop_back();
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
  if (buffer.capacity_ == large_bytes && kept_.size() < kept_large_buffers)
    kept_.push_back(std::move(buffer));
}

}  // namespace restante::transfer
