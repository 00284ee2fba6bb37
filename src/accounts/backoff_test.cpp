// SPDX-License-Identifier: Apache-2.0
#include "accounts/backoff.hpp"

#include <gtest/gtest.h>

namespace restante::accounts {
namespace {

constexpr Instant start{Millis{1000000000000}};

TEST(Backoff, LetsTheFirstFailuresPassFreely) {
  Backoff backoff({.free = 3});

  backoff.failed("ana", start);
  backoff.failed("ana", start);

  EXPECT_EQ(backoff.wait("ana", start), Seconds{0});
}

TEST(Backoff, DoublesTheWaitUpToTheLongest) {
  Backoff backoff({.free = 2, .longest = Seconds{5}});
  std::vector<std::int64_t> waits;

  for (int i = 0; i < 6; ++i) {
    backoff.failed("ana", start);
    waits.push_back(backoff.wait("ana", start).count());
  }

  EXPECT_EQ(waits, (std::vector<std::int64_t>{0, 1, 2, 4, 5, 5}));
}

TEST(Backoff, EndsWithTime) {
  Backoff backoff({.free = 1});
  backoff.failed("ana", start);

  EXPECT_EQ(backoff.wait("ana", start), Seconds{1});
  EXPECT_EQ(backoff.wait("ana", start + Seconds{1}), Seconds{0});
}

TEST(Backoff, ForgetsWhatIsLongAgo) {
  Backoff backoff({.free = 2});
  backoff.failed("ana", start);

  backoff.failed("ana", start + std::chrono::hours{2});

  EXPECT_EQ(backoff.wait("ana", start + std::chrono::hours{2}), Seconds{0});
}

TEST(Backoff, CountsEachKeyForItself) {
  Backoff backoff({.free = 1});

  backoff.failed("ana", start);

  EXPECT_EQ(backoff.wait("ben", start), Seconds{0});
}

TEST(Backoff, StaysSmallUnderManyKeys) {
  Backoff backoff({.free = 1, .keys = 2});
  backoff.failed("first", start);
  backoff.failed("second", start + Seconds{1});

  backoff.failed("third", start + Seconds{1});

  EXPECT_EQ(backoff.wait("first", start), Seconds{0});
  EXPECT_GT(backoff.wait("second", start + Seconds{1}), Seconds{0});
  EXPECT_GT(backoff.wait("third", start + Seconds{1}), Seconds{0});
}

}  // namespace
}  // namespace restante::accounts
