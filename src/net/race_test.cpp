// SPDX-License-Identifier: Apache-2.0
#include "net/race.hpp"

#include "base/fd.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>

namespace restante::net {
namespace {

using namespace std::chrono_literals;

struct Listener {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  Endpoint at;
  std::vector<UniqueFd> fillers;

  explicit Listener(int queue = 8) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    ::inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
    socklen_t length = sizeof in;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&in), length), 0);
    EXPECT_EQ(::listen(fd.get(), queue), 0);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&in), &length);
    at = *Endpoint::from(reinterpret_cast<sockaddr&>(in), length);
  }
  /// With its queue full it lets further attempts hang, as a dead host does.
  void fall_silent() {
    for (int i = 0; i < 4; ++i) {
      fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      ::connect(fillers.back().get(), &at.raw(), at.length);
    }
  }
};

std::vector<Endpoint> race(std::vector<Endpoint> endpoints, RaceLimits limits = {}, bool permitted = true) {
  asio::io_context loop;
  std::optional<std::vector<Endpoint>> out;
  auto body = [](asio::io_context& l, std::vector<Endpoint> e, RaceLimits lim, bool allowed,
                 std::optional<std::vector<Endpoint>>& o) -> Task<> {
    Permit permit;
    permit.to = std::move(e);
    if (allowed) permit.policy.allow.push_back(*AddressRange::parse("127.0.0.0/8"));
    o.emplace(co_await fastest_first(l.get_executor(), std::move(permit), judge, lim));
  };
  asio::co_spawn(loop, body(loop, std::move(endpoints), limits, permitted, out), asio::detached);
  loop.run();
  return std::move(*out);
}

TEST(Race, AClosedPortCostsNoTime) {
  Endpoint closed;
  {
    Listener gone;
    closed = gone.at;
  }
  Listener open;
  const auto start = std::chrono::steady_clock::now();
  RaceLimits limits;
  limits.stagger = 5s;

  const auto order = race({closed, open.at}, limits);

  EXPECT_EQ(order, (std::vector<Endpoint>{open.at, closed}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
}

TEST(Race, ASilentAddressIsOvertaken) {
  Listener silent(0), open;
  silent.fall_silent();
  RaceLimits limits;
  limits.stagger = 20ms;

  const auto order = race({silent.at, open.at}, limits);

  EXPECT_EQ(order, (std::vector<Endpoint>{open.at, silent.at}));
}

TEST(Race, TheFirstStaysFirstWhenItAnswers) {
  Listener first, second;

  const auto order = race({first.at, second.at});

  EXPECT_EQ(order, (std::vector<Endpoint>{first.at, second.at}));
}

TEST(Race, JudgesEachAddressAgainBeforeItConnects) {
  Listener first, second;

  const auto order = race({first.at, second.at}, {}, false);

  EXPECT_EQ(order, (std::vector<Endpoint>{first.at, second.at}));
  for (const auto* listener : {&first, &second}) {
    pollfd touched{listener->fd.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&touched, 1, 50), 0);
  }
}

TEST(Race, TheOrderStaysWhenNobodyAnswers) {
  Listener a(0), b(0);
  a.fall_silent();
  b.fall_silent();
  RaceLimits limits;
  limits.stagger = 10ms;
  limits.patience = 50ms;

  const auto order = race({a.at, b.at}, limits);

  EXPECT_EQ(order, (std::vector<Endpoint>{a.at, b.at}));
}

}  // namespace
}  // namespace restante::net
