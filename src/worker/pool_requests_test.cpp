// SPDX-License-Identifier: Apache-2.0
#include "worker/pool.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <cerrno>
#include <deque>
#include <functional>
#include <list>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace restante::worker {
namespace {

using jobs::Outcome;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// Says one byte to everyone who connects.
struct Sink {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string port;
  std::jthread thread;
  Sink() {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    ::inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
    socklen_t length = sizeof in;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&in), length), 0);
    EXPECT_EQ(::listen(fd.get(), 8), 0);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&in), &length);
    port = std::to_string(ntohs(in.sin_port));
    thread = std::jthread([this] {
      for (;;) {
        const UniqueFd peer(::accept(fd.get(), nullptr, nullptr));
        if (!peer) return;
        ::send(peer.get(), "x", 1, MSG_NOSIGNAL);
      }
    });
  }
  ~Sink() { ::shutdown(fd.get(), SHUT_RDWR); }
};

/// One request under way.
struct Asked {
  std::optional<Result<net::SmallAnswer>> result;
  asio::cancellation_signal cancel;
  bool ended = false;
  Reason reason() const { return result && !*result ? result->error().reason : Reason::complete_unverified; }
};

struct Download final : jobs::TransferObserver {
  void on_response(const jobs::ResponseFacts&) override {}
  void on_progress(std::uint64_t, std::uint64_t) override { running = true; }
  bool running = false;
  std::stop_source stop;
  std::optional<jobs::TransferResult> result;
  UniqueFd file{::memfd_create("body", MFD_CLOEXEC)};
};

class PoolRequests : public testing::Test {
protected:
  PoolRequests() {
    options_.program = FAKE_WORKER_CHILD;
    options_.ca_bundle = "normal";
    options_.addresses.allow.push_back(*net::AddressRange::parse("127.0.0.0/8"));
  }
  ~PoolRequests() override {
    if (pool_) {
      bool over = false;
      auto body = [](Pool& pool, bool& done) -> Task<> {
        co_await pool.stop();
        done = true;
      };
      asio::co_spawn(loop_, body(*pool_, over), asio::detached);
      EXPECT_TRUE(until([&] { return over; })) << "the pool does not stop";
    }
    pool_.reset();
    resolver_.join();
    loop_.restart();
    loop_.poll();
    siginfo_t info{};
    EXPECT_TRUE(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD);
  }

  Pool& pool() {
    if (!pool_) pool_ = make_pool(loop_.get_executor(), resolver_.get_executor(), options_);
    return *pool_;
  }

  net::SmallRequest script(const std::string& path) const {
    net::SmallRequest request;
    request.url = "http://127.0.0.1:" + sink_.port + path;
    request.headers = {{"Authorization", "Bearer secret"}};
    request.answer_bytes = 64;
    return request;
  }

  void ask(Asked& asked, net::SmallRequest request, std::int64_t account = 1,
           net::Lan lan = net::Lan::refused) {
    auto body = [](Pool& pool, AccountId id, net::Lan l, net::SmallRequest r, Asked& a) -> Task<> {
      auto result = co_await pool.request(id, l, std::move(r));
      a.result.emplace(std::move(result));
    };
    asio::co_spawn(loop_, body(pool(), AccountId{account}, lan, std::move(request), asked),
                   asio::bind_cancellation_slot(asked.cancel.slot(),
                                                [&asked](std::exception_ptr) { asked.ended = true; }));
  }
  void download(Download& one, const std::string& what, std::int64_t account = 1) {
    jobs::TransferOrder order;
    order.account = AccountId{account};
    order.source.url = what;
    order.out.reset(::dup(one.file.get()));
    auto body = [](Pool& pool, jobs::TransferOrder o, Download& d) -> Task<> {
      d.result.emplace(co_await pool.run(std::move(o), d, d.stop.get_token()));
    };
    asio::co_spawn(loop_, body(pool(), std::move(order), one), asio::detached);
  }

  bool until(const std::function<bool()>& done) {
    loop_.restart();
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < end) loop_.run_one_for(50ms);
    return done();
  }
  bool ends(Asked& asked) {
    return until([&] { return asked.ended; });
  }
  /// What was spawned has come to its first wait.
  void begin_all() {
    for (int turn = 0; turn < 5; ++turn) {
      bool passed = false;
      asio::post(loop_, [&] { passed = true; });
      ASSERT_TRUE(until([&] { return passed; }));
    }
  }
  bool runs(Download& one) {
    return until([&] { return one.running; });
  }
  Reason reason_of(const std::string& path) {
    Asked& asked = asks_.emplace_back();
    ask(asked, script(path));
    EXPECT_TRUE(ends(asked)) << path;
    return asked.reason();
  }

  // What runs into the pool outlives it.
  std::deque<Asked> asks_;
  std::list<std::deque<Asked>> groups_;
  std::deque<Download> downloads_;
  Sink sink_;
  asio::io_context loop_;
  asio::thread_pool resolver_{1};
  PoolOptions options_;
  std::unique_ptr<Pool> pool_;
};

TEST_F(PoolRequests, ARequestIsAnsweredAndReachesItsOwnHostOnly) {
  Asked& asked = asks_.emplace_back();

  ask(asked, script("/answer"));
  ASSERT_TRUE(ends(asked));

  ASSERT_TRUE(asked.result.value());
  EXPECT_EQ((*asked.result)->status, 207);
  EXPECT_EQ((*asked.result)->body, "ok " + std::to_string(EACCES));
}

TEST_F(PoolRequests, OneThatCannotBeSentStartsNoWorker) {
  options_.program = "/nowhere";
  auto broken = script("/answer");
  broken.headers.emplace_back("X-A", "a\r\nX-B: b");
  Asked& asked = asks_.emplace_back();

  ask(asked, broken);
  ASSERT_TRUE(ends(asked));

  EXPECT_EQ(asked.reason(), Reason::malformed);
}

TEST_F(PoolRequests, APrivateAddressIsRefusedToTheWorker) {
  options_.addresses.allow.clear();

  EXPECT_EQ(reason_of("/answer"), Reason::address);
}

TEST_F(PoolRequests, PlainHttpIsNotSpokenToPublicAddresses) {
  auto plain = script("/answer");
  plain.url = "http://93.184.216.34:80/answer";
  Asked& asked = asks_.emplace_back();

  ask(asked, plain);
  ASSERT_TRUE(ends(asked));

  EXPECT_EQ(asked.reason(), Reason::tls);
}

TEST_F(PoolRequests, EveryLieAboutARequestKillsTheWorker) {
  for (const char* path :
       {"/other-host", "/resolve-twice", "/unresolved", "/both", "/huge", "/status", "/quota"})
    EXPECT_EQ(reason_of(path), Reason::worker_died) << path;
  Asked& twice = asks_.emplace_back();
  Download& bystander = downloads_.emplace_back();
  download(bystander, "stall");
  ASSERT_TRUE(runs(bystander));
  ask(twice, script("/twice"));
  ASSERT_TRUE(until([&] { return bystander.result.has_value(); })) << "an answer to a request that is over";
  EXPECT_EQ(bystander.result->reason, Reason::worker_died);
  EXPECT_TRUE(twice.ended);
}

TEST_F(PoolRequests, WhatAWorkerSaysIsCleaned) {
  Asked& asked = asks_.emplace_back();

  ask(asked, script("/words"));
  ASSERT_TRUE(ends(asked));

  EXPECT_EQ(asked.result->error().message, "[31mredline");
}

TEST_F(PoolRequests, ADeadWorkerIsARequestToBeMadeAgain) {
  Asked& asked = asks_.emplace_back();

  ask(asked, script("/die"));
  ASSERT_TRUE(ends(asked));

  EXPECT_EQ(asked.reason(), Reason::worker_died);
  EXPECT_TRUE(asked.result->error().transient);
}

TEST_F(PoolRequests, OneThatTakesTooLongIsGivenUpAndItsWorkerLives) {
  options_.requests.late = 50ms;
  auto slow = script("/stall");
  slow.deadline = 100ms;
  Asked& asked = asks_.emplace_back();
  Download& bystander = downloads_.emplace_back();
  download(bystander, "stall");
  ASSERT_TRUE(runs(bystander));

  ask(asked, slow);
  ASSERT_TRUE(ends(asked));

  EXPECT_EQ(asked.reason(), Reason::timeout);
  EXPECT_FALSE(bystander.result.has_value());
}

TEST_F(PoolRequests, AWorkerThatDoesNotStopOneIsKilled) {
  options_.requests.late = options_.requests.answer_time = 50ms;
  auto deaf = script("/deaf");
  deaf.deadline = 100ms;
  Asked& asked = asks_.emplace_back();
  Download& bystander = downloads_.emplace_back();
  download(bystander, "stall");
  ASSERT_TRUE(runs(bystander));

  ask(asked, deaf);
  ASSERT_TRUE(ends(asked));
  ASSERT_TRUE(until([&] { return bystander.result.has_value(); }));

  EXPECT_EQ(asked.reason(), Reason::timeout);
  EXPECT_EQ(bystander.result->reason, Reason::worker_died);
}

TEST_F(PoolRequests, DownloadsOfEveryPlaceDoNotKeepARequestWaiting) {
  options_.max_workers = 1;
  options_.transfers_per_worker = 1;
  Download& endless = downloads_.emplace_back();
  Download& waiting = downloads_.emplace_back();
  download(endless, "stall", 1);
  ASSERT_TRUE(runs(endless));
  download(waiting, "finish", 2);
  Asked& own = asks_.emplace_back();
  Asked& others = asks_.emplace_back();

  ask(own, script("/answer"), 1);
  ask(others, script("/answer"), 3);
  ASSERT_TRUE(ends(own) && ends(others));

  EXPECT_TRUE(own.result.value() && others.result.value());
  EXPECT_FALSE(waiting.result.has_value());
}

TEST_F(PoolRequests, RequestsThatHangDoNotKeepADownloadWaiting) {
  options_.max_workers = 1;
  auto& hanging = groups_.emplace_back(8);
  for (std::size_t i = 0; i < hanging.size(); ++i)
    ask(hanging[i], script("/stall"), 1 + static_cast<int>(i % 2));
  Download& own = downloads_.emplace_back();

  download(own, "finish", 1);
  ASSERT_TRUE(until([&] { return own.result.has_value(); }));

  EXPECT_EQ(own.result->outcome, Outcome::complete);
  EXPECT_FALSE(hanging[0].ended);
}

TEST_F(PoolRequests, AnExtraWorkerIsPromotedWhenItsAccountHasADownload) {
  options_.max_workers = 1;
  Download& first = downloads_.emplace_back();
  Download& second = downloads_.emplace_back();
  download(first, "stall", 1);
  ASSERT_TRUE(runs(first));
  Asked& asked = asks_.emplace_back();
  ask(asked, script("/stall"), 2);
  download(second, "finish", 2);
  loop_.restart();
  loop_.run_for(100ms);
  EXPECT_FALSE(second.result || asked.ended) << "there is one place";

  first.stop.request_stop();
  ASSERT_TRUE(until([&] { return second.result.has_value(); }));

  EXPECT_EQ(second.result->outcome, Outcome::complete);
  EXPECT_FALSE(asked.ended);
}

TEST_F(PoolRequests, MoreAccountsThanExtraWorkersTakeTurns) {
  options_.max_workers = 1;
  options_.requests.extra_workers = 1;
  Download& endless = downloads_.emplace_back();
  download(endless, "stall", 1);
  ASSERT_TRUE(runs(endless));
  auto& many = groups_.emplace_back(6);

  for (std::size_t i = 0; i < many.size(); ++i) ask(many[i], script("/answer"), 2 + static_cast<int>(i));
  for (auto& one : many) ASSERT_TRUE(ends(one));

  for (auto& one : many) EXPECT_TRUE(one.result.value());
}

TEST_F(PoolRequests, OfOneAccountSomeRunSomeWaitAndTheRestIsRefused) {
  options_.requests.at_once = 2;
  options_.requests.waiting = 3;
  Download& endless = downloads_.emplace_back();
  download(endless, "stall", 1);
  ASSERT_TRUE(runs(endless));
  auto& many = groups_.emplace_back(6);

  for (auto& one : many) ask(one, script("/stall"));
  ASSERT_TRUE(ends(many[5]));

  EXPECT_EQ(many[5].reason(), Reason::busy);
  EXPECT_TRUE(many[5].result->error().transient);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_FALSE(many[i].ended) << i;
}

TEST_F(PoolRequests, OneThatFindsNoWorkerInTimeIsRefused) {
  options_.max_workers = 1;
  options_.requests.extra_workers = 0;
  options_.requests.patience = 50ms;
  Download& endless = downloads_.emplace_back();
  download(endless, "stall", 1);
  ASSERT_TRUE(runs(endless));
  Asked& asked = asks_.emplace_back();

  ask(asked, script("/answer"), 2);
  ASSERT_TRUE(ends(asked));

  EXPECT_EQ(asked.reason(), Reason::busy);
}

TEST_F(PoolRequests, ThoseOfAForgottenAccountEndAndOthersGoOn) {
  options_.requests.at_once = 1;
  auto& gone = groups_.emplace_back(2);
  Asked& other = asks_.emplace_back();
  for (auto& one : gone) ask(one, script("/stall"), 1);
  ask(other, script("/stall"), 2);
  begin_all();

  pool().forget(AccountId{1});
  for (auto& one : gone) ASSERT_TRUE(ends(one));

  for (auto& one : gone) EXPECT_EQ(one.reason(), Reason::cancelled);
  EXPECT_FALSE(other.ended);
}

TEST_F(PoolRequests, OneThatNobodyWaitsForLeavesTheWorkerAsItWas) {
  Asked& asked = asks_.emplace_back();
  Asked& next = asks_.emplace_back();
  ask(asked, script("/stall"));
  loop_.restart();
  loop_.run_for(100ms);

  asked.cancel.emit(asio::cancellation_type::all);
  ASSERT_TRUE(ends(asked));
  ask(next, script("/answer"));
  ASSERT_TRUE(ends(next));

  EXPECT_FALSE(asked.result.has_value());
  EXPECT_TRUE(next.result.value());
}

}  // namespace
}  // namespace restante::worker
