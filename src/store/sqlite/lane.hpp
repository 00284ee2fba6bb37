// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/database.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>

namespace restante::store::sqlite {

/// One work on its way through a store thread, and the coroutine that waits for it.
class Request {
public:
  explicit Request(Database::Work* what, Database::Commit when) : work(what), commit(when) {}
  virtual ~Request() = default;
  /// Resumes the caller on its own loop with `outcome` or `thrown`. Once.
  virtual void deliver() = 0;

  Database::Work* work;  ///< the caller's; alive until delivered
  const Database::Commit commit;
  Result<void> outcome;
  std::exception_ptr thrown;
};

/// The queue before one store thread. Any thread puts, one takes.
class Lane {
public:
  explicit Lane(std::size_t limit) : limit_(limit) {}

  enum class Put { taken, full, closed };
  Put put(std::unique_ptr<Request>& request);
  /// The next one; null: closed, and nothing is left. Shared ones gather until then, or until `enough` of
  /// them are there or one comes that does not wait.
  std::unique_ptr<Request> wait(std::chrono::steady_clock::time_point until, std::size_t enough);
  std::unique_ptr<Request> take();  ///< null: nothing there now
  /// All that are there; none: closed, and nothing is left.
  std::deque<std::unique_ptr<Request>> wait_for_all();
  void close();

private:
  bool worth_a_look() const;
  std::unique_ptr<Request> first();

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::unique_ptr<Request>> queue_;
  std::size_t at_once_ = 0;  ///< of those in the queue
  std::size_t enough_ = 0;   ///< while shared ones gather
  bool closed_ = false;
};

/// Puts `work` into the lane and resumes on the caller's loop when it was delivered. Errors besides those of
/// `work`: busy (the lane is full), storage (the store is closed).
Task<Result<void>> pass_through(Lane* lane, Database::Work work, Database::Commit commit);

}  // namespace restante::store::sqlite
