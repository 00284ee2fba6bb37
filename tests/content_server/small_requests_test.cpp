// SPDX-License-Identifier: Apache-2.0
// Small requests through the real worker program to servers of raw sockets.
#include "worker/pool.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <functional>
#include <mutex>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace restante::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// Answers every request with the same bytes, or with silence.
class Server {
public:
  explicit Server(std::string answer, bool stays = false) : answer_(std::move(answer)), stays_(stays) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    ::inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
    socklen_t length = sizeof in;
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&in), length), 0);
    EXPECT_EQ(::listen(fd_.get(), 8), 0);
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&in), &length);
    url = "http://127.0.0.1:" + std::to_string(ntohs(in.sin_port));
    thread_ = std::jthread([this] { serve(); });
  }
  ~Server() {
    ::shutdown(fd_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::string url;
  std::vector<std::string> requests() {
    const std::lock_guard guard(mutex_);
    return requests_;
  }

private:
  void serve() {
    std::vector<UniqueFd> kept;
    for (;;) {
      UniqueFd peer(::accept(fd_.get(), nullptr, nullptr));
      if (!peer) return;
      std::string heard;
      char buffer[65536];
      while (heard.find("\r\n\r\nBODY") == std::string::npos) {
        const ssize_t got = ::recv(peer.get(), buffer, sizeof buffer, 0);
        if (got <= 0) break;
        heard.append(buffer, static_cast<std::size_t>(got));
      }
      {
        const std::lock_guard guard(mutex_);
        requests_.push_back(heard);
      }
      ::send(peer.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
      if (stays_) kept.push_back(std::move(peer));
    }
  }

  UniqueFd fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string answer_;
  bool stays_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

class SmallRequests : public testing::Test {
protected:
  SmallRequests() {
    worker::PoolOptions options;
    options.program = TRANSFER_PROGRAM;
    options.addresses.allow.push_back(*net::AddressRange::parse("127.0.0.1/32"));
    pool_ = worker::make_pool(loop_.get_executor(), resolver_.get_executor(), options);
  }
  ~SmallRequests() override {
    auto body = [](worker::Pool& pool) -> Task<> { co_await pool.stop(); };
    asio::co_spawn(loop_, body(*pool_), asio::detached);
    loop_.restart();
    loop_.run();
    pool_.reset();
    resolver_.join();
    loop_.restart();
    loop_.poll();
  }

  static net::SmallRequest to(std::string url) {
    net::SmallRequest out;
    out.url = std::move(url);
    out.headers = {{"Content-Type", "text/plain"}, {"webhook-id", "n1"}};
    out.body = "BODY";
    out.answer_bytes = 10;
    out.deadline = 10s;
    return out;
  }

  Result<net::SmallAnswer> ask(net::SmallRequest request) {
    std::optional<Result<net::SmallAnswer>> out;
    auto body = [](worker::Pool& pool, net::SmallRequest r,
                   std::optional<Result<net::SmallAnswer>>& o) -> Task<> {
      auto result = co_await pool.request(AccountId{1}, net::Lan::refused, std::move(r));
      o.emplace(std::move(result));
    };
    asio::co_spawn(loop_, body(*pool_, std::move(request), out), asio::detached);
    const auto end = std::chrono::steady_clock::now() + 30s;
    loop_.restart();
    while (!out && std::chrono::steady_clock::now() < end) loop_.run_one_for(100ms);
    if (!out) return fail(Reason::internal, "the test waited in vain");
    return std::move(*out);
  }
  Reason reason_of(const Result<net::SmallAnswer>& answer) {
    return answer ? Reason::complete_unverified : answer.error().reason;
  }

  asio::io_context loop_;
  asio::thread_pool resolver_{1};
  std::unique_ptr<worker::Pool> pool_;
};

TEST_F(SmallRequests, OneArrivesAsItWasWantedAndItsAnswerComesBack) {
  Server server("HTTP/1.1 202 Accepted\r\nContent-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz");

  const auto answer = ask(to(server.url + "/in?key=1"));

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(answer->body, "abcdefghij");
  const std::string heard = server.requests().at(0);
  EXPECT_THAT(heard, testing::StartsWith("POST /in?key=1 HTTP/1.1\r\n"));
  for (const char* part : {"\r\nwebhook-id: n1\r\n", "\r\nContent-Length: 4\r\n", "\r\n\r\nBODY"})
    EXPECT_THAT(heard, HasSubstr(part));
  EXPECT_THAT(heard, Not(HasSubstr("Expect")));
}

TEST_F(SmallRequests, ARedirectIsAnAnswerAndNobodyGoesThere) {
  Server there("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

  for (const char* status : {"301", "302", "303", "307", "308"}) {
    Server server("HTTP/1.1 " + std::string(status) + " x\r\nLocation: " + there.url +
                  "/\r\nContent-Length: 0\r\n\r\n");
    const auto answer = ask(to(server.url));
    ASSERT_TRUE(answer);
    EXPECT_EQ(std::to_string(answer->status), status);
  }

  EXPECT_TRUE(there.requests().empty());
}

TEST_F(SmallRequests, RetryAfterComesBackInSeconds) {
  Server server("HTTP/1.1 503 x\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n");
  Server forever("HTTP/1.1 429 x\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n");

  EXPECT_EQ(ask(to(server.url)).value().retry_after, Seconds(120));
  const auto rest = ask(to(forever.url)).value().retry_after;

  EXPECT_LE(rest.value_or(Seconds(0)), Seconds(86400));
}

TEST_F(SmallRequests, ASilentServerIsLeftAtTheDeadline) {
  Server server("", true);
  auto request = to(server.url);
  request.deadline = 300ms;

  const auto answer = ask(request);

  EXPECT_EQ(reason_of(answer), Reason::timeout);
  EXPECT_TRUE(answer.error().transient);
}

TEST_F(SmallRequests, AnAnswerWithoutEndIsAnAnswer) {
  Server server("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + std::string(200000, 'x'), true);
  Server slow("HTTP/1.1 204 No Content\r\n\r\n", true),
      stays("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", true);

  EXPECT_EQ(ask(to(server.url)).value().body, "xxxxxxxxxx");
  EXPECT_EQ(ask(to(slow.url)).value().status, 204);
  EXPECT_EQ(ask(to(stays.url)).value().body, "ab");
}

TEST_F(SmallRequests, WhatIsNoAnswerIsAFailure) {
  Server rubbish("SSH-2.0-x\r\n\r\n"), nothing(""), endless("HTTP/1.1 200 OK\r\n" + [] {
    std::string out;
    for (int i = 0; i < 2000; ++i) out += "X-" + std::to_string(i) + ": y\r\n";
    return out + "\r\n";
  }());

  EXPECT_EQ(reason_of(ask(to(rubbish.url))), Reason::malformed);
  EXPECT_EQ(reason_of(ask(to(nothing.url))), Reason::incomplete);
  EXPECT_EQ(reason_of(ask(to(endless.url))), Reason::malformed);
}

TEST_F(SmallRequests, NobodyIsThereAndNobodyMayGoThere) {
  std::string gone;
  {
    Server server("");
    gone = server.url;
  }

  EXPECT_EQ(reason_of(ask(to(gone))), Reason::unreachable);
  for (const char* host : {"127.0.0.2", "10.0.0.1", "169.254.169.254", "[::1]", "0.0.0.0", "2130706434"})
    EXPECT_EQ(reason_of(ask(to("http://" + std::string(host) + "/latest/meta-data"))), Reason::address)
        << host;
}

}  // namespace
}  // namespace restante::test
