// SPDX-License-Identifier: Apache-2.0
#include "base/wall_timer.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <cerrno>
#include <cstdint>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>

namespace restante {
namespace {

int open_timer() {
  const int fd = ::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  return fd;
}

class TimerFd final : public WallTimer {
public:
  explicit TimerFd(Executor loop) : descriptor_(loop, open_timer()) {}

  Task<void> wait_until(Instant at) override {
    if (poked_) {
      poked_ = false;
      co_return;
    }
    arm(at);
    boost::system::error_code error;
    co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                                    asio::redirect_error(asio::use_awaitable, error));
    const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
    if (cancelled != asio::cancellation_type::none)
      throw boost::system::system_error(asio::error::operation_aborted);
    // Takes the expiry, or the ECANCELED that says the clock was set: either way the waiter looks again.
    std::uint64_t expiries = 0;
    [[maybe_unused]] const auto taken = ::read(descriptor_.native_handle(), &expiries, sizeof expiries);
    poked_ = false;
  }

  void poke() override {
    poked_ = true;
    descriptor_.cancel();
  }

private:
  void arm(Instant at) {
    // An instant at or before 1970 would disarm the timer; the longest wait stays inside what a time_t of any
    // kernel takes.
    constexpr std::int64_t longest_s = 253402300799;
    std::int64_t ms = at.time_since_epoch().count();
    if (ms < 1) ms = 1;
    itimerspec when{};
    when.it_value.tv_sec = ms / 1000 > longest_s ? longest_s : ms / 1000;
    when.it_value.tv_nsec = ms / 1000 > longest_s ? 0 : (ms % 1000) * 1000000;
    // ECANCELED means that the clock was set since the last wait: the new setting is in force all the same,
    // and the waiter, which read the clock just now, has seen the change.
    if (::timerfd_settime(descriptor_.native_handle(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when,
                          nullptr) != 0 &&
        errno != ECANCELED)
      throw std::system_error(errno, std::generic_category(), "timerfd_settime");
  }

  asio::posix::stream_descriptor descriptor_;
  bool poked_ = false;
};

}  // namespace

std::unique_ptr<WallTimer> make_wall_timer(Executor loop) {
  return std::make_unique<TimerFd>(std::move(loop));
}

}  // namespace restante
