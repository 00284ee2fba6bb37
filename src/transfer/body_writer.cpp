// SPDX-License-Identifier: Apache-2.0
#include "transfer/body_writer.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <utility>

namespace restante::transfer {

namespace {

/// What came within so long is written together; a kill takes no more with it than what waits here.
constexpr std::size_t worth_writing = 64 * 1024;
constexpr std::chrono::milliseconds gathering_time{2};

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
      bounds_(std::move(options.bounds)),
      position_(options.offset) {
  const char* name = openssl_digest(options.digest_algorithm);
  if (name != nullptr && options.offset == 0) hasher_.emplace(name);
  pieces_.emplace(options.offset / piece_bytes);
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
    const bool long_enough = fill_ >= worth_writing && now - *oldest_ >= gathering_time;
    if (fill_ < buffer_.capacity() && !long_enough) break;
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

Result<void> BodyWriter::flush() {
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
  std::string buffer(std::min<std::uint64_t>(position_ - pieces_->end_bytes(), 256 * 1024), '\0');
  while (pieces_->end_bytes() < position_) {
    const auto wanted = std::min<std::uint64_t>(buffer.size(), position_ - pieces_->end_bytes());
    const auto at = static_cast<off_t>(pieces_->end_bytes());
    const ssize_t count = ::pread(file_.get(), buffer.data(), wanted, at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    pieces_->update(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
  }
  return true;
}

PieceReport BodyWriter::report_pieces() {
  if (!pieces_ || pieces_->end_bytes() != position_) return {};
  return pieces_->report();
}

Result<void> BodyWriter::write_out(std::string_view bytes) {
  // While the bytes are in the cache.
  if (hasher_) hasher_->update(bytes.data(), bytes.size());
  if (pieces_) pieces_->update(bytes);
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(position_));
    if (count < 0 && errno == EINTR) continue;
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
