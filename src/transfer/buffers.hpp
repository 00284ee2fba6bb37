// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

namespace restante::transfer {

/// Page-aligned gather buffers of three sizes out of one budget. One thread.
class BufferPool {
public:
  static constexpr std::size_t small_bytes = 16 * 1024;  ///< for transfers that trickle
  static constexpr std::size_t large_bytes =
      256 * 1024;  ///< two of them fit the L2 cache (PERFORMANCE.md §1)

  /// For writes past the page cache, of which each waits for the disk; no more may be lost by a kill.
  static constexpr std::size_t direct_bytes = 1024 * 1024;

  explicit BufferPool(std::size_t budget_bytes) : budget_bytes_(budget_bytes) {}

  class Buffer {
  public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept = default;
    Buffer& operator=(Buffer&& other) noexcept = default;
    char* data() { return memory_.get(); }
    std::size_t capacity() const { return capacity_; }
    explicit operator bool() const { return memory_ != nullptr; }

  private:
    friend class BufferPool;
    struct Free {
      void operator()(char* memory) const { std::free(memory); }
    };
    std::unique_ptr<char, Free> memory_;
    std::size_t capacity_ = 0;
  };

  /// A buffer of `wanted` bytes (one of the sizes), a small one if only that fits, or an empty one.
  Buffer take(std::size_t wanted);
  void give_back(Buffer buffer);
  std::size_t used_bytes() const { return used_bytes_; }

private:
  static constexpr std::size_t kept_buffers = 4;
  std::size_t budget_bytes_;
  std::size_t used_bytes_ = 0;
  std::vector<Buffer> kept_;
};

}  // namespace restante::transfer
