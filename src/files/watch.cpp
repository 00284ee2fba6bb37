// SPDX-License-Identifier: Apache-2.0
#include "files/watch.hpp"

#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/result.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <cerrno>
#include <cstring>
#include <map>
#include <sys/inotify.h>
#include <unistd.h>

namespace restante::files {

namespace {

constexpr std::size_t most_unclaimed = 16'384;

}  // namespace

struct Watch::State : std::enable_shared_from_this<State> {
  State(Executor loop, Changed tell) : descriptor(std::move(loop)), changed(std::move(tell)) {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
      log::warn("changes in areas are seen late: the kernel gives no inotify descriptor: {}",
                errno_text(errno));
    else
      descriptor.assign(fd);
  }

  void arm() {
    if (!descriptor.is_open()) return;
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (error || !self->changed) return;
                            self->read();
                            self->arm();
                          });
  }

  void read() {
    alignas(inotify_event) char buffer[16 << 10];
    std::set<AccountId> told;
    bool all = false;
    for (;;) {
      const ssize_t got = ::read(descriptor.native_handle(), buffer, sizeof buffer);
      if (got <= 0) break;
      for (ssize_t at = 0; at < got;) {
        inotify_event event;
        std::memcpy(&event, buffer + at, sizeof event);
        at += static_cast<ssize_t>(sizeof event + event.len);
        all = all || (event.mask & IN_Q_OVERFLOW) != 0;
        const auto found = owners.find(event.wd);
        if (found == owners.end()) {
          // Of a folder that a look under way has come to, and has not told of yet.
          if ((event.mask & IN_IGNORED) == 0) unclaimed.insert(event.wd);
          continue;
        }
        told.insert(found->second);
        if ((event.mask & IN_IGNORED) != 0) owners.erase(found);
      }
    }
    if (unclaimed.size() > most_unclaimed) {
      unclaimed.clear();
      all = true;
    }
    if (all) changed(std::nullopt);
    for (const AccountId account : told) changed(account);
  }

  asio::posix::stream_descriptor descriptor;
  Changed changed;
  std::map<int, AccountId> owners;
  std::set<int> unclaimed;
};

Watch::Watch(Executor loop, Changed changed)
    : state_(std::make_shared<State>(std::move(loop), std::move(changed))) {
  state_->arm();
}

Watch::~Watch() {
  state_->changed = nullptr;
  state_->descriptor.close();
}

int Watch::descriptor() const {
  return state_->descriptor.is_open() ? state_->descriptor.native_handle() : -1;
}

void Watch::set(AccountId account, const std::set<int>& watches) {
  for (auto at = state_->owners.begin(); at != state_->owners.end();) {
    if (at->second == account && !watches.contains(at->first)) {
      ::inotify_rm_watch(descriptor(), at->first);
      at = state_->owners.erase(at);
    } else {
      ++at;
    }
  }
  bool missed = false;
  for (const int watch : watches) {
    state_->owners[watch] = account;
    missed = state_->unclaimed.erase(watch) > 0 || missed;
  }
  if (missed) state_->changed(account);
}

std::size_t Watch::count() const {
  return state_->owners.size();
}

std::size_t Watch::count_of(AccountId account) const {
  std::size_t out = 0;
  for (const auto& [watch, owner] : state_->owners) out += owner == account ? 1 : 0;
  return out;
}

void Watch::read_now() {
  if (state_->descriptor.is_open()) state_->read();
}

}  // namespace restante::files
