// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// XXH3-128 of a file piece by piece, by which a partial file is known again (DESIGN.md §6, Resume). It finds
/// damage, not malice: what a person's digest says is proven by that digest.
namespace restante {

inline constexpr std::uint64_t piece_bytes = 4ull << 20;
inline constexpr std::size_t piece_digest_bytes = 16;
/// No more pieces of one file are noted down (16 TiB): a bound on what a worker can claim.
inline constexpr std::uint64_t most_pieces = 1ull << 22;

/// How many pieces that many bytes have, the last one perhaps short.
constexpr std::uint64_t pieces_in(std::uint64_t bytes) {
  return bytes / piece_bytes + (bytes % piece_bytes != 0 ? 1 : 0);
}

/// Digests of the first `end_bytes` of a file in their canonical form, one after the other; the last one may
/// be of a short piece.
struct Pieces {
  std::uint64_t end_bytes = 0;
  std::string digests;

  std::uint64_t count() const { return digests.size() / piece_digest_bytes; }
};

/// Digests of the pieces from `first` up to `end_bytes`.
struct PieceReport {
  std::uint64_t first = 0, end_bytes = 0;
  std::string digests;
};

/// Bytes [begin, end) of a content that lie apart from its beginning. Pieces are counted from `begin` on, and
/// so is `pieces.end_bytes`.
struct Stretch {
  std::uint64_t begin = 0;
  Pieces pieces;

  std::uint64_t end() const { return begin + pieces.end_bytes; }
};

/// What is new of such bytes, counted in the same way.
struct SpanReport {
  std::uint64_t begin = 0;
  PieceReport pieces;

  std::uint64_t end() const { return begin + pieces.end_bytes; }
};

/// Whether there are as many digests as bytes.
bool fits(const PieceReport& report);
/// Puts a report behind what is known already, in place of the pieces that it has too. False, changing
/// nothing: it does not fit, or leaves a gap.
bool add(Pieces& pieces, const PieceReport& report);
/// The digests from the piece `first` on.
PieceReport report_from(const Pieces& pieces, std::uint64_t first);
/// Keeps the whole pieces in front of `end_bytes`.
void cut_pieces(Pieces& pieces, std::uint64_t end_bytes);
/// Of the pieces that both have, the first one that differs; else the first that one of them has not.
std::uint64_t first_difference(const Pieces& pieces, const PieceReport& report);

/// Computes digests while bytes pass by. One thread.
class PieceHasher {
public:
  /// `first`: the piece whose first byte comes first.
  explicit PieceHasher(std::uint64_t first = 0);
  ~PieceHasher();
  PieceHasher(PieceHasher&&) noexcept;
  PieceHasher& operator=(PieceHasher&&) noexcept;

  void update(std::string_view bytes);
  std::uint64_t end_bytes() const { return end_bytes_; }
  /// What was not reported yet, and the piece under way.
  PieceReport report();

private:
  struct State;
  std::string digest() const;

  std::unique_ptr<State> state_;
  std::uint64_t first_ = 0;  ///< of those that were not reported
  std::uint64_t end_bytes_ = 0;
  std::string digests_;
};

}  // namespace restante
