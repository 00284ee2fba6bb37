// SPDX-License-Identifier: Apache-2.0
#include "notify/sender.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace restante::notify {
namespace {

using namespace std::chrono_literals;

TEST(RetrySchedule, IsThatOfStandardWebhooksAndThenItIsGivenUp) {
  std::vector<Millis> waits;
  for (int attempt = 1; retry_delay(attempt); ++attempt) waits.push_back(*retry_delay(attempt));

  EXPECT_EQ(waits, (std::vector<Millis>{5s, 5min, 30min, 2h, 5h, 10h, 14h, 20h, 24h}));
  EXPECT_FALSE(retry_delay(0));
  EXPECT_FALSE(retry_delay(10));
}

}  // namespace
}  // namespace restante::notify
