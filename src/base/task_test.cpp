// SPDX-License-Identifier: Apache-2.0
#include "base/task.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>

namespace restante {
namespace {

Task<std::string> shout(Executor pool, std::string word, std::thread::id& worker) {
  auto work = [&] {
    worker = std::this_thread::get_id();
    return word + "!";
  };
  co_return co_await offload(pool, work);
}

TEST(Offload, RunsElsewhereAndResumesAtHome) {
  asio::io_context loop;
  asio::thread_pool pool(1);
  std::thread::id worker, home;
  std::string out;

  auto body = [](asio::thread_pool& p, std::thread::id& w, std::thread::id& h, std::string& o) -> Task<> {
    o = co_await shout(p.get_executor(), "here", w);
    h = std::this_thread::get_id();
  };
  asio::co_spawn(loop, body(pool, worker, home, out), asio::detached);
  loop.run();

  EXPECT_EQ(out, "here!");
  EXPECT_EQ(home, std::this_thread::get_id());
  EXPECT_NE(worker, home);
}

TEST(Offload, BringsTheExceptionHome) {
  asio::io_context loop;
  asio::thread_pool pool(1);
  bool caught = false;

  auto body = [](asio::thread_pool& p, bool& c) -> Task<> {
    auto work = []() -> int { throw std::runtime_error("broken"); };
    try {
      co_await offload(p.get_executor(), work);
    } catch (const std::runtime_error&) {
      c = true;
    }
  };
  asio::co_spawn(loop, body(pool, caught), asio::detached);
  loop.run();

  EXPECT_TRUE(caught);
}

TEST(TaskGroup, StopCancelsAndJoins) {
  asio::io_context loop;
  TaskGroup group(loop.get_executor(), "test");
  bool finished = false, stopped = false;

  auto sleeper = [](bool& f) -> Task<> {
    co_await sleep_for(std::chrono::hours(1));
    f = true;
  };
  auto stopper = [](TaskGroup& g, bool& s) -> Task<> {
    co_await g.stop();
    s = g.running() == 0;
  };
  group.spawn(sleeper(finished));
  group.spawn(sleeper(finished));
  asio::co_spawn(loop, stopper(group, stopped), asio::detached);
  loop.run();

  EXPECT_TRUE(stopped);
  EXPECT_FALSE(finished);
}

TEST(Signal, KeepsANotificationThatCameFirst) {
  asio::io_context loop;
  Signal signal(loop.get_executor());
  bool woken = false, late = true;
  signal.notify();

  auto body = [](Signal& s, bool& w, bool& l) -> Task<> {
    w = co_await s.wait_for(std::chrono::seconds(5));
    l = co_await s.wait_for(std::chrono::milliseconds(1));
  };
  asio::co_spawn(loop, body(signal, woken, late), asio::detached);
  loop.run();

  EXPECT_TRUE(woken);
  EXPECT_FALSE(late);
}

}  // namespace
}  // namespace restante
