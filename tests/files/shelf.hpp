// SPDX-License-Identifier: Apache-2.0
#pragma once

// A place's areas with the real store in a folder of their own, and blocking calls for tests.

#include "base/clock.hpp"
#include "files/areas.hpp"
#include "store/store.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace restante::files::test {

class Folder {
public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path path;
};

class Place {
public:
  explicit Place(const std::filesystem::path& data, AreasOptions options = {});
  ~Place();

  AccountId add_account(const std::string& name);
  void add_job(AccountId account, JobId id, jobs::State state);
  std::filesystem::path area(const std::string& name) const { return data_ / "areas" / name; }

  /// Runs a coroutine to its end on the control loop.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    std::exception_ptr error;
    bool ended = false;
    auto body = [](Task<T> inner, std::optional<T>& to) -> Task<void> {
      to.emplace(co_await std::move(inner));
    };
    asio::co_spawn(loop_, body(std::move(task), out), [&](std::exception_ptr e) {
      error = e;
      ended = true;
    });
    loop_.restart();
    while (!ended) loop_.run_one();
    if (error) std::rethrow_exception(error);
    return std::move(*out);
  }
  /// Runs a task that does not end until `done` says so; asked after each step of the loop.
  void run_until(Task<void> task, const std::function<bool()>& done);
  /// Runs housekeeping until `done` says so.
  void run_housekeeping_until(const std::function<bool()>& done);

  Result<jobs::Incoming> receive(AccountId account, JobId job, const std::string& bytes);
  jobs::Publication publication(AccountId account, JobId job, const std::string& bytes,
                                const std::string& wanted) const;
  Result<jobs::Published> publish(AccountId account, JobId job, const std::string& bytes,
                                  const std::string& wanted);
  /// Counts itself in the store's settings, so that the count lives and dies with the transaction.
  jobs::PublishCommit counting_commit();
  int commits();

  template <class T>
  T read(std::function<Result<T>(Tx&)> work) {
    return run(store_->read_value<T>(std::move(work))).value();
  }
  template <class T>
  T write(std::function<Result<T>(Tx&)> work) {
    return run(store_->write_value<T>(std::move(work))).value();
  }
  Areas& areas() { return *areas_; }
  store::Store& store() { return *store_; }
  asio::io_context& loop() { return loop_; }
  ManualClock& clock() { return clock_; }
  std::map<AccountId, std::uint64_t> quotas, traffics;

private:
  std::filesystem::path data_;
  asio::io_context loop_;
  asio::executor_work_guard<asio::io_context::executor_type> busy_{loop_.get_executor()};
  asio::thread_pool pool_{2};
  ManualClock clock_{Instant{Seconds{1'790'000'000}}};
  std::unique_ptr<store::Store> store_;
  std::map<AccountId, std::string> names_;
  std::unique_ptr<Areas> areas_;
};

JobId job_id(int number);
std::string content(const std::filesystem::path& file);
std::size_t files_below(const std::filesystem::path& folder);

}  // namespace restante::files::test
