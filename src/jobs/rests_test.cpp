// SPDX-License-Identifier: Apache-2.0
#include "jobs/rests.hpp"

#include <gtest/gtest.h>

namespace restante::jobs {
namespace {

const Instant now{Seconds(1795305600)};
constexpr Seconds day{86400};

TEST(Rests, HoldForTheHostUntilTheyEnd) {
  Rests rests(10, day);
  rests.rest("http://a.test", Seconds(60), now);

  EXPECT_EQ(rests.until("http://a.test", now), now + Seconds(60));
  EXPECT_EQ(rests.until("https://a.test", now), now + Seconds(60)) << "http often only points to https";
  EXPECT_EQ(rests.until("http://b.test", now), std::nullopt);
  EXPECT_EQ(rests.until("http://a.test", now + Seconds(60)), std::nullopt);
}

TEST(Rests, AreNoLongerThanADay) {
  Rests rests(10, day);
  rests.rest("http://a.test", 3650 * day, now);

  EXPECT_EQ(rests.until("http://a.test", now), now + day);
}

TEST(Rests, AShorterOneDoesNotCutALongerOne) {
  Rests rests(10, day);
  rests.rest("http://a.test", Seconds(60), now);
  rests.rest("http://a.test", Seconds(5), now);

  EXPECT_EQ(rests.until("http://a.test", now), now + Seconds(60));
}

TEST(Rests, ForgetTheOneThatEndsFirstWhenThereAreTooMany) {
  Rests rests(2, day);
  rests.rest("http://a.test", Seconds(60), now);
  rests.rest("http://b.test", Seconds(30), now);
  rests.rest("http://c.test", Seconds(10), now);

  EXPECT_EQ(rests.size(), 2u);
  EXPECT_EQ(rests.until("http://b.test", now), std::nullopt);
  EXPECT_TRUE(rests.until("http://c.test", now).has_value());
}

TEST(Rests, OfOurOwnGrowUntilTheServerAnswers) {
  Rests rests(10, day, Millis(1000), Millis(5000));
  Instant at = now;
  for (const int seconds : {1, 2, 4, 5, 5}) {
    rests.refused("http://a.test", 0, at);
    EXPECT_EQ(rests.until("https://a.test", at), at + Seconds(seconds));
    at += Seconds(seconds);
  }
  rests.answered("http://a.test");
  rests.refused("http://a.test", 1, at);
  EXPECT_EQ(rests.until("http://a.test", at), at + Millis(750));
}

TEST(Rests, AnswersToWhatWasUnderWayDoNotMakeThemGrow) {
  Rests rests(10, day, Millis(1000), Millis(60000));
  for (int i = 0; i < 6; ++i) rests.refused("http://a.test", 0, now + Millis(i));
  EXPECT_EQ(rests.until("http://a.test", now + Millis(10)), now + Seconds(1));
}

}  // namespace
}  // namespace restante::jobs
