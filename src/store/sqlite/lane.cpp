// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/lane.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace restante::store::sqlite {
namespace {

template <class Handler>
class Waiting final : public Request {
public:
  Waiting(Handler handler, Database::Work* what, Database::Commit when, Result<void>* out)
      : Request(what, when),
        handler_(std::move(handler)),
        home_(asio::get_associated_executor(handler_)),
        guard_(asio::make_work_guard(home_)),
        out_(out) {}

  void deliver() override {
    *out_ = std::move(outcome);
    asio::post(home_, [handler = std::move(handler_), guard = std::move(guard_),
                       error = std::move(thrown)]() mutable {
      guard.reset();
      std::move(handler)(std::move(error));
    });
  }

private:
  Handler handler_;
  Executor home_;
  asio::executor_work_guard<Executor> guard_;
  Result<void>* out_;
};

}  // namespace

Lane::Put Lane::put(std::unique_ptr<Request>& request) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return Put::closed;
    if (queue_.size() >= limit_) return Put::full;
    if (request->commit == Database::Commit::at_once) ++at_once_;
    queue_.push_back(std::move(request));
    if (!worth_a_look()) return Put::taken;
  }
  came_.notify_one();
  return Put::taken;
}

bool Lane::worth_a_look() const {
  return closed_ || at_once_ > 0 || queue_.size() >= std::max<std::size_t>(enough_, 1);
}

std::unique_ptr<Request> Lane::wait(std::chrono::steady_clock::time_point until, std::size_t enough) {
  std::unique_lock lock(mutex_);
  came_.wait(lock, [this] { return worth_a_look(); });
  enough_ = enough;
  came_.wait_until(lock, until, [this] { return worth_a_look(); });
  enough_ = 0;
  return first();
}

std::unique_ptr<Request> Lane::take() {
  const std::lock_guard lock(mutex_);
  return first();
}

std::unique_ptr<Request> Lane::first() {
  if (queue_.empty()) return nullptr;
  auto request = std::move(queue_.front());
  queue_.pop_front();
  if (request->commit == Database::Commit::at_once) --at_once_;
  return request;
}

std::deque<std::unique_ptr<Request>> Lane::wait_for_all() {
  std::unique_lock lock(mutex_);
  came_.wait(lock, [this] { return worth_a_look(); });
  at_once_ = 0;
  return std::exchange(queue_, {});
}

void Lane::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  came_.notify_all();
}

Task<Result<void>> pass_through(Lane* lane, Database::Work work, Database::Commit commit) {
  Result<void> outcome;
  // Only plain pointers go into the co_await expression (see base/task.hpp).
  auto start = [](auto handler, Lane* to, Database::Work* what, Database::Commit when, Result<void>* out) {
    std::unique_ptr<Request> request =
        std::make_unique<Waiting<decltype(handler)>>(std::move(handler), what, when, out);
    const Lane::Put put = to->put(request);
    if (put == Lane::Put::taken) return;
    if (put == Lane::Put::full)
      request->outcome = fail(Reason::busy, "too many changes wait for the store");
    else
      request->outcome = fail(Reason::storage, "the store is closed");
    request->deliver();
  };
  Database::Work* what = &work;
  Result<void>* out = &outcome;
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(
      start, asio::use_awaitable, lane, what, commit, out);
  co_return outcome;
}

}  // namespace restante::store::sqlite
