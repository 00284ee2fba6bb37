// SPDX-License-Identifier: Apache-2.0
#include "transfer/segment_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace restante::transfer {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t mib = 1 << 20;

TEST(SegmentPlan, PartsTheLargestRangeAtItsMiddle) {
  SegmentPlan plan({}, 64 * mib, 4 * mib);

  const auto first = plan.assign(1);
  const auto second = plan.assign(2);

  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->begin, 34 * mib);
  EXPECT_EQ(first->end, 64 * mib);
  EXPECT_EQ(plan.until(), 34 * mib - 15 * mib);
  EXPECT_EQ(second->begin, 19 * mib);
  EXPECT_EQ(second->end, 34 * mib);
  EXPECT_EQ(plan.missing_bytes(), 60 * mib);
}

TEST(SegmentPlan, WhatNobodyFetchesComesFirst) {
  SegmentPlan plan({}, 64 * mib, 0);
  plan.assign(1);
  plan.of(1)->at = 40 * mib;
  plan.let_go(1);

  const auto next = plan.assign(2);

  ASSERT_TRUE(next);
  EXPECT_EQ(next->begin, 40 * mib);
  EXPECT_EQ(next->end, 64 * mib);
  EXPECT_FALSE(plan.has_gap());
}

TEST(SegmentPlan, AStretchWithoutBytesLeavesNothingBehind) {
  SegmentPlan plan({}, 64 * mib, 0);
  plan.assign(1);

  plan.let_go(1);

  EXPECT_EQ(plan.until(), 64 * mib);
  EXPECT_TRUE(plan.stretches().empty());
}

TEST(SegmentPlan, TheBeginningTakesInWhatItReaches) {
  SegmentPlan plan({}, 64 * mib, 0);
  plan.assign(1);
  plan.of(1)->at = 40 * mib;
  EXPECT_EQ(plan.touched(), nullptr);

  plan.beginning_reached(32 * mib);
  ASSERT_NE(plan.touched(), nullptr);
  plan.took_in(40 * mib);

  EXPECT_EQ(plan.beginning(), 40 * mib);
  ASSERT_NE(plan.of(1), nullptr);
  EXPECT_EQ(plan.of(1)->begin, 40 * mib);
  plan.of(1)->at = 64 * mib;
  plan.took_in(64 * mib);
  EXPECT_TRUE(plan.stretches().empty());
  EXPECT_EQ(plan.missing_bytes(), 0u);
}

TEST(SegmentPlan, SmallRestsAreNotShared) {
  SegmentPlan plan({}, mib - 1, 0);

  EXPECT_FALSE(plan.assign(1));
}

TEST(SegmentPlan, NeverMoreSpansThanCanBeKept) {
  SegmentPlan plan({}, 10000 * mib, 0);
  std::uint32_t given = 0;
  while (given < 100 && plan.assign(given + 1)) ++given;

  EXPECT_EQ(given, 16u);
}

TEST(SegmentPlan, SpansThatLieOnTheDiskAreNotFetched) {
  SegmentPlan plan({}, 64 * mib, 8 * mib);

  EXPECT_TRUE(plan.have({16 * mib, 32 * mib}));
  EXPECT_FALSE(plan.have({20 * mib, 40 * mib}));
  EXPECT_FALSE(plan.have({60 * mib, 65 * mib}));

  EXPECT_EQ(plan.until(), 16 * mib);
  EXPECT_EQ(plan.missing_bytes(), 40 * mib);
  EXPECT_TRUE(plan.has_gap());
}

TEST(SegmentPlan, TakesFromWhoIsMuchSlower) {
  SegmentPlan plan({}, 64 * mib, 0);
  plan.assign(1);
  plan.of(1)->at = 63 * mib;
  plan.of(1)->bytes_per_s = 100e3;

  EXPECT_EQ(plan.slowest_for(1e6), 1u);
  EXPECT_FALSE(plan.slowest_for(150e3));
}

TEST(SegmentPlan, TakesNothingFromWhoHasJustBegun) {
  SegmentPlan plan({}, 64 * mib, 0);
  plan.assign(1);

  EXPECT_FALSE(plan.slowest_for(1e9));
}

TEST(SegmentPlan, SharesSmallerRangesOfSlowConnections) {
  SegmentPlan plan({}, mib / 2, 0);
  EXPECT_FALSE(plan.assign(1));

  plan.rated(600e3);

  ASSERT_TRUE(plan.assign(1));
  EXPECT_EQ(plan.of(1)->begin, mib / 4);
}

TEST(SegmentPlan, TheLeastIsNotSharedHoweverSlow) {
  SegmentPlan plan({}, 128 * 1024 - 1, 0);

  plan.rated(1);

  EXPECT_FALSE(plan.assign(1));
}

/// A content server in virtual time: what it sends in a tenth of a second to so many connections.
struct Simulated {
  std::function<double(int)> bytes_per_s;
  std::function<double(double)> share = [](double) {
    return 1.0;
  };  ///< of that, so many seconds after the begin
  int most = 4;
  double size = 100e6;
  int refuses_from = 1000;
  int seen_most = 1, at_end = 1;
  double seconds = 0, first_added = 0;
  int added = 0;

  void run() {
    SegmentGrowth growth({}, most);
    SegmentGrowth::TimePoint now{};
    double received = 0;
    int running = 1;
    while (received < size) {
      received += share(seconds) * bytes_per_s(running) / 10;
      now += 100ms;
      seconds += 0.1;
      const auto left = static_cast<std::uint64_t>(std::max(0.0, size - received));
      const auto advice = growth.judge(now, static_cast<std::uint64_t>(received), running, left, mib);
      running -= advice.drop;
      if (advice.add > 0 && added++ == 0) first_added = seconds;
      for (int i = 0; i < advice.add; ++i) {
        if (running + 1 >= refuses_from) {
          growth.refused();
        } else {
          ++running;
        }
      }
      if (advice.add > 0) growth.begin_watch(now, static_cast<std::uint64_t>(received));
      seen_most = std::max(seen_most, running);
      at_end = running;
    }
  }
};

TEST(SegmentGrowth, AServerThatPacesEachConnectionGetsAll) {
  Simulated slow{[](int n) { return n * 1e6; }};
  slow.run();

  EXPECT_EQ(slow.at_end, 4);
  EXPECT_LT(slow.seconds, 30);
}

TEST(SegmentGrowth, ALineThatIsFullKeepsOne) {
  Simulated full{[](int) { return 5e6; }};
  full.run();

  EXPECT_EQ(full.at_end, 1);
}

TEST(SegmentGrowth, WhatIsSoonDoneGetsNoSecond) {
  Simulated fast{[](int n) { return n * 60e6; }};
  fast.run();

  EXPECT_EQ(fast.seen_most, 1);
}

/// A connection doubles its rate with each way there and back, up to what the line carries.
TEST(SegmentGrowth, WhatIsGettingFasterGetsNoSecond) {
  Simulated starting{[](int) { return 25e6; }};
  starting.share = [](double s) { return std::min(1.0, 0.01 * std::exp2(s / 0.15)); };
  starting.size = 30e6;
  starting.run();

  EXPECT_EQ(starting.seen_most, 1);
}

TEST(SegmentGrowth, SeveralAreAddedAtOnceAsSoonAsOneIsSeenToBeSlow) {
  Simulated slow{[](int n) { return n * 0.5e6; }};
  slow.size = 12e6;
  slow.run();

  EXPECT_EQ(slow.added, 1);
  EXPECT_EQ(slow.at_end, 4);
  EXPECT_LT(slow.first_added, 0.75);
}

TEST(SegmentGrowth, OnesOfNoUseAreKeptForWhatSoonEnds) {
  Simulated full{[](int) { return 5e6; }};
  full.size = 25e6;
  full.run();

  EXPECT_EQ(full.added, 1);
  EXPECT_EQ(full.at_end, 4);
}

/// The first connection was lucky, as it is on a line that loses a packet now and then.
TEST(SegmentGrowth, AJudgementCountsNoMoreOnceThingsHaveBecomeSlower) {
  Simulated lucky{[](int n) { return n * 0.5e6; }};
  lucky.share = [](double s) { return s < 1 ? 12.0 : 1.0; };
  lucky.size = 30e6;
  lucky.run();

  EXPECT_EQ(lucky.at_end, 4);
  EXPECT_LT(lucky.seconds, 18);
}

TEST(SegmentGrowth, WhereOneIsRefusedNoneIsAddedAgain) {
  Simulated strict{[](int n) { return n * 1e6; }};
  strict.refuses_from = 3;
  strict.run();

  EXPECT_EQ(strict.seen_most, 2);
  EXPECT_EQ(strict.at_end, 2);
}

TEST(SegmentGrowth, NeverMoreThanAllowed) {
  Simulated slow{[](int n) { return n * 0.3e6; }};
  slow.most = 2;
  slow.run();

  EXPECT_EQ(slow.seen_most, 2);
}

}  // namespace
}  // namespace restante::transfer
