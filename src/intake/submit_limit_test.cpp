// SPDX-License-Identifier: Apache-2.0
#include "intake/submit_limit.hpp"

#include <gtest/gtest.h>

namespace restante::intake {
namespace {

constexpr Instant start{Millis{1700000000000}};

TEST(SubmitLimit, AllowsSoManyAtOnceAndNoMore) {
  SubmitLimit limit(3);

  std::vector<bool> allowed;
  for (int i = 0; i < 4; ++i) allowed.push_back(limit.take({1}, start).allowed);

  EXPECT_EQ(allowed, (std::vector<bool>{true, true, true, false}));
}

TEST(SubmitLimit, SaysWhenTheNextOneIsHeard) {
  SubmitLimit limit(2);
  limit.take({1}, start);
  limit.take({1}, start);

  const auto refused = limit.take({1}, start);

  EXPECT_EQ(refused.retry_after, Seconds{30});
  EXPECT_TRUE(limit.take({1}, start + refused.retry_after).allowed);
}

TEST(SubmitLimit, CountsEachAccountForItself) {
  SubmitLimit limit(1);
  limit.take({1}, start);

  EXPECT_TRUE(limit.take({2}, start).allowed);
}

TEST(SubmitLimit, ShowsItsStateAsStructuredFields) {
  SubmitLimit limit(600);

  const auto verdict = limit.take({1}, start);

  EXPECT_EQ(limit.policy_header(), "\"submit\";q=600;w=60");
  EXPECT_EQ(SubmitLimit::state_header(verdict), "\"submit\";r=599;t=1");
}

TEST(SubmitLimit, AClockSetBackTakesNothingAway) {
  SubmitLimit limit(2);
  limit.take({1}, start);

  EXPECT_TRUE(limit.take({1}, start - Seconds{3600}).allowed);
}

}  // namespace
}  // namespace restante::intake
