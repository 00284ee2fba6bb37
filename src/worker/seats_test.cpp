// SPDX-License-Identifier: Apache-2.0
#include "worker/seats.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <vector>

namespace restante::worker {
namespace {

using namespace std::chrono_literals;

class SeatsTest : public ::testing::Test {
protected:
  /// Asks for a seat; what came of it is in `got` once it is known.
  void take(std::int64_t account, std::uint32_t number, std::uint32_t part = 0,
            const Seats::Place& place = {"a.test", 80}, std::chrono::milliseconds patience = 10s) {
    auto body = [](SeatsTest& test, Seats::Who who, Seats::Place at,
                   std::chrono::milliseconds most) -> Task<void> {
      const bool seated = co_await test.seats.take(who, std::move(at), most);
      (seated ? test.seated : test.refused).push_back(who.number);
    };
    asio::co_spawn(loop, body(*this, {AccountId{account}, number, part}, place, patience),
                   [](std::exception_ptr error) { EXPECT_FALSE(error); });
    loop.restart();
    loop.poll();
  }
  void leave(std::uint32_t number) {
    seats.leave(number);
    loop.restart();
    loop.poll();
  }
  using Numbers = std::vector<std::uint32_t>;

  asio::io_context loop;
  Seats seats{loop.get_executor(), [](const std::string& host) { return host == "one.test" ? 1 : 2; }};
  Numbers seated, refused;
};

TEST_F(SeatsTest, AreGivenAsLongAsThereAreAny) {
  take(1, 1);
  take(1, 2);
  take(1, 3);
  EXPECT_EQ(seated, (Numbers{1, 2}));
  take(1, 4, 0, {"a.test", 443});
  EXPECT_EQ(seated, (Numbers{1, 2, 4})) << "another port";
  leave(1);
  EXPECT_EQ(seated, (Numbers{1, 2, 4, 3}));
  EXPECT_EQ(seats.taken({"a.test", 80}), 2);
}

TEST_F(SeatsTest, GoRoundTheAccounts) {
  for (std::uint32_t number = 1; number <= 5; ++number) take(1, number);
  take(2, 10);
  leave(1);
  leave(2);
  EXPECT_EQ(seated, (Numbers{1, 2, 3, 10}));
}

TEST_F(SeatsTest, AFurtherConnectionOfATransferDoesNotWait) {
  take(1, 1);
  take(1, 1, 1);
  take(1, 1, 2);
  EXPECT_EQ(seated, (Numbers{1, 1}));
  EXPECT_EQ(refused, (Numbers{1}));
  leave(1);
  EXPECT_EQ(seats.taken({"a.test", 80}), 0);
}

TEST_F(SeatsTest, TheNextHopGivesTheSeatOfTheOneBeforeBack) {
  const Seats::Place one{"one.test", 80};
  take(1, 1, 0, one);
  take(1, 1, 0, one);
  EXPECT_EQ(seated, (Numbers{1, 1})) << "it does not wait for itself";
  take(2, 2, 0, one);
  take(1, 1, 0, {"a.test", 80});
  EXPECT_EQ(seated, (Numbers{1, 1, 1, 2}));
}

TEST_F(SeatsTest, ThatNeverBecomeFreeAreNotWaitedForAnyLonger) {
  const Seats::Place one{"one.test", 80};
  take(1, 1, 0, one);
  take(2, 2, 0, one, 20ms);
  loop.restart();
  loop.run_for(200ms);
  EXPECT_EQ(refused, (Numbers{2}));
  EXPECT_EQ(seats.waiting(), 0U);
  leave(1);
  EXPECT_EQ(seats.taken(one), 0);
}

TEST_F(SeatsTest, WhoEndsWhileItWaitsGetsNone) {
  const Seats::Place one{"one.test", 80};
  take(1, 1, 0, one);
  take(1, 2, 0, one);
  take(1, 3, 0, one);
  leave(2);
  leave(1);
  EXPECT_EQ(seated, (Numbers{1, 3}));
  EXPECT_EQ(refused, (Numbers{2}));
}

}  // namespace
}  // namespace restante::worker
