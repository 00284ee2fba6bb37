// SPDX-License-Identifier: Apache-2.0
#include "base/pieces.hpp"

#include <xxhash.h>

#include <algorithm>
#include <new>
#include <utility>

namespace restante {

bool fits(const PieceReport& report) {
  const std::uint64_t all = pieces_in(report.end_bytes);
  return all <= most_pieces && report.first <= all &&
         report.digests.size() == (all - report.first) * piece_digest_bytes;
}

bool add(Pieces& pieces, const PieceReport& report) {
  if (!fits(report) || report.first > pieces.count()) return false;
  // A short piece can be replaced, not continued.
  if (report.first == pieces.count() && pieces.end_bytes % piece_bytes != 0) return false;
  pieces.digests.resize(report.first * piece_digest_bytes);
  pieces.digests += report.digests;
  pieces.end_bytes = report.end_bytes;
  return true;
}

PieceReport report_from(const Pieces& pieces, std::uint64_t first) {
  PieceReport out;
  out.first = std::min(first, pieces.count());
  out.end_bytes = pieces.end_bytes;
  out.digests = pieces.digests.substr(out.first * piece_digest_bytes);
  return out;
}

void cut_pieces(Pieces& pieces, std::uint64_t end_bytes) {
  if (end_bytes >= pieces.end_bytes) return;
  const std::uint64_t whole = end_bytes / piece_bytes;
  pieces.digests.resize(whole * piece_digest_bytes);
  pieces.end_bytes = whole * piece_bytes;
}

std::uint64_t first_difference(const Pieces& pieces, const PieceReport& report) {
  const std::uint64_t end = std::min(pieces.count(), pieces_in(report.end_bytes));
  for (std::uint64_t piece = report.first; piece < end; ++piece) {
    const std::string_view ours = std::string_view(pieces.digests).substr(piece * piece_digest_bytes);
    const auto theirs = std::string_view(report.digests).substr((piece - report.first) * piece_digest_bytes);
    if (ours.substr(0, piece_digest_bytes) != theirs.substr(0, piece_digest_bytes)) return piece;
  }
  return std::max(report.first, end);
}

struct PieceHasher::State {
  State() : xxh(XXH3_createState()) {
    if (xxh == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  XXH3_state_t* xxh;
};

PieceHasher::PieceHasher(std::uint64_t first)
    : state_(std::make_unique<State>()), first_(first), end_bytes_(first * piece_bytes) {
}

PieceHasher::~PieceHasher() = default;
PieceHasher::PieceHasher(PieceHasher&&) noexcept = default;
PieceHasher& PieceHasher::operator=(PieceHasher&&) noexcept = default;

void PieceHasher::update(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = std::min<std::uint64_t>(bytes.size(), piece_bytes - end_bytes_ % piece_bytes);
    XXH3_128bits_update(state_->xxh, bytes.data(), count);
    bytes.remove_prefix(count);
    end_bytes_ += count;
    if (end_bytes_ % piece_bytes != 0) return;
    digests_ += digest();
    XXH3_128bits_reset(state_->xxh);
  }
}

std::string PieceHasher::digest() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->xxh));
  static_assert(sizeof canonical.digest == piece_digest_bytes);
  return {reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest};
}

PieceReport PieceHasher::report() {
  PieceReport out{std::exchange(first_, end_bytes_ / piece_bytes), end_bytes_, std::exchange(digests_, {})};
  if (end_bytes_ % piece_bytes != 0) out.digests += digest();
  return out;
}

}  // namespace restante
