// SPDX-License-Identifier: Apache-2.0
#include "base/task.hpp"

#include "base/log.hpp"
#include "base/result.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <list>

namespace restante {

Task<void> run_on(Executor pool, std::function<void()> work) {
  // The initiation is a named value with a constructor's care: nothing non-trivial is created inside the
  // co_await.
  auto start = [](auto handler, Executor there, std::function<void()> job) {
    auto home = asio::get_associated_executor(handler);
    auto guard = asio::make_work_guard(home);
    asio::post(there, [handler = std::move(handler), home, guard = std::move(guard),
                       job = std::move(job)]() mutable {
      std::exception_ptr error;
      try {
        job();
      } catch (...) {
        error = std::current_exception();
      }
      asio::post(home, [handler = std::move(handler), error]() mutable { std::move(handler)(error); });
    });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(
      start, asio::use_awaitable, pool, work);
}

Task<void> sleep_for(std::chrono::steady_clock::duration time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

struct TaskGroup::State {
  State(Executor on, const char* label) : loop(std::move(on)), name(label), idle(loop) {
    idle.expires_at(std::chrono::steady_clock::time_point::max());
  }
  Executor loop;
  const char* name;
  std::list<asio::cancellation_signal> tasks;
  asio::steady_timer idle;
  bool stopping = false;
};

TaskGroup::TaskGroup(Executor loop, const char* name)
    : state_(std::make_shared<State>(std::move(loop), name)) {
}

TaskGroup::~TaskGroup() {
  RESTANTE_REQUIRE(state_->tasks.empty());
}

void TaskGroup::spawn(Task<void> task) {
  if (state_->stopping) return;
  auto entry = state_->tasks.emplace(state_->tasks.end());
  auto done = [state = state_, entry](std::exception_ptr error) {
    if (error) {
      try {
        std::rethrow_exception(error);
      } catch (const boost::system::system_error& e) {
        if (e.code() != asio::error::operation_aborted) log::error("{}: {}", state->name, e.what());
      } catch (const std::exception& e) {
        log::error("{}: {}", state->name, e.what());
      }
    }
    // The slot is still in use by the frame that calls us; erase it once that has unwound.
    asio::post(state->loop, [state, entry] {
      state->tasks.erase(entry);
      if (state->tasks.empty()) state->idle.cancel();
    });
  };
  asio::co_spawn(state_->loop, std::move(task), asio::bind_cancellation_slot(entry->slot(), std::move(done)));
}

Task<void> TaskGroup::stop() {
  auto state = state_;
  state->stopping = true;
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  for (auto& signal : state->tasks) {
    auto* one = &signal;
    asio::post(state->loop, [state, one] {
      for (auto& live : state->tasks)
        if (&live == one) {
          live.emit(asio::cancellation_type::all);
          break;
        }
    });
  }
  while (!state->tasks.empty()) {
    boost::system::error_code ignored;
    co_await state->idle.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

std::size_t TaskGroup::running() const {
  return state_->tasks.size();
}

struct Signal::State {
  explicit State(Executor loop) : timer(std::move(loop)) {}
  asio::steady_timer timer;
  bool notified = false;
};

Signal::Signal(Executor loop) : state_(std::make_unique<State>(std::move(loop))) {
}
Signal::~Signal() = default;

void Signal::notify() {
  state_->notified = true;
  state_->timer.cancel();
}

Task<void> Signal::wait() {
  co_await wait_for(std::chrono::hours(24 * 365));
}

Task<bool> Signal::wait_for(std::chrono::steady_clock::duration limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!state_->notified) {
    if (std::chrono::steady_clock::now() >= until) co_return false;
    state_->timer.expires_at(until);
    boost::system::error_code error;
    co_await state_->timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
    if (cancelled != asio::cancellation_type::none)
      throw boost::system::system_error(asio::error::operation_aborted);
  }
  state_->notified = false;
  co_return true;
}

}  // namespace restante
