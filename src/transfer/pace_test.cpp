// SPDX-License-Identifier: Apache-2.0
#include "transfer/pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace {

using namespace std::chrono_literals;
using restante::transfer::Pace;
using TimePoint = Pace::TimePoint;

constexpr std::uint64_t kib = 1024, mib = 1024 * kib, gib = 1024 * mib;

/// How much comes through in that time if pieces of `chunk` bytes are always there, asked every `tick`.
std::uint64_t through(Pace& pace, TimePoint& now, std::chrono::milliseconds time, std::uint64_t chunk,
                      std::chrono::milliseconds tick = 100ms) {
  std::uint64_t sum = 0;
  for (const TimePoint end = now + time; now < end; now += tick)
    while (!pace.over(now)) {
      pace.took(chunk, now);
      sum += chunk;
    }
  return sum;
}

bool near(std::uint64_t is, std::uint64_t wanted, std::uint64_t slack) {
  return is <= wanted + slack && is + slack >= wanted;
}

}  // namespace

TEST(Pace, LetsThroughWhatItsRatePermitsFromOneKiBToOneGiB) {
  struct Case {
    std::uint64_t rate, chunk;
  };
  for (const Case one : std::array<Case, 5>{
           {{kib, 512}, {kib, 16 * kib}, {mib, 16 * kib}, {100 * mib, 512 * kib}, {gib, 512 * kib}}}) {
    TimePoint now{};
    Pace pace(one.rate, 250ms, now);
    const std::uint64_t got = through(pace, now, 60s, one.chunk);
    EXPECT_TRUE(near(got, 60 * one.rate, one.chunk + one.rate / 4)) << one.rate << " " << got;
  }
}

TEST(Pace, IsSmoothNoSecondHasMoreThanItsRateABurstAndOnePiece) {
  for (const std::uint64_t rate : {kib, 100 * kib, gib}) {
    const std::uint64_t chunk = std::max<std::uint64_t>(rate / 10, 1);
    TimePoint now{};
    Pace pace(rate, 250ms, now);
    for (int second = 0; second < 20; ++second) {
      const auto got = through(pace, now, 1s, chunk);
      EXPECT_TRUE(got <= rate + rate / 4 + chunk) << rate << " " << got;
    }
  }
}

TEST(Pace, SavesUpNoMoreThanABurst) {
  TimePoint now{};
  Pace pace(mib, 250ms, now);
  now += 1h;
  EXPECT_TRUE(through(pace, now, 1ms, kib) <= mib / 4 + kib);
}

TEST(Pace, WithoutARateNothingWaitsAndNothingIsHeldAgainstALaterRate) {
  TimePoint now{};
  Pace pace(std::nullopt, 250ms, now);
  for (int i = 0; i < 100; ++i) pace.took(gib, now);
  EXPECT_FALSE(pace.over(now));
  pace.set(kib, now);
  now += 2ms;
  EXPECT_FALSE(pace.over(now));
}

TEST(Pace, HoldsAtOnceWhenItIsLoweredRaisedOrTakenAway) {
  TimePoint now{};
  Pace pace(100 * mib, 250ms, now);
  pace.took(512 * kib, now);
  pace.set(kib, now);
  EXPECT_TRUE(pace.over(now));
  now += 1100ms;  // of the 512 KiB that came too early only a second's worth is left
  EXPECT_FALSE(pace.over(now));
  pace.took(64 * kib, now);
  EXPECT_TRUE(pace.over(now));
  pace.set(mib, now);
  now += 100ms;
  EXPECT_FALSE(pace.over(now));
  pace.took(mib, now);
  EXPECT_TRUE(pace.over(now));
  pace.set(std::nullopt, now);
  EXPECT_FALSE(pace.over(now));
}

TEST(Pace, SayingTheSameAgainChangesNothing) {
  TimePoint now{};
  Pace pace(kib, 250ms, now);
  pace.took(16 * kib, now);
  for (int i = 0; i < 10; ++i) pace.set(kib, now);
  now += 10s;
  EXPECT_TRUE(pace.over(now));
}

TEST(Pace, AClockThatGoesBackGivesNothingAway) {
  TimePoint now{1h};
  Pace pace(kib, 250ms, now);
  pace.took(10 * kib, now);
  EXPECT_TRUE(pace.over(now - 30min));
  EXPECT_TRUE(pace.over(now + 5s));
  EXPECT_FALSE(pace.over(now + 11s));
}
