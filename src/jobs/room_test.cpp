// SPDX-License-Identifier: Apache-2.0
#include "jobs/room.hpp"

#include <gtest/gtest.h>

namespace restante::jobs {
namespace {

constexpr std::uint64_t mib = 1 << 20;
const AccountId ana{1}, ben{2};

Room room(std::uint64_t volume, std::optional<std::uint64_t> quota = {}) {
  Room out;
  out.volume_bytes = volume;
  out.quota_bytes = quota;
  return out;
}

TEST(Granting, GivesExactlyWhatAFileNeeds) {
  const Grant got = grant(room(10 * mib), ana, {}, 3 * mib, false);
  EXPECT_TRUE(got.enough);
  EXPECT_EQ(got.bytes, 3 * mib);
}

TEST(Granting, GivesAllToOneThatBringsMoreThanItShouldSoThatThisIsFoundOut) {
  EXPECT_EQ(grant(room(10 * mib), ana, {}, 3 * mib, true).bytes, 10 * mib);
}

TEST(Granting, NamesWhatEndsFirst) {
  EXPECT_EQ(grant(room(10, 9), ana, {}, 11, false).reason, Reason::quota);
  EXPECT_EQ(grant(room(9, 10), ana, {}, 11, false).reason, Reason::disk_full);
  EXPECT_EQ(grant(room(9), ana, {}, 11, false).reason, Reason::disk_full);
  EXPECT_FALSE(grant(room(9), ana, {}, 11, false).enough);
}

TEST(Granting, LeavesWhatOthersWerePromised) {
  const std::vector<Promise> promised{{ana, 4 * mib}, {ben, 5 * mib}};
  EXPECT_EQ(grant(room(20 * mib, 6 * mib), ana, promised, {}, true).bytes, 2 * mib) << "only ana's own count";
  EXPECT_EQ(grant(room(10 * mib, 60 * mib), ana, promised, {}, true).bytes, mib);
  EXPECT_FALSE(grant(room(9 * mib), ana, promised, {}, true).enough);
}

TEST(Granting, SharesWithOthersWhereTheSizeIsNotKnown) {
  EXPECT_EQ(grant(room(40 * mib), ana, {}, {}, false).bytes, 10 * mib);
  EXPECT_EQ(grant(room(2 * mib), ana, {}, {}, false).bytes, mib);
  EXPECT_EQ(grant(room(100), ana, {}, {}, false).bytes, 100u);
  EXPECT_FALSE(grant(room(40 * mib), ana, {}, {}, false).all);
  EXPECT_TRUE(grant(room(40 * mib), ana, {}, {}, true).all);
}

TEST(Granting, ACrowdOfUnknownSizesFindsRoomForEveryOneAndNoMoreThanThereIs) {
  std::vector<Promise> crowd;
  for (std::uint64_t left = 200; left > 0; --left) {
    const Grant next = grant(room(800 * mib), ana, crowd, {}, false, left);
    ASSERT_TRUE(next.enough) << left;
    EXPECT_GE(next.bytes, mib) << left;
    crowd.push_back({ana, next.bytes});
  }

  std::uint64_t sum = 0;
  for (const Promise& one : crowd) sum += one.bytes;
  EXPECT_LE(sum, 800 * mib);
}

TEST(Granting, AnAccountBeyondItsQuotaGetsNothing) {
  Room over = room(40 * mib, 0);
  over.over_quota_bytes = 1;
  EXPECT_FALSE(grant(over, ana, {}, 0, false).enough);
  EXPECT_TRUE(grant(room(40 * mib, 0), ana, {}, 0, false).enough);
}

}  // namespace
}  // namespace restante::jobs
