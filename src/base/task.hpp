// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace restante {

namespace asio = boost::asio;
using Executor = asio::any_io_executor;

/// A coroutine that stays on the loop it was spawned on.
template <class T = void>
using Task = asio::awaitable<T>;

/// Runs `work` on `pool` (a thread pool, or another loop) and resumes on the caller's own loop. Always
/// completes: it cannot be cancelled half-way, so `work` may refer to the caller's locals. Rethrows what
/// `work` throws.
Task<void> run_on(Executor pool, std::function<void()> work);

/// Blocking or heavy work as a plain function touching only what it was handed: `co_await offload(pool,
/// named_lambda)`.
template <class F>
Task<std::invoke_result_t<F&>> offload(Executor pool, F work) {
  using R = std::invoke_result_t<F&>;
  if constexpr (std::is_void_v<R>) {
    std::function<void()> call = [&work] { work(); };
    co_await run_on(std::move(pool), std::move(call));
  } else {
    std::optional<R> out;
    std::function<void()> call = [&work, &out] { out.emplace(work()); };
    co_await run_on(std::move(pool), std::move(call));
    co_return std::move(*out);
  }
}

/// Runs a coroutine on another loop and resumes here with its value.
template <class T>
Task<T> run_there(Executor loop, Task<T> task) {
  co_return co_await asio::co_spawn(std::move(loop), std::move(task), asio::use_awaitable);
}

/// Waits on the monotonic clock; throws operation_aborted when the task is cancelled.
Task<void> sleep_for(std::chrono::steady_clock::duration time);

/// Owns the coroutines of one owner on one loop. Spawn only here; `stop()` cancels and joins, and the
/// destructor finds nothing running. An exception that leaves a task is logged with the group's name; being
/// cancelled is not an error.
class TaskGroup {
public:
  TaskGroup(Executor loop, const char* name);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(Task<void> task);  ///< on the loop's thread
  Task<void> stop();  ///< on the loop's thread; cancels all and waits for them; nothing spawns afterwards
  std::size_t running() const;

private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Wakes the one task that waits for it; a notification before the wait is kept. One loop.
class Signal {
public:
  explicit Signal(Executor loop);
  ~Signal();
  void notify();
  Task<void> wait();                                               ///< until notified
  Task<bool> wait_for(std::chrono::steady_clock::duration limit);  ///< false: the time ran out first

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace restante
