// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/crypto.hpp"
#include "base/fd.hpp"
#include "base/pieces.hpp"
#include "base/result.hpp"
#include "jobs/ports.hpp"
#include "transfer/buffers.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::transfer {

/// Gathers the bytes of one content and puts them into its file with one pwrite a full buffer. When the
/// shared budget is used up it writes without gathering, so nothing ever waits for memory.
///
/// What is long, comes fast and has the loop for itself is written past the page cache (O_DIRECT) as long as
/// the disk is quick: less time of the processor, and what the machine has cached stays cached. One thread;
/// `pool` outlives it.
class BodyWriter {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Options {
    UniqueFd file;
    int lent_file = -1;  ///< instead of `file`: outlives the writer
    std::uint64_t offset = 0;
    bool apart = false;  ///< a stretch of the content: its pieces are counted from `offset`
    /// No byte at or behind `end` is taken; `error` says why.
    struct Bound {
      std::uint64_t end = 0;
      Error error;
    };
    std::vector<Bound> bounds;
    std::string digest_algorithm;  ///< "sha-256", ...; computed only from offset 0 on
    /// Of the whole content; none: always by the page cache.
    std::optional<std::uint64_t> total_bytes = {};
  };
  BodyWriter(BufferPool& pool, Options options);
  ~BodyWriter();
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;

  /// Errors: disk-full, quota, storage, and what the bounds say. The file is good up to `written_bytes` then.
  Result<void> add(std::string_view bytes, TimePoint now);
  Result<void> flush();
  /// Whether nobody else waits while this one waits for the disk, and nobody else writes into the same file.
  /// Takes effect with the next bytes.
  void set_alone(bool alone) { alone_ = alone; }
  /// Gives the buffer back: for a transfer that is idle for long.
  Result<void> flush_and_release();

  std::uint64_t position() const { return position_ + fill_; }      ///< of the next byte that arrives
  std::uint64_t written_bytes() const { return position_; }         ///< all before it is in the file
  std::optional<TimePoint> oldest_byte() const { return oldest_; }  ///< of those in memory

  /// Digests of the pieces written since the last report; none if the file could not be read in front of
  /// the offset.
  PieceReport report_pieces();

  /// Bytes that others have put into the file at `written_bytes`, where this one goes on. Nothing may wait in
  /// memory.
  void take_in(std::string_view bytes);
  int file() const { return lent_file_ >= 0 ? lent_file_ : file_.get(); }
  std::uint64_t begin() const { return begin_; }  ///< the offset that it began at

  bool digests() const { return hasher_.has_value(); }
  /// Lower-case hexadecimal of everything added; "" if none is computed. Ends the digest.
  std::string finish_digest();

private:
  Result<void> write_out(std::string_view bytes);
  bool read_begun_piece();
  bool may_go_direct() const;
  Result<void> go_direct(TimePoint now);
  Result<void> write_direct(TimePoint now);

  BufferPool& pool_;
  UniqueFd file_;
  int lent_file_;
  std::vector<Options::Bound> bounds_;
  std::optional<Hasher> hasher_;
  std::optional<PieceHasher> pieces_;
  BufferPool::Buffer buffer_;
  std::size_t fill_ = 0;
  std::uint64_t begin_ = 0, position_ = 0;
  std::uint64_t pieces_from_ = 0;
  std::optional<TimePoint> oldest_;
  std::size_t next_size_ = BufferPool::small_bytes;

  std::optional<std::uint64_t> total_bytes_;
  bool alone_ = false;
  bool direct_ = false;  ///< the file is open for writes past the page cache
  int fast_writes_ = 0;  ///< in a row
  int slow_turns_ = 0;   ///< of the disk
};

/// Where the place's room ends in the order's file.
std::optional<BodyWriter::Options::Bound> room_of(const jobs::TransferOrder& order);

/// OpenSSL's name of a digest of the document ("sha-256", "sha-512", "sha", "md5"), or null.
const char* openssl_digest(std::string_view algorithm);

}  // namespace restante::transfer
