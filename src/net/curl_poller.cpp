// SPDX-License-Identifier: Apache-2.0
#include "net/curl_poller.hpp"

#include "base/result.hpp"

#include <algorithm>
#include <array>
#include <sys/epoll.h>
#include <utility>

namespace restante::net {

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  RESTANTE_REQUIRE(epoll_);
}

void Poller::watch(int fd, std::uint32_t events, Handler handler) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  // A closed descriptor leaves epoll by itself, so a known number may have to be added again.
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
  handlers_[fd] = std::make_shared<Handler>(std::move(handler));
}

void Poller::forget(int fd) {
  if (handlers_.erase(fd) == 0) return;
  epoll_event event{};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &event);
}

void Poller::wait(std::chrono::milliseconds limit) {
  std::array<epoll_event, 64> events{};
  const auto timeout = static_cast<int>(std::clamp<std::int64_t>(limit.count(), 0, 60000));
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const auto found = handlers_.find(event.data.fd);
    if (found == handlers_.end()) continue;  // forgotten by a handler of this round
    const auto keep = found->second;
    (*keep)(event.events);
  }
}

}  // namespace restante::net
