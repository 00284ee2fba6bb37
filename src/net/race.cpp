// SPDX-License-Identifier: Apache-2.0
#include "net/race.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>

namespace restante::net {

namespace {

struct Race : std::enable_shared_from_this<Race> {
  explicit Race(Executor on) : loop(on), changed(on) {}

  /// Starts an attempt; its end, good or bad, notifies.
  void attempt(const Endpoint& to, std::size_t index) {
    const int fd = ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0) return;
    const auto socket = std::make_shared<asio::posix::stream_descriptor>(loop, fd);
    if (::connect(fd, &to.raw(), to.length) != 0 && errno != EINPROGRESS) return;
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
  Signal changed;
  std::vector<std::shared_ptr<asio::posix::stream_descriptor>> sockets;
  int open = 0;
  std::optional<std::size_t> winner;
};

}  // namespace

Task<std::vector<Endpoint>> fastest_first(Executor loop, std::vector<Endpoint> endpoints, RaceLimits limits) {
  auto race = std::make_shared<Race>(loop);
  struct Closing {
    explicit Closing(std::shared_ptr<Race> r) : race(std::move(r)) {}
    ~Closing() { race->close(); }
    std::shared_ptr<Race> race;
  } closing(race);
  const auto until = std::chrono::steady_clock::now() + limits.patience;
  for (std::size_t i = 0; i < endpoints.size() && !race->winner; ++i) {
    race->attempt(endpoints[i], i);
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
