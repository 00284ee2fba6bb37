// SPDX-License-Identifier: Apache-2.0
#include "worker/pool.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <cerrno>
#include <dirent.h>
#include <functional>
#include <set>
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

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

bool no_child_is_left() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD;
}

struct Watcher : jobs::TransferObserver {
  std::vector<jobs::ResponseFacts> responses;
  std::vector<std::uint64_t> progress;
  std::function<void()> on_any = [] {};
  void on_response(const jobs::ResponseFacts& facts) override {
    responses.push_back(facts);
    on_any();
  }
  void on_progress(std::uint64_t received_bytes, std::uint64_t) override {
    progress.push_back(received_bytes);
    on_any();
  }
};

/// One transfer under way.
struct Call {
  Watcher watcher;
  std::stop_source stop;
  std::optional<jobs::TransferResult> result;
  UniqueFd file{::memfd_create("body", MFD_CLOEXEC)};
};

class PoolTest : public testing::Test {
protected:
  PoolTest() {
    options_.program = FAKE_WORKER_CHILD;
    options_.ca_bundle = "normal";
    options_.addresses.allow.push_back(*net::AddressRange::parse("127.0.0.0/8"));
  }

  ~PoolTest() override {
    if (pool_) {
      auto body = [](Pool& pool) -> Task<> { co_await pool.stop(); };
      asio::co_spawn(loop_, body(*pool_), asio::detached);
      loop_.restart();
      loop_.run();
    }
    pool_.reset();
    resolver_.join();
    loop_.restart();
    loop_.poll();
    EXPECT_TRUE(no_child_is_left()) << "a worker or its zombie";
  }

  Pool& pool() {
    if (!pool_) pool_ = make_pool(loop_.get_executor(), resolver_.get_executor(), options_);
    return *pool_;
  }

  void start(Call& call, const std::string& script, std::int64_t account = 1, std::uint64_t offset = 0,
             bool lan = false) {
    jobs::TransferOrder order;
    order.account = AccountId{account};
    order.source.url = script;
    order.offset = offset;
    order.allow_lan = lan;
    order.room_bytes = 1048576;
    order.out.reset(::dup(call.file.get()));
    auto body = [](Pool& pool, jobs::TransferOrder o, Call& c) -> Task<> {
      c.result.emplace(co_await pool.run(std::move(o), c.watcher, c.stop.get_token()));
    };
    asio::co_spawn(loop_, body(pool(), std::move(order), call), asio::detached);
  }

  bool until(const std::function<bool()>& done) {
    loop_.restart();
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < end) loop_.run_one_for(100ms);
    return done();
  }
  bool ends(Call& call) {
    return until([&] { return call.result.has_value(); });
  }
  jobs::TransferResult outcome_of(const std::string& script) {
    Call call;
    start(call, script);
    EXPECT_TRUE(ends(call)) << script;
    return call.result.value();
  }

  asio::io_context loop_;
  asio::thread_pool resolver_{1};
  PoolOptions options_;
  std::unique_ptr<Pool> pool_;
};

TEST_F(PoolTest, BringsATransferToItsEnd) {
  Call call;

  start(call, "finish", 1, 7);
  ASSERT_TRUE(ends(call));

  EXPECT_EQ(call.result->outcome, Outcome::complete);
  EXPECT_EQ(call.result->received_bytes, 1007u);
  EXPECT_EQ(call.result->facts.name_hint, "a.bin");
  ASSERT_EQ(call.watcher.responses.size(), 1u);
  EXPECT_EQ(call.watcher.responses[0].http_status, 200);
  EXPECT_EQ(call.watcher.progress, std::vector<std::uint64_t>{1007});
  EXPECT_EQ(::lseek(call.file.get(), 0, SEEK_END), 1007);
}

TEST_F(PoolTest, TakesControlCharactersOutOfWhatAWorkerSays) {
  Call call;

  start(call, "finish");
  ASSERT_TRUE(ends(call));

  EXPECT_EQ(call.watcher.responses.at(0).final_url, "http://example.org/[31m");
}

TEST_F(PoolTest, OneWorkerServesAllTransfersOfAnAccount) {
  std::vector<Call> calls(20);

  for (auto& call : calls) start(call, "finish");
  for (auto& call : calls) ASSERT_TRUE(ends(call));
  Call last;
  start(last, "surroundings");
  ASSERT_TRUE(ends(last));

  EXPECT_EQ(last.result->outcome, Outcome::complete);
}

TEST_F(PoolTest, AWorkerHasItsChannelsItsFileAndTwoVariables) {
  const UniqueFd open_on_purpose(::dup(0));

  const auto result = outcome_of("surroundings");

  EXPECT_EQ(result.message, "fds: 0 1 2 3 4 5 env: TZ=UTC LANG=C");
}

TEST_F(PoolTest, AStoppedTransferEndsWithWhatItHas) {
  Call call;
  start(call, "stall");
  ASSERT_TRUE(until([&] { return !call.watcher.progress.empty(); }));

  std::jthread other([&] { call.stop.request_stop(); });
  ASSERT_TRUE(ends(call));

  EXPECT_EQ(call.result->outcome, Outcome::stopped);
  EXPECT_EQ(call.result->received_bytes, 500u);
}

TEST_F(PoolTest, AStoppedTransferThatWaitsLeavesTheQueue) {
  options_.transfers_per_worker = 1;
  Call running, waiting;
  start(running, "stall");
  ASSERT_TRUE(until([&] { return !running.watcher.progress.empty(); }));
  start(waiting, "finish");

  waiting.stop.request_stop();
  ASSERT_TRUE(ends(waiting));
  running.stop.request_stop();
  ASSERT_TRUE(ends(running));

  EXPECT_EQ(waiting.result->outcome, Outcome::stopped);
  EXPECT_TRUE(waiting.watcher.responses.empty());
}

TEST_F(PoolTest, AWorkerThatDoesNotStopIsKilled) {
  options_.stop_time = 100ms;
  Call deaf, bystander;
  start(deaf, "deaf");
  start(bystander, "stall");
  ASSERT_TRUE(until([&] { return !deaf.watcher.progress.empty() && !bystander.watcher.progress.empty(); }));

  deaf.stop.request_stop();
  ASSERT_TRUE(ends(deaf));
  ASSERT_TRUE(ends(bystander));

  EXPECT_EQ(deaf.result->outcome, Outcome::stopped);
  EXPECT_EQ(deaf.result->received_bytes, 500u);
  EXPECT_EQ(bystander.result->outcome, Outcome::failed);
  EXPECT_EQ(bystander.result->reason, Reason::worker_died);
}

TEST_F(PoolTest, ADeadWorkerCostsNothingButAResume) {
  Call victim, bystander;
  start(bystander, "stall", 1);
  ASSERT_TRUE(until([&] { return !bystander.watcher.progress.empty(); }));

  start(victim, "die", 1);
  ASSERT_TRUE(ends(victim));
  ASSERT_TRUE(ends(bystander));
  const auto next = outcome_of("finish");

  for (const auto* call : {&victim, &bystander}) {
    EXPECT_EQ(call->result->outcome, Outcome::failed);
    EXPECT_EQ(call->result->reason, Reason::worker_died);
    EXPECT_TRUE(call->result->transient);
    EXPECT_EQ(call->result->received_bytes, 500u) << "never more than the file has";
    EXPECT_THAT(call->result->message, HasSubstr("signal 9"));
  }
  EXPECT_EQ(next.outcome, Outcome::complete);
}

TEST_F(PoolTest, AWorkerThatWritesFarBehindItsRoomIsKilledAndItsBytesAreGivenBack) {
  Call call;

  start(call, "overdraw");
  ASSERT_TRUE(ends(call));

  EXPECT_EQ(call.result->reason, Reason::worker_died);
  EXPECT_EQ(call.result->received_bytes, 0u);
  EXPECT_EQ(::lseek(call.file.get(), 0, SEEK_END), 0);
}

TEST_F(PoolTest, EveryViolationKillsTheWorkerAndTheNextOneWorks) {
  for (const char* script :
       {"rubbish", "foreign", "overclaim", "overclaim-progress", "responded-again", "overclaim-pieces",
        "odd-pieces", "ready-again", "descriptor", "flood", "exit", "offer-unasked"}) {
    const auto result = outcome_of(script);

    EXPECT_EQ(result.outcome, Outcome::failed) << script;
    EXPECT_EQ(result.reason, Reason::worker_died) << script;
    EXPECT_TRUE(result.transient) << script;
  }
  EXPECT_EQ(outcome_of("finish").outcome, Outcome::complete);
}

struct OfferList : jobs::OfferObserver {
  std::vector<jobs::Offers> parts;
  void on_offers(jobs::Offers part) override { parts.push_back(std::move(part)); }
};

/// One look under way.
struct Look {
  OfferList heard;
  std::stop_source stop;
  std::optional<jobs::TransferResult> result;
};

TEST_F(PoolTest, ALookBringsOffersAndOnlyThoseThatARequestCouldCarry) {
  const auto look_at = [&](const std::string& script) {
    Look look;
    jobs::TransferOrder order;
    order.account = AccountId{1};
    order.source.url = script;
    auto body = [](Pool& pool, jobs::TransferOrder o, Look& l) -> Task<> {
      l.result.emplace(co_await pool.browse(std::move(o), l.heard, l.stop.get_token()));
    };
    asio::co_spawn(loop_, body(pool(), std::move(order), look), asio::detached);
    EXPECT_TRUE(until([&] { return look.result.has_value(); })) << script;
    return look;
  };

  const Look good = look_at("offer"), evil = look_at("offer-evil"), flood = look_at("offer-flood");

  EXPECT_EQ(good.result->outcome, Outcome::complete);
  ASSERT_EQ(good.heard.parts.size(), 1u);
  EXPECT_EQ(good.heard.parts[0].offers.at(0).name, "a.bin");
  EXPECT_EQ(evil.result->reason, Reason::worker_died);
  EXPECT_TRUE(evil.heard.parts.empty());
  EXPECT_EQ(flood.result->reason, Reason::worker_died);
  EXPECT_LE(flood.heard.parts.size(), 4096u);
}

TEST_F(PoolTest, ProgressIsToldAtMostFourTimesASecond) {
  Call call;

  start(call, "progress");
  ASSERT_TRUE(ends(call));

  EXPECT_LE(call.watcher.progress.size(), 4u);
  EXPECT_GE(call.watcher.progress.size(), 1u);
}

TEST_F(PoolTest, AWorkerThatDoesNotGetReadyFailsWhatWaitsForIt) {
  options_.start_time = 1s;
  options_.ca_bundle = "never-ready";
  EXPECT_EQ(outcome_of("finish").reason, Reason::worker_died);
}

TEST_F(PoolTest, AWorkerThatEndsAtOnceFailsWhatWaitsForIt) {
  options_.ca_bundle = "exit-at-start";

  const auto result = outcome_of("finish");

  EXPECT_EQ(result.reason, Reason::worker_died);
  EXPECT_TRUE(result.transient);
  EXPECT_THAT(result.message, HasSubstr("exit 3"));
}

TEST_F(PoolTest, AMissingProgramIsNamed) {
  options_.program = "/nowhere/restante-transfer";

  const auto result = outcome_of("finish");

  EXPECT_EQ(result.reason, Reason::worker_died);
  EXPECT_THAT(result.message, HasSubstr("/nowhere/restante-transfer"));
}

TEST_F(PoolTest, AnOrderTooLargeForTheChannelFailsAlone) {
  const auto large = outcome_of(std::string(300000, 'x'));

  EXPECT_EQ(large.outcome, Outcome::failed);
  EXPECT_EQ(large.reason, Reason::too_large);
  EXPECT_EQ(outcome_of("finish").outcome, Outcome::complete);
}

TEST_F(PoolTest, AccountsBeyondTheMostWorkersWaitTheirTurn) {
  options_.max_workers = 2;
  options_.idle = 3600s;  // an idle worker makes room at once when somebody waits
  std::vector<Call> calls(6);

  for (std::size_t i = 0; i < calls.size(); ++i) start(calls[i], "finish", static_cast<std::int64_t>(i));
  for (auto& call : calls) ASSERT_TRUE(ends(call));

  for (auto& call : calls) EXPECT_EQ(call.result->outcome, Outcome::complete);
}

TEST_F(PoolTest, AWorkerWithALongTurnMakesRoomForOthers) {
  options_.max_workers = 1;
  options_.transfers_per_worker = 1;
  options_.turn = 0s;
  std::vector<Call> first(5);
  Call other;
  int done_before_other = 0;
  for (auto& call : first) start(call, "finish", 1);
  start(other, "finish", 2);

  ASSERT_TRUE(ends(other));
  for (const auto& call : first) done_before_other += call.result.has_value() ? 1 : 0;
  for (auto& call : first) ASSERT_TRUE(ends(call));

  EXPECT_LT(done_before_other, 5);
}

TEST_F(PoolTest, AnIdleWorkerGoesAndItsDescriptorsWithIt) {
  options_.idle = 0s;
  outcome_of("finish");
  ASSERT_TRUE(until(no_child_is_left));
  loop_.poll();
  const std::size_t before = open_descriptors();

  for (int i = 0; i < 5; ++i) {
    outcome_of(i % 2 == 0 ? "finish" : "die");
    ASSERT_TRUE(until(no_child_is_left));
  }
  loop_.poll();

  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(PoolTest, StopEndsEverythingAsStopped) {
  options_.transfers_per_worker = 1;
  Call running, waiting, other;
  start(running, "stall", 1);
  start(waiting, "stall", 1);
  start(other, "stall", 2);
  ASSERT_TRUE(until([&] { return !running.watcher.progress.empty() && !other.watcher.progress.empty(); }));
  bool over = false;
  auto body = [](Pool& p, bool& o) -> Task<> {
    co_await p.stop();
    o = true;
  };

  asio::co_spawn(loop_, body(pool(), over), asio::detached);
  ASSERT_TRUE(until([&] { return over; }));
  ASSERT_TRUE(ends(running) && ends(waiting) && ends(other));
  Call late;
  start(late, "finish");
  ASSERT_TRUE(ends(late));

  EXPECT_EQ(running.result->outcome, Outcome::stopped);
  EXPECT_EQ(running.result->received_bytes, 500u);
  EXPECT_EQ(waiting.result->outcome, Outcome::stopped);
  EXPECT_EQ(other.result->outcome, Outcome::stopped);
  EXPECT_EQ(late.result->outcome, Outcome::stopped);
}

TEST_F(PoolTest, AnObserverIsNotCalledAfterItsCallWasCancelled) {
  auto watcher = std::make_unique<Watcher>();
  asio::cancellation_signal cancel;
  bool seen = false, ended = false;
  watcher->on_any = [&] { seen = true; };
  jobs::TransferOrder order;
  order.source.url = "stall";
  UniqueFd file(::memfd_create("body", MFD_CLOEXEC));
  order.out.reset(::dup(file.get()));
  auto body = [](Pool& p, jobs::TransferOrder o, Watcher& w) -> Task<> {
    co_await p.run(std::move(o), w, {});
  };
  asio::co_spawn(loop_, body(pool(), std::move(order), *watcher),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ended = true; }));
  ASSERT_TRUE(until([&] { return seen; }));

  cancel.emit(asio::cancellation_type::all);
  ASSERT_TRUE(until([&] { return ended; }));
  watcher.reset();

  EXPECT_EQ(outcome_of("finish").outcome, Outcome::complete);
}

/// A content server that greets everyone with one byte.
struct Greeter {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string port;
  std::jthread thread;
  explicit Greeter(const char* address = "127.0.0.1") {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &in.sin_addr);
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
  ~Greeter() { ::shutdown(fd.get(), SHUT_RDWR); }
};

TEST_F(PoolTest, AWorkerReachesWhatItsTransferMayAndNothingElse) {
  Greeter greeter;

  const auto result = outcome_of("connect:127.0.0.1:" + greeter.port);

  const std::string refused = std::to_string(EACCES);
  EXPECT_EQ(result.message, "127.0.0.1=ok elsewhere=" + refused + " foreign=" + refused);
}

TEST_F(PoolTest, ANameLeadsToItsPermittedAddresses) {
  Greeter greeter;

  const auto result = outcome_of("connect:localhost:" + greeter.port);

  EXPECT_THAT(result.message, HasSubstr("127.0.0.1=ok"));
}

TEST_F(PoolTest, AForbiddenAddressIsRefusedToTheWorker) {
  Greeter greeter;
  options_.addresses.allow.clear();

  for (const std::string host : {"127.0.0.1", "localhost", "2130706433", "127.1", "::1", "10.0.0.1"}) {
    const auto result = outcome_of("connect:" + host + ":" + greeter.port);
    EXPECT_THAT(result.message, HasSubstr("refused: address")) << host;
  }
}

TEST_F(PoolTest, LanDoesNotOpenLoopback) {
  Greeter greeter;
  options_.addresses.allow.clear();
  Call call;

  start(call, "connect:127.0.0.1:" + greeter.port, 1, 0, true);
  ASSERT_TRUE(ends(call));

  EXPECT_THAT(call.result->message, HasSubstr("refused: address"));
}

}  // namespace
}  // namespace restante::worker
