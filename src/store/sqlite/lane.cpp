// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/lane.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

namespace restante::store::sqlite {
namespace {

template <class Handler>
class Waiting final : public Request {
public:
  Waiting(Handler handler, Database::Work* what, Result<void>* out)
      : Request(what),
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
    queue_.push_back(std::move(request));
  }
  came_.notify_one();
  return Put::taken;
}

std::unique_ptr<Request> Lane::wait() {
  std::unique_lock lock(mutex_);
  came_.wait(lock, [this] { return closed_ || !queue_.empty(); });
  if (queue_.empty()) return nullptr;
  auto request = std::move(queue_.front());
  queue_.pop_front();
  return request;
}

std::unique_ptr<Request> Lane::take() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return nullptr;
  auto request = std::move(queue_.front());
  queue_.pop_front();
  return request;
}

void Lane::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  came_.notify_all();
}

Task<Result<void>> pass_through(Lane* lane, Database::Work work) {
  Result<void> outcome;
  // Only plain pointers go into the co_await expression (see base/task.hpp).
  auto start = [](auto handler, Lane* to, Database::Work* what, Result<void>* out) {
    std::unique_ptr<Request> request =
        std::make_unique<Waiting<decltype(handler)>>(std::move(handler), what, out);
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
      start, asio::use_awaitable, lane, what, out);
  co_return outcome;
}

}  // namespace restante::store::sqlite
