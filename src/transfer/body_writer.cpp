// SPDX-License-Identifier: Apache-2.0
#include "transfer/body_writer.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace restante::transfer {

namespace {

/// What came within so long is written together; a kill takes no more with it than what waits here.
constexpr std::size_t worth_writing = 64 * 1024;
constexpr std::chrono::milliseconds gathering_time{2};

/// What is still to come must be worth leaving the page cache for.
constexpr std::uint64_t direct_from_bytes = 64ull << 20;
/// Slower than that the page cache serves better: the disk gets larger writes, at its leisure.
constexpr double direct_bytes_per_s = 32.0 * 1048576, cached_bytes_per_s = 16.0 * 1048576;
constexpr int fast_writes_wanted = 4;
/// A disk that takes so long for a buffer, so many times, has others to serve.
constexpr std::chrono::milliseconds slow_turn{20};
constexpr int slow_turns_suffered = 4;
/// Of a place in the file and of memory, for writes past the page cache (open(2), O_DIRECT).
constexpr std::size_t block_bytes = 4096;

bool set_direct(int file, bool on) {
  const int flags = ::fcntl(file, F_GETFL);
  return flags >= 0 && ::fcntl(file, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

bool reaches(std::size_t bytes, std::chrono::steady_clock::duration time, double bytes_per_s) {
  return static_cast<double>(bytes) >= bytes_per_s * std::chrono::duration<double>(time).count();
}

tl::unexpected<Error> write_failed(int error) {
  if (error == EDQUOT) return fail(Reason::quota, "the place's disk quota is used up");
  if (error == EFBIG) return fail(Reason::too_large, "the place's file system holds no file of that size");
  return fail_errno(Reason::storage, "writing the partial file", error);
}

}  // namespace

const char* openssl_digest(std::string_view algorithm) {
  if (algorithm == "sha-256") return "SHA256";
  if (algorithm == "sha-512") return "SHA512";
  if (algorithm == "sha") return "SHA1";
  if (algorithm == "md5") return "MD5";
  return nullptr;
}

BodyWriter::BodyWriter(BufferPool& pool, Options options)
    : pool_(pool),
      file_(std::move(options.file)),
      lent_file_(options.lent_file),
      bounds_(std::move(options.bounds)),
      begin_(options.offset),
      position_(options.offset),
      pieces_from_(options.apart ? options.offset : 0),
      total_bytes_(options.total_bytes) {
  const char* name = openssl_digest(options.digest_algorithm);
  if (name != nullptr && options.offset == 0 && !options.apart) hasher_.emplace(name);
  pieces_.emplace((options.offset - pieces_from_) / piece_bytes);
  if (!read_begun_piece()) pieces_.reset();
}

BodyWriter::~BodyWriter() {
  pool_.give_back(std::move(buffer_));
}

Result<void> BodyWriter::add(std::string_view bytes, TimePoint now) {
  for (const auto& bound : bounds_)
    if (bytes.size() > bound.end - std::min(bound.end, position())) return fail(bound.error);
  while (!bytes.empty()) {
    if (!buffer_) buffer_ = pool_.take(next_size_);
    if (!buffer_) return write_out(bytes);
    if (fill_ == 0) oldest_ = now;
    const std::size_t count = std::min(bytes.size(), buffer_.capacity() - fill_);
    std::memcpy(buffer_.data() + fill_, bytes.data(), count);
    fill_ += count;
    bytes.remove_prefix(count);
    if (direct_) {
      if (fill_ < buffer_.capacity()) break;
      if (auto done = write_direct(now); !done) return done;
      continue;
    }
    const bool long_enough = fill_ >= worth_writing && now - *oldest_ >= gathering_time;
    if (fill_ < buffer_.capacity() && !long_enough) break;
    const bool fast = fill_ >= worth_writing && reaches(fill_, now - *oldest_, direct_bytes_per_s);
    fast_writes_ = fast ? fast_writes_ + 1 : 0;
    if (may_go_direct()) {
      if (auto done = go_direct(now); !done) return done;
      continue;
    }
    if (fill_ < buffer_.capacity()) return flush();
    // Who fills a small buffer before it is flushed by time is fast enough for a large one.
    const bool grow =
        buffer_.capacity() < BufferPool::large_bytes && now - *oldest_ < std::chrono::milliseconds(200);
    if (auto done = flush(); !done) return done;
    if (grow) {
      pool_.give_back(std::exchange(buffer_, {}));
      next_size_ = BufferPool::large_bytes;
    }
  }
  return {};
}

bool BodyWriter::may_go_direct() const {
  return alone_ && fast_writes_ >= fast_writes_wanted && slow_turns_ < slow_turns_suffered && total_bytes_ &&
         *total_bytes_ > position_ + direct_from_bytes;
}

Result<void> BodyWriter::go_direct(TimePoint now) {
  fast_writes_ = 0;
  BufferPool::Buffer wide = pool_.take(BufferPool::direct_bytes);
  // What lies in front of the next block still goes the usual way.
  const std::size_t tail = (position_ + fill_) % block_bytes;
  const std::string_view rest(buffer_.data() + fill_ - tail, tail);
  auto done = write_out({buffer_.data(), fill_ - tail});
  if (done && wide.capacity() == BufferPool::direct_bytes) direct_ = set_direct(file(), true);
  if (direct_) {
    std::memcpy(wide.data(), rest.data(), tail);
    pool_.give_back(std::exchange(buffer_, std::move(wide)));
  } else {
    total_bytes_.reset();  // this file system cannot do it
    std::memmove(buffer_.data(), rest.data(), tail);
    pool_.give_back(std::move(wide));
  }
  fill_ = tail;
  oldest_ = now;
  return done;
}

Result<void> BodyWriter::write_direct(TimePoint now) {
  const bool slow = !reaches(fill_, now - *oldest_, cached_bytes_per_s);
  if (slow || !alone_ || slow_turns_ >= slow_turns_suffered) return flush_and_release();
  const auto begun = std::chrono::steady_clock::now();
  if (auto done = write_out({buffer_.data(), std::exchange(fill_, 0)}); !done) return done;
  slow_turns_ = std::chrono::steady_clock::now() - begun > slow_turn ? slow_turns_ + 1 : 0;
  oldest_.reset();
  return {};
}

Result<void> BodyWriter::flush() {
  // What is flushed need not be whole blocks.
  if (direct_ && set_direct(file(), false)) direct_ = false;
  if (fill_ == 0) return {};
  const std::string_view bytes(buffer_.data(), fill_);
  fill_ = 0;
  oldest_.reset();
  return write_out(bytes);
}

Result<void> BodyWriter::flush_and_release() {
  auto done = flush();
  pool_.give_back(std::exchange(buffer_, {}));
  next_size_ = BufferPool::small_bytes;
  return done;
}

bool BodyWriter::read_begun_piece() {
  std::string buffer(std::min<std::uint64_t>(position_ - pieces_from_ - pieces_->end_bytes(), 256 * 1024),
                     '\0');
  while (pieces_->end_bytes() < position_ - pieces_from_) {
    const auto wanted =
        std::min<std::uint64_t>(buffer.size(), position_ - pieces_from_ - pieces_->end_bytes());
    const auto at = static_cast<off_t>(pieces_->end_bytes());
    const ssize_t count = ::pread(file(), buffer.data(), wanted, at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    pieces_->update(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
  }
  return true;
}

PieceReport BodyWriter::report_pieces() {
  if (!pieces_ || pieces_->end_bytes() != position_ - pieces_from_) return {};
  return pieces_->report();
}

void BodyWriter::take_in(std::string_view bytes) {
  if (hasher_) hasher_->update(bytes.data(), bytes.size());
  if (pieces_) pieces_->update(bytes);
  position_ += bytes.size();
}

Result<void> BodyWriter::write_out(std::string_view bytes) {
  // While the bytes are in the cache.
  if (hasher_) hasher_->update(bytes.data(), bytes.size());
  if (pieces_) pieces_->update(bytes);
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file(), bytes.data(), bytes.size(), static_cast<off_t>(position_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EINVAL && direct_ && set_direct(file(), false)) {
      direct_ = false;  // a device of larger blocks, or a file system that only says that it can
      total_bytes_.reset();
      continue;
    }
    if (count <= 0) return write_failed(count < 0 ? errno : EIO);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    position_ += static_cast<std::uint64_t>(count);
  }
  return {};
}

std::string BodyWriter::finish_digest() {
  if (!hasher_) return {};
  const std::string raw = hasher_->finish();
  hasher_.reset();
  return to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
}

}  // namespace restante::transfer
