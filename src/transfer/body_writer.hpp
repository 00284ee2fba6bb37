// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/crypto.hpp"
#include "base/fd.hpp"
#include "base/pieces.hpp"
#include "base/result.hpp"
#include "transfer/buffers.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::transfer {

/// Gathers the bytes of one content and puts them into its file with one pwrite a full buffer. When the
/// shared budget is used up it writes without gathering, so nothing ever waits for memory. One thread; `pool`
/// outlives it.
class BodyWriter {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Options {
    UniqueFd file;
    std::uint64_t offset = 0;
    /// No byte at or behind `end` is taken; `error` says why.
    struct Bound {
      std::uint64_t end = 0;
      Error error;
    };
    std::vector<Bound> bounds;
    std::string digest_algorithm;  ///< "sha-256", ...; computed only from offset 0 on
  };
  BodyWriter(BufferPool& pool, Options options);
  ~BodyWriter();
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;

  /// Errors: disk-full, quota, storage, and what the bounds say. The file is good up to `written_bytes` then.
  Result<void> add(std::string_view bytes, TimePoint now);
  Result<void> flush();
  /// Gives the buffer back: for a transfer that is idle for long.
  Result<void> flush_and_release();

  std::uint64_t position() const { return position_ + fill_; }      ///< of the next byte that arrives
  std::uint64_t written_bytes() const { return position_; }         ///< all before it is in the file
  std::optional<TimePoint> oldest_byte() const { return oldest_; }  ///< of those in memory

  /// Digests of the pieces written since the last report; none if the file could not be read in front of
  /// the offset.
  PieceReport report_pieces();

  bool digests() const { return hasher_.has_value(); }
  /// Lower-case hexadecimal of everything added; "" if none is computed. Ends the digest.
  std::string finish_digest();

private:
  Result<void> write_out(std::string_view bytes);
  bool read_begun_piece();

  BufferPool& pool_;
  UniqueFd file_;
  std::vector<Options::Bound> bounds_;
  std::optional<Hasher> hasher_;
  std::optional<PieceHasher> pieces_;
  BufferPool::Buffer buffer_;
  std::size_t fill_ = 0;
  std::uint64_t position_ = 0;
  std::optional<TimePoint> oldest_;
  std::size_t next_size_ = BufferPool::small_bytes;
};

/// OpenSSL's name of a digest of the document ("sha-256", "sha-512", "sha", "md5"), or null.
const char* openssl_digest(std::string_view algorithm);

}  // namespace restante::transfer
