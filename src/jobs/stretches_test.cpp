// SPDX-License-Identifier: Apache-2.0
#include "jobs/stretches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace restante::jobs {
namespace {

std::string digests(std::uint64_t count, char of = 'a') {
  return std::string(count * piece_digest_bytes, of);
}

Stretch stretch(std::uint64_t begin, std::uint64_t bytes) {
  return Stretch{begin, Pieces{bytes, digests(pieces_in(bytes))}};
}

SpanReport report(std::uint64_t begin, std::uint64_t first, std::uint64_t bytes) {
  return SpanReport{begin, PieceReport{first, bytes, digests(pieces_in(bytes) - first, 'b')}};
}

TEST(Stretches, GrowByWhatIsReported) {
  std::vector<Stretch> apart{stretch(100, piece_bytes + 7)};

  take_report(apart, {report(100, 1, 2 * piece_bytes + 1), report(3 * piece_bytes + 100, 0, 5)});

  ASSERT_EQ(apart.size(), 2u);
  EXPECT_EQ(apart[0].end(), 100 + 2 * piece_bytes + 1);
  EXPECT_EQ(apart[0].pieces.digests, digests(1, 'a') + digests(2, 'b'));
  EXPECT_EQ(bytes_of(apart), 2 * piece_bytes + 6);
}

TEST(Stretches, ThatDidNotGrowStay) {
  std::vector<Stretch> apart{stretch(100, 7)};

  take_report(apart, {SpanReport{100, PieceReport{1, 7, ""}}});

  ASSERT_EQ(apart.size(), 1u);
  EXPECT_EQ(apart[0].pieces.digests, digests(1));
}

TEST(Stretches, ThatAreNotReportedAreNotThereAndOnesWithoutDigestsAreLeftOut) {
  std::vector<Stretch> apart{stretch(100, 7), stretch(200, 7)};

  take_report(apart, {report(200, 0, 9), report(300, 1, 2 * piece_bytes)});

  ASSERT_EQ(apart.size(), 1u);
  EXPECT_EQ(apart[0].begin, 200u);
}

TEST(Stretches, ThatTouchAreOnePlace) {
  const auto places = places_of({stretch(100, 10), stretch(110, 5), stretch(200, 1)});

  ASSERT_EQ(places.size(), 2u);
  EXPECT_EQ(places[0].end, 115u);
  EXPECT_EQ(places[1].begin, 200u);
}

TEST(Stretches, BecomeTheBeginningsOnceItReachesThem) {
  std::vector<Stretch> apart{stretch(100, 10), stretch(110, 5), stretch(200, 1)};

  EXPECT_EQ(absorb(99, apart), 99u);
  EXPECT_EQ(absorb(100, apart), 115u);
  EXPECT_EQ(apart.size(), 1u);
}

TEST(Stretches, AreStoredBehindTheBeginningAndWithinBounds) {
  const std::uint64_t many = (most_stored_pieces - 1) * piece_bytes;
  const std::vector<Stretch> apart{stretch(100, 10), stretch(1000, many), stretch(2000 + many, 10)};

  EXPECT_EQ(to_store(apart, 0).size(), 2u);
  EXPECT_EQ(to_store(apart, 100).size(), 1u);
}

TEST(Stretches, WereSyncedAsFarAsTheyWereAndAreThere) {
  const auto left = still_synced({stretch(100, 10), stretch(200, 10), stretch(300, 10)},
                                 {stretch(100, 4), stretch(200, 40), stretch(400, 4)});

  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].end(), 104u);
  EXPECT_EQ(left[1].end(), 210u);
}

TEST(Stretches, AreGivenUpFromTheEnd) {
  std::vector<Stretch> apart{stretch(100, 10), stretch(200, 10)};

  EXPECT_EQ(give_up(apart, 5), 0u);
  EXPECT_EQ(apart.size(), 1u);
  EXPECT_EQ(give_up(apart, 25), 15u);
}

}  // namespace
}  // namespace restante::jobs
