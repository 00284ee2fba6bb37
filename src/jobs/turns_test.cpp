// SPDX-License-Identifier: Apache-2.0
#include "jobs/turns.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace restante::jobs {
namespace {

JobId job(int number) {
  JobId id;
  id.bytes[0] = static_cast<std::uint8_t>(number);
  return id;
}

const AccountId ana{1}, ben{2};

TEST(Turns, GoRoundTheAccounts) {
  Turns turns(TurnLimits{});
  for (int i = 0; i < 3; ++i) turns.add(ana, job(i));
  turns.add(ben, job(10));

  std::vector<std::int64_t> order;
  while (const auto who = turns.draw()) order.push_back(who->account.value);

  EXPECT_EQ(order, (std::vector<std::int64_t>{1, 2, 1, 1}));
}

TEST(Turns, WhoGoesOnAtAnotherServerIsCountedThere) {
  TurnLimits limits;
  limits.running_per_origin = 1;
  Turns turns(limits);
  for (int i = 0; i < 2; ++i) turns.add(ana, job(i));
  const auto first = *turns.draw();
  ASSERT_TRUE(turns.seat(first, "http://a.test"));

  turns.move("http://a.test", "http://b.test");

  const auto second = *turns.draw();
  EXPECT_FALSE(turns.seat(second, "http://b.test"));
  turns.leave(first, "http://b.test");
  EXPECT_EQ(turns.draw()->job, job(1));
}

TEST(Turns, KeepToTheLimits) {
  Turns turns(TurnLimits{3, 2, 9});
  for (int i = 0; i < 5; ++i) turns.add(ana, job(i));
  for (int i = 5; i < 10; ++i) turns.add(ben, job(i));

  int drawn = 0;
  while (turns.draw()) ++drawn;
  EXPECT_EQ(drawn, 3);
  EXPECT_EQ(turns.running(), 3);

  Turns narrow(TurnLimits{9, 2, 9});
  for (int i = 0; i < 5; ++i) narrow.add(ana, job(i));
  drawn = 0;
  while (narrow.draw()) ++drawn;
  EXPECT_EQ(drawn, 2);
}

TEST(Turns, SetAsideForAFullOriginComeFirstWhenItHasRoom) {
  Turns turns(TurnLimits{9, 9, 1});
  turns.add(ana, job(1));
  turns.add(ana, job(2));
  turns.add(ana, job(3));
  const auto first = *turns.draw();
  EXPECT_TRUE(turns.seat(first, "http://a"));
  const auto second = *turns.draw();
  EXPECT_FALSE(turns.seat(second, "http://a"));
  EXPECT_EQ(turns.running(), 1);
  EXPECT_EQ(turns.waiting(), 2u);

  turns.leave(first, "http://a");

  EXPECT_EQ(turns.draw()->job, job(2));
  EXPECT_EQ(turns.draw()->job, job(3));
}

TEST(Turns, AnOriginThatOneAccountFillsIsSharedWithTheNext) {
  Turns turns(TurnLimits{9, 9, 1});
  for (int i = 0; i < 4; ++i) turns.add(ana, job(i));
  const auto first = *turns.draw();
  EXPECT_TRUE(turns.seat(first, "http://a"));
  while (const auto who = turns.draw()) EXPECT_FALSE(turns.seat(*who, "http://a"));
  turns.add(ben, job(9));
  EXPECT_FALSE(turns.seat(*turns.draw(), "http://a"));

  turns.leave(first, "http://a");

  EXPECT_EQ(turns.draw()->account, ana) << "ben was drawn last";
}

TEST(Turns, ForOneFreeSeatOneOfThoseSetAsideIsDrawn) {
  Turns turns(TurnLimits{9, 9, 1});
  for (int i = 0; i < 5; ++i) turns.add(ana, job(i));
  const auto first = *turns.draw();
  EXPECT_TRUE(turns.seat(first, "http://a"));
  while (const auto who = turns.draw()) EXPECT_FALSE(turns.seat(*who, "http://a"));

  turns.leave_origin("http://a");
  const auto second = turns.draw();

  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->job, job(1));
  EXPECT_FALSE(turns.draw().has_value()) << "the seat is taken already";
  EXPECT_TRUE(turns.seat(*second, "http://a"));
  turns.leave(first);
  turns.leave(*second, "http://a");
  EXPECT_EQ(turns.running(), 0);
}

TEST(Turns, ADeclinedTurnFreesItsSeat) {
  Turns turns(TurnLimits{1, 1, 1});
  turns.add(ana, job(1));
  turns.add(ana, job(2));
  const auto who = *turns.draw();
  EXPECT_FALSE(turns.draw().has_value());

  turns.decline(who);

  EXPECT_EQ(turns.draw()->job, job(2));
}

}  // namespace
}  // namespace restante::jobs
