// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

namespace restante::net {

/// The worker's event loop: epoll with one handler a descriptor. One thread; made before the worker is
/// locked, lives as long as the process.
class Poller {
public:
  using Handler =
      std::function<void(std::uint32_t events)>;  ///< EPOLLIN, EPOLLOUT, ... as epoll reports them

  Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /// Watches `fd` (level-triggered) or changes what is watched; the handler may forget any descriptor.
  void watch(int fd, std::uint32_t events, Handler handler);
  void forget(int fd);  ///< harmless if it is not watched or closed already
  /// Waits at most `limit` and calls the handlers of what is ready.
  void wait(std::chrono::milliseconds limit);

private:
  UniqueFd epoll_;
  std::unordered_map<int, std::shared_ptr<Handler>> handlers_;
};

}  // namespace restante::net
