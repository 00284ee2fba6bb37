// SPDX-License-Identifier: Apache-2.0
#include "base/pieces.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante {
namespace {

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 256);
  return text;
}

Pieces pieces_of(std::string_view bytes) {
  PieceHasher hasher;
  hasher.update(bytes);
  Pieces out;
  EXPECT_TRUE(add(out, hasher.report()));
  return out;
}

TEST(Pieces, AreXxh3InItsCanonicalForm) {
  const Pieces pieces = pieces_of("abc");

  EXPECT_EQ(to_hex({reinterpret_cast<const std::uint8_t*>(pieces.digests.data()), pieces.digests.size()}),
            "06b05ab6733a618578af5f94892f3950");  // xxhsum -H2
}

TEST(Pieces, AreTheSameHoweverTheBytesCome) {
  const std::string bytes = pattern(2 * piece_bytes + 1000);
  const Pieces whole = pieces_of(bytes);

  Pieces together;
  PieceHasher hasher;
  for (std::size_t at = 0; at < bytes.size(); at += 1'000'003) {
    hasher.update(std::string_view(bytes).substr(at, 1'000'003));
    EXPECT_TRUE(add(together, hasher.report()));
  }

  EXPECT_EQ(whole.count(), 3u);
  EXPECT_EQ(whole.end_bytes, bytes.size());
  EXPECT_EQ(together.digests, whole.digests);
  EXPECT_EQ(together.end_bytes, whole.end_bytes);
}

TEST(Pieces, GoOnFromTheMiddleOfAPiece) {
  const std::string bytes = pattern(piece_bytes + 5000);
  Pieces pieces = pieces_of(std::string_view(bytes).substr(0, piece_bytes + 1000));

  PieceHasher hasher(1);
  hasher.update(std::string_view(bytes).substr(piece_bytes));
  ASSERT_TRUE(add(pieces, hasher.report()));

  EXPECT_EQ(pieces.digests, pieces_of(bytes).digests);
}

TEST(Pieces, TakeNoReportThatDoesNotFit) {
  Pieces pieces = pieces_of(pattern(piece_bytes + 10));
  const std::string before = pieces.digests;

  EXPECT_FALSE(add(pieces, {3, 4 * piece_bytes, std::string(16, 'x')})) << "a gap";
  EXPECT_FALSE(add(pieces, {2, 3 * piece_bytes, std::string(16, 'x')})) << "behind a short piece";
  EXPECT_FALSE(add(pieces, {1, 3 * piece_bytes, std::string(16, 'x')})) << "too few digests";
  EXPECT_FALSE(add(pieces, {0, (most_pieces + 1) * piece_bytes, {}})) << "too many pieces";
  EXPECT_EQ(pieces.digests, before);
}

TEST(Pieces, AreCutToWholeOnes) {
  Pieces pieces = pieces_of(pattern(2 * piece_bytes + 10));

  cut_pieces(pieces, 2 * piece_bytes + 10);
  EXPECT_EQ(pieces.count(), 3u);
  cut_pieces(pieces, 2 * piece_bytes + 9);
  EXPECT_EQ(pieces.count(), 2u);
  EXPECT_EQ(pieces.end_bytes, 2 * piece_bytes);
}

TEST(Pieces, TellWhereAFileDiffers) {
  std::string bytes = pattern(3 * piece_bytes);
  const Pieces pieces = pieces_of(bytes);
  bytes[piece_bytes + 5] ^= 1;
  PieceHasher hasher;
  hasher.update(bytes);
  const PieceReport now = hasher.report();

  EXPECT_EQ(first_difference(pieces, now), 1u);
  EXPECT_EQ(first_difference(pieces, report_from(pieces, 0)), 3u);
  EXPECT_EQ(first_difference(pieces, report_from(pieces, 2)), 3u);
}

}  // namespace
}  // namespace restante
