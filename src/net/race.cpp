// SPDX-License-Identifier: Apache-2.0
#include "net/race.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <sys/socket.h>

namespace restante::net {

namespace {

struct Race : std::enable_shared_from_this<Race> {
  Race(Executor on, Permit p, Judge judge) : loop(on), permit(std::move(p)), layer2(judge), changed(on) {}

  /// Starts an attempt; its end, good or bad, notifies.
  void attempt(std::size_t index) {
    auto opened = open_judged(permit.to[index], permit.policy, permit.lan, layer2);
    if (opened.error != 0) return;
    const auto socket = std::make_shared<asio::posix::stream_descriptor>(loop, opened.fd.release());
    sockets.push_back(socket);
    ++open;
    socket->async_wait(asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this(), socket, index](boost::system::error_code error) {
                         --self->open;
                         int result = ECANCELED;
                         socklen_t size = sizeof result;
                         if (!error)
                           ::getsockopt(socket->native_handle(), SOL_SOCKET, SO_ERROR, &result, &size);
                         if (result == 0 && !self->winner) self->winner = index;
                         self->changed.notify();
                       });
  }
  void close() {
    for (const auto& socket : sockets) {
      boost::system::error_code ignored;
      socket->close(ignored);
    }
  }

  Executor loop;
  Permit permit;
  Judge layer2;
  Signal changed;
  std::vector<std::shared_ptr<asio::posix::stream_descriptor>> sockets;
  int open = 0;
  std::optional<std::size_t> winner;
};

}  // namespace

Task<std::vector<Endpoint>> fastest_first(Executor loop, Permit permit, Judge layer2, RaceLimits limits) {
  auto endpoints = permit.to;
  auto race = std::make_shared<Race>(loop, std::move(permit), layer2);
  struct Closing {
    explicit Closing(std::shared_ptr<Race> r) : race(std::move(r)) {}
    ~Closing() { race->close(); }
    std::shared_ptr<Race> race;
  } closing(race);
  const auto until = std::chrono::steady_clock::now() + limits.patience;
  for (std::size_t i = 0; i < endpoints.size() && !race->winner; ++i) {
    race->attempt(i);
    // The next one starts when the time is over, or at once when all have failed.
    const auto next = std::chrono::steady_clock::now() + limits.stagger;
    while (race->open > 0 && !race->winner) {
      const auto left =
          (i + 1 < endpoints.size() ? std::min(next, until) : until) - std::chrono::steady_clock::now();
      if (left.count() <= 0 || !co_await race->changed.wait_for(left)) break;
    }
  }
  if (race->winner)
    std::rotate(endpoints.begin(), endpoints.begin() + static_cast<std::ptrdiff_t>(*race->winner),
                endpoints.begin() + static_cast<std::ptrdiff_t>(*race->winner) + 1);
  co_return endpoints;
}

}  // namespace restante::net
