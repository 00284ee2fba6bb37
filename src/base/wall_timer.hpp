// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/task.hpp"

#include <memory>

namespace restante {

/// Wakes its one waiting task at a wall-clock instant, also after a suspend, and when the clock was set
/// (FORMATS.md §2). Why it woke is not said: the waiter looks at its Clock, which decides. One loop.
class WallTimer {
public:
  virtual ~WallTimer() = default;

  /// Returns at `at` (at once if that is past), when the wall clock was set, or when poked; a poke before the
  /// wait is kept. `never` waits for the last two only. Throws operation_aborted when the task is cancelled.
  virtual Task<void> wait_until(Instant at) = 0;

  virtual void poke() = 0;
};

/// A timerfd on CLOCK_REALTIME with TFD_TIMER_CANCEL_ON_SET. Throws std::system_error when the kernel gives
/// none.
std::unique_ptr<WallTimer> make_wall_timer(Executor loop);

}  // namespace restante
