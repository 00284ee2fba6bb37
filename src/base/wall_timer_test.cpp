// SPDX-License-Identifier: Apache-2.0
#include "base/wall_timer.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace restante {
namespace {

Task<> wait_once(WallTimer& timer, Instant at, bool& woken) {
  co_await timer.wait_until(at);
  woken = true;
}

TEST(WallTimer, WakesAtItsInstantAndNotBefore) {
  asio::io_context loop;
  auto timer = make_wall_timer(loop.get_executor());
  const SystemClock clock;
  const Instant at = clock.now() + Millis(60);
  bool woken = false;

  asio::co_spawn(loop, wait_once(*timer, at, woken), asio::detached);
  loop.run();

  EXPECT_TRUE(woken);
  EXPECT_GE(clock.now(), at);
}

TEST(WallTimer, WakesAtOnceForThePast) {
  asio::io_context loop;
  auto timer = make_wall_timer(loop.get_executor());
  bool woken = false;

  asio::co_spawn(loop, wait_once(*timer, Instant(Millis(-5)), woken), asio::detached);
  loop.run_for(std::chrono::seconds(5));

  EXPECT_TRUE(woken);
}

TEST(WallTimer, APokeWakesAndIsKept) {
  asio::io_context loop;
  auto timer = make_wall_timer(loop.get_executor());
  bool first = false, second = false;

  timer->poke();
  asio::co_spawn(loop, wait_once(*timer, never, first), asio::detached);
  loop.run_for(std::chrono::seconds(5));
  EXPECT_TRUE(first);

  loop.restart();
  asio::co_spawn(loop, wait_once(*timer, never, second), asio::detached);
  loop.poll();
  EXPECT_FALSE(second);
  timer->poke();
  loop.run_for(std::chrono::seconds(5));
  EXPECT_TRUE(second);
}

TEST(WallTimer, EndsWithItsGroup) {
  asio::io_context loop;
  auto timer = make_wall_timer(loop.get_executor());
  TaskGroup group(loop.get_executor(), "test");
  bool woken = false, stopped = false;

  group.spawn(wait_once(*timer, never, woken));
  auto stopper = [](TaskGroup& g, bool& s) -> Task<> {
    co_await g.stop();
    s = true;
  };
  asio::co_spawn(loop, stopper(group, stopped), asio::detached);
  loop.run_for(std::chrono::seconds(5));

  EXPECT_TRUE(stopped);
  EXPECT_FALSE(woken);
}

}  // namespace
}  // namespace restante
