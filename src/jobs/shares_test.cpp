// SPDX-License-Identifier: Apache-2.0
#include "jobs/shares.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace restante::jobs {
namespace {

using Rate = std::optional<std::uint64_t>;
using Rates = std::vector<Rate>;

const AccountId ana{1}, ben{2}, cleo{3};

TEST(Shares, WithoutLimitsEverybodyTakesWhatItCan) {
  EXPECT_EQ(shares({{ana}, {ben}}, {}), (Rates{{}, {}}));
  EXPECT_TRUE(shares({}, {}).empty());
}

TEST(Shares, OnesOwnLimitHoldsWithoutAnyOther) {
  EXPECT_EQ(shares({{ana, {}, 500}, {ana}}, {}), (Rates{500, {}}));
}

TEST(Shares, AreEqualForAccountsAndThenForTheirTransfers) {
  CommonRates common;
  common.place = 1200;
  EXPECT_EQ(shares({{ana}, {ana}, {ana}, {ben}}, common), (Rates{200, 200, 200, 600}));
}

TEST(Shares, WhatOneCannotTakeGoesToTheOthers) {
  CommonRates common;
  common.place = 1000;
  EXPECT_EQ(shares({{ana, {}, 100}, {ana}, {ben}}, common), (Rates{100, 400, 500}));
  EXPECT_EQ(shares({{ana, {}, 100}, {ben}}, common), (Rates{100, 900}));
}

TEST(Shares, WhoIsExpectedToTakeLittleLeavesTheRestToTheHungry) {
  CommonRates common;
  common.place = 1000;
  EXPECT_EQ(shares({{ana, {}, {}, 100}, {ben}}, common), (Rates{100, 900}));
}

TEST(Shares, WhatNobodyIsExpectedToTakeIsSpreadNevertheless) {
  CommonRates common;
  common.place = 1000;
  EXPECT_EQ(shares({{ana, {}, {}, 100}, {ben, {}, {}, 300}}, common), (Rates{400, 600}));
}

TEST(Shares, AnAccountsAndAServersRatesHoldBesideThePlaces) {
  CommonRates common;
  common.place = 1000;
  common.accounts[ana] = 100;
  common.servers[7] = 200;
  EXPECT_EQ(shares({{ana}, {ben, 7}, {ben, 7}, {cleo}}, common), (Rates{100, 100, 100, 700}));
}

TEST(Shares, AtAServerNoAccountStarvesAnother) {
  CommonRates common;
  common.servers[0] = 100;
  std::vector<Demand> demands(10, Demand{ana, 0});
  demands.push_back({ben, 0});
  const auto got = shares(demands, common);
  EXPECT_EQ(got.back(), 50U);
  EXPECT_EQ(got.front(), 5U);
}

TEST(Shares, EverybodyHasAByteASecond) {
  CommonRates common;
  common.place = 1;
  EXPECT_EQ(shares({{ana}, {ben}}, common), (Rates{1, 1}));
}

/// Any demands and limits: no limit is passed, and nobody is below its demand without being at a limit.
TEST(Shares, OfAnyDemandsKeepToAllLimitsAndWasteNothing) {
  std::mt19937 dice(8);
  const auto some = [&](std::uint64_t most) { return 1 + dice() % most; };
  for (int round = 0; round < 2000; ++round) {
    CommonRates common;
    if (dice() % 2 == 0) common.place = some(1'000'000);
    for (int account = 1; account <= 3; ++account)
      if (dice() % 3 == 0) common.accounts[AccountId{account}] = some(1'000'000);
    for (int rule = 0; rule < 3; ++rule)
      if (dice() % 3 == 0) common.servers[rule] = some(1'000'000);
    std::vector<Demand> demands(1 + dice() % 12);
    for (Demand& one : demands) {
      one.account = AccountId{static_cast<std::int64_t>(some(3))};
      if (dice() % 2 == 0) one.server = static_cast<int>(dice() % 3);
      if (dice() % 3 == 0) one.most = some(500'000);
      if (dice() % 3 == 0) one.expected = some(500'000);
    }

    const auto got = shares(demands, common);

    ASSERT_EQ(got.size(), demands.size());
    const double slack = static_cast<double>(demands.size()) + 2;
    const auto sum_where = [&](const auto& belongs) {
      double sum = 0;
      for (std::size_t i = 0; i < got.size(); ++i)
        if (belongs(demands[i])) sum += got[i] ? static_cast<double>(*got[i]) : 1e300;
      return sum;
    };
    const double all = sum_where([](const Demand&) { return true; });
    if (common.place) {
      ASSERT_LE(all, static_cast<double>(*common.place) + slack) << round;
    }
    const auto of_account = [&](AccountId id) {
      return sum_where([id](const Demand& one) { return one.account == id; });
    };
    const auto of_server = [&](int rule) {
      return sum_where([rule](const Demand& one) { return one.server == rule; });
    };
    for (const auto& [id, rate] : common.accounts)
      if (of_account(id) > 0) {
        ASSERT_LE(of_account(id), static_cast<double>(rate) + slack) << round;
      }
    for (const auto& [rule, rate] : common.servers) {
      ASSERT_LE(of_server(rule), static_cast<double>(rate) + slack) << round;
    }
    for (std::size_t i = 0; i < got.size(); ++i) {
      const Demand& one = demands[i];
      if (one.most) {
        ASSERT_LE(*got[i], *one.most) << round;
      }
      if (!got[i] || got[i] == one.most) continue;
      const auto full = [&](double sum, std::uint64_t rate) {
        return sum + 0.001 * static_cast<double>(rate) + slack >= static_cast<double>(rate);
      };
      bool bound = common.place && full(all, *common.place);
      const auto account = common.accounts.find(one.account);
      bound = bound || (account != common.accounts.end() && full(of_account(one.account), account->second));
      const auto server = one.server ? common.servers.find(*one.server) : common.servers.end();
      bound = bound || (server != common.servers.end() && full(of_server(*one.server), server->second));
      bound = bound || (one.most && *got[i] + 1 >= *one.most);
      ASSERT_TRUE(bound) << "round " << round << ", transfer " << i;
    }
  }
}

}  // namespace
}  // namespace restante::jobs
