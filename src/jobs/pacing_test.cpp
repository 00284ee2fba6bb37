// SPDX-License-Identifier: Apache-2.0
#include "jobs/pacing.hpp"

#include "proxy/zone.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace restante::jobs {
namespace {

using Rate = std::optional<std::uint64_t>;

JobId job(int number) {
  JobId id;
  id.bytes[0] = static_cast<std::uint8_t>(number);
  return id;
}

const AccountId ana{1}, ben{2};

Instant at(const char* text) {
  return *proxy::parse_ixdtf(text);
}

/// Transfers in a time of the test's own, each as fast as its content server and its pace let it be.
class Pacings : public ::testing::Test {
protected:
  void start(RateRules rules) {
    pacing = std::make_unique<Pacing>(std::move(rules), "Europe/Paris", [this](AccountId id) {
      const auto found = of_accounts.find(id);
      return found == of_accounts.end() ? Rate() : Rate(found->second);
    });
    pacing->on_pace = [this](JobId id, Rate pace) {
      running.at(id).pace = pace;
      ++told;
    };
  }

  void begin(int number, AccountId account, std::uint64_t server_gives, Rate own = {},
             const std::string& host = "one.test") {
    running[job(number)] = {server_gives, {}};
    running[job(number)].pace = pacing->begin({job(number), account, host, own}, now);
  }
  void end(int number) {
    pacing->end(job(number), now);
    running.erase(job(number));
  }
  Rate pace(int number) const { return running.at(job(number)).pace; }

  /// So many seconds; what all received together in the fastest of them.
  std::uint64_t pass(int seconds) {
    std::uint64_t most = 0;
    for (int i = 0; i < seconds; ++i) {
      now.steady += Seconds(1);
      now.wall += Seconds(1);
      std::uint64_t sum = 0;
      for (auto& [id, one] : running) {
        const std::uint64_t rate = std::min(one.server_gives, one.pace.value_or(one.server_gives));
        if (rate > 0) pacing->heard(id, rate, one.server_gives > rate, now.steady);
        sum += rate;
      }
      most = std::max(most, sum);
      pacing->tick(now);
    }
    return most;
  }

  struct One {
    std::uint64_t server_gives = 0;
    Rate pace;
  };
  std::map<AccountId, std::uint64_t> of_accounts;
  std::unique_ptr<Pacing> pacing;
  std::map<JobId, One> running;
  Pacing::Now now{Pacing::TimePoint(Seconds(1000)), at("2026-11-23T12:00:00Z")};
  int told = 0;
};

RateRules place(std::uint64_t rate) {
  RateRules rules;
  rules.bytes_per_s = rate;
  return rules;
}

TEST_F(Pacings, WithoutRatesEveryTransferHasItsOwnLimitOnlyAndNobodyIsTold) {
  start({});
  begin(1, ana, 5000);
  begin(2, ben, 5000, 100);
  pass(10);
  EXPECT_EQ(pace(1), Rate());
  EXPECT_EQ(pace(2), Rate(100));
  EXPECT_EQ(told, 0);
}

TEST_F(Pacings, AChangedLimitIsToldAtOnce) {
  start({});
  begin(1, ana, 5000);
  pacing->change(job(1), 100, now);
  EXPECT_EQ(pace(1), Rate(100));
  pacing->change(job(1), std::nullopt, now);
  EXPECT_EQ(pace(1), Rate());
}

TEST_F(Pacings, TheSecondTransferTakesFromTheFirstAndLeavesItAtItsEnd) {
  start(place(1000000));
  begin(1, ana, 5000000);
  EXPECT_EQ(pace(1), Rate(1000000));
  begin(2, ben, 5000000);
  EXPECT_EQ(pace(1), Rate(500000));
  EXPECT_EQ(pace(2), Rate(500000));
  end(2);
  EXPECT_EQ(pace(1), Rate(1000000));
}

TEST_F(Pacings, WhatASlowContentServerLeavesGoesToTheOthersWithinThreeSeconds) {
  start(place(1000000));
  begin(1, ana, 50000);
  begin(2, ben, 5000000);
  EXPECT_LE(pass(30), 1000000U);
  EXPECT_GE(*pace(2), 900000U);
  begin(3, ana, 5000000);
  pass(3);
  EXPECT_GE(*pace(3), 400000U);
  EXPECT_LE(*pace(1) + *pace(2) + *pace(3), 1000000U);
}

TEST_F(Pacings, ASlowOneThatBecomesFastHasItsShareWithinSeconds) {
  start(place(1000000));
  begin(1, ana, 10000);
  begin(2, ben, 5000000);
  pass(10);
  running.at(job(1)).server_gives = 5000000;
  pass(3);
  EXPECT_GE(*pace(1), 480000U);
  EXPECT_LE(*pace(1) + *pace(2), 1000000U);
}

TEST_F(Pacings, OneThatComesInJoltsDoesNotTakeMoreThanItUses) {
  start(place(1000000));
  begin(1, ana, 100000);
  begin(2, ben, 5000000);
  for (int i = 0; i < 10; ++i) {
    now.steady += Seconds(1);
    pacing->heard(job(1), 100000, true, now.steady);
    pacing->heard(job(2), *pace(2), true, now.steady);
    pacing->tick(now);
    if (i >= 3) {
      EXPECT_GE(*pace(2), 800000U) << i;
    }
  }
}

TEST_F(Pacings, ASilentOneKeepsNothingFromTheOthers) {
  start(place(1000000));
  begin(1, ana, 0);
  begin(2, ben, 5000000);
  pass(4);
  EXPECT_GE(*pace(2), 980000U);
}

TEST_F(Pacings, AnAccountsRateHoldsAndFollowsAChange) {
  of_accounts[ana] = 1000;
  start({});
  begin(1, ana, 50000);
  begin(2, ana, 50000);
  begin(3, ben, 50000);
  EXPECT_EQ(pace(1), Rate(500));
  EXPECT_EQ(pace(2), Rate(500));
  EXPECT_EQ(pace(3), Rate());
  of_accounts[ana] = 4000;
  pass(1);
  EXPECT_EQ(pace(1), Rate(2000));
  of_accounts.clear();
  pass(1);
  EXPECT_EQ(pace(1), Rate());
}

TEST_F(Pacings, AContentServersRateHoldsForAllItsHostsTogether) {
  RateRules rules;
  rules.servers = {{"*.slow.test", 1000, {}, {}}, {"*", 5000, {}, {}}};
  start(rules);
  begin(1, ana, 50000, {}, "a.slow.test");
  begin(2, ana, 50000, {}, "b.slow.test");
  begin(3, ben, 50000, {}, "else.test");
  EXPECT_EQ(pace(1), Rate(500));
  EXPECT_EQ(pace(2), Rate(500));
  EXPECT_EQ(pace(3), Rate(5000));
}

TEST_F(Pacings, NothingIsToldWhileNothingChanges) {
  start(place(1000000));
  begin(1, ana, 5000000);
  begin(2, ben, 100000);
  pass(10);
  told = 0;
  pass(60);
  EXPECT_EQ(told, 0);
}

TEST_F(Pacings, AnHourThatBeginsIsHeardWithinASecond) {
  RateRules rules = place(1000);
  rules.hours = {{*proxy::parse_person_window("22:00-06:00"), {}},
                 {*proxy::parse_person_window("12:00-13:00"), 200}};
  now.wall = at("2026-11-23T11:59:58+01:00");
  start(rules);
  begin(1, ana, 50000);
  EXPECT_EQ(pace(1), Rate(1000));
  pass(2);
  EXPECT_EQ(pace(1), Rate(200));
  now.wall = at("2026-11-23T22:00:00+01:00");
  pass(1);
  EXPECT_EQ(pace(1), Rate());
}

TEST(PlaceRate, FollowsTheWallClockOfThePlaceWhenClocksAreChanged) {
  RateRules rules = place(1000);
  rules.hours = {{*proxy::parse_person_window("02:30-08:00@su"), 100}};
  const auto rate = [&](const char* text) { return place_rate(rules, "Europe/Paris", at(text)); };
  // 2026-10-25: 03:00 summer time is 02:00 winter time.
  EXPECT_EQ(rate("2026-10-25T07:59:00+01:00"), Rate(100));
  EXPECT_EQ(rate("2026-10-25T08:00:00+01:00"), Rate(1000));
  // 2026-03-29: there is no 02:30, the window begins at what would have been 02:30.
  EXPECT_EQ(rate("2026-03-29T01:59:00+01:00"), Rate(1000));
  EXPECT_EQ(rate("2026-03-29T03:30:00+02:00"), Rate(100));
  EXPECT_EQ(rate("2026-03-29T07:59:00+02:00"), Rate(100));
  EXPECT_EQ(rate("2026-03-29T08:00:00+02:00"), Rate(1000));
  EXPECT_EQ(rate("2026-03-30T07:00:00+02:00"), Rate(1000)) << "a Monday";
}

TEST(RuleFor, TakesTheFirstThatFitsAWholeNameOrAnEnding) {
  RateRules rules;
  rules.servers = {{"one.test", {}, {}, {}}, {"*.test", {}, {}, {}}, {"*", {}, {}, {}}};
  EXPECT_EQ(rule_for(rules, "one.test"), 0);
  EXPECT_EQ(rule_for(rules, "two.test"), 1);
  EXPECT_EQ(rule_for(rules, "test"), 2);
  EXPECT_EQ(rule_for(rules, "notone.test"), 1);
  rules.servers.pop_back();
  EXPECT_EQ(rule_for(rules, "else.example"), std::nullopt);
}

}  // namespace
}  // namespace restante::jobs
