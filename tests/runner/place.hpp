// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "base/wall_timer.hpp"
#include "jobs/service.hpp"
#include "store/store.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

// A place to be tested: the real service on the real store, with a clock, content servers and a shelf that do
// what the test says.
namespace restante::jobs::test {

/// Fires when the test pokes it after moving the clock.
class PokedTimer final : public WallTimer {
public:
  PokedTimer(Executor loop, const Clock& clock) : clock_(clock), signal_(std::move(loop)) {}
  Task<void> wait_until(Instant at) override;
  void poke() override { signal_.notify(); }

private:
  const Clock& clock_;
  Signal signal_;
};

/// What a content server does with one request.
struct Script {
  std::string body = {};  ///< of the whole content
  std::string etag = "\"one\"";
  std::string last_modified = {};
  bool announces_length = true;
  std::optional<std::size_t> cut_at = {};  ///< ends here with `reason`, transient
  bool ignores_ranges = false;             ///< Outcome::restart when asked to go on
  bool hangs = false;                      ///< after `cut_at` bytes (or none) until stopped
  std::optional<Reason> reason = {};       ///< fails with it; before the first byte unless cut_at
  bool transient = true;
  std::optional<Seconds> retry_after = {};
  std::string name_hint = {};  ///< empty: the last segment of the URL
  Reason reason_of_restart = Reason::incomplete;
  int http_status = 0;  ///< 0: 200, or 429 with retry_after
  /// Brought by other connections beside what comes in order.
  std::vector<Span> apart = {};
};

struct Asked {
  std::string url;
  std::uint64_t offset = 0;
  std::string if_range;
  bool probe = false;
  AccountId account;
  std::size_t credentials = 0;
  bool allow_lan = false;
  std::optional<std::uint64_t> room_bytes;
  int connections = 1;
  std::vector<Span> have;
};

/// Content servers by URL. Each request takes the next script; the last one stays.
class ScriptedTransfers final : public Transfers {
public:
  Task<TransferResult> run(TransferOrder order, TransferObserver& observer, std::stop_token stop) override;

  Task<TransferResult> browse(TransferOrder order, OfferObserver& observer, std::stop_token stop) override;

  void on(const std::string& url, std::vector<Script> scripts);
  std::map<std::string, Offers> offers;  ///< what addresses offer; others hang until stopped
  std::vector<Asked> asked;
  int running = 0, most_running = 0;
  std::map<std::string, int> running_at, most_running_at;  ///< by origin
  std::map<std::int64_t, int> running_for;                 ///< by account
  std::vector<std::int64_t> started_for;                   ///< accounts, in the order of their transfers
  bool computes_digests = true;
  std::function<void(std::uint64_t)> told_progress;  ///< seen by the test when bytes were told

private:
  std::map<std::string, std::deque<Script>> scripts_;
};

/// incoming/ and areas as folders of the test; publishes like the real one, with faults on order. It outlives
/// services that "crash".
class ScriptedShelf final : public Shelf {
public:
  ScriptedShelf(Database& database, std::string folder) : database_(&database), folder_(std::move(folder)) {}

  Task<Result<Incoming>> open_incoming(AccountId account, JobId job, int file, int generation) override;
  Task<Result<void>> sync_data(int fd) override;
  Task<Result<void>> discard_incoming(AccountId account, JobId job, int file, int generation) override;
  Task<Result<std::string>> digest_incoming(AccountId account, JobId job, int file, int generation,
                                            std::string algorithm) override;
  Task<Result<PieceReport>> hash_pieces(int fd, std::uint64_t base, std::uint64_t first,
                                        std::uint64_t end_bytes) override;
  Task<Result<Published>> publish(Publication what, UniqueFd sync, PublishCommit commit) override;
  Task<Result<void>> recover(PublishCommit commit) override;
  Task<Result<Room>> room(AccountId account) override;
  std::string clean_name(std::string_view wanted) const override { return std::string(wanted); }

  std::string path(JobId job, int file, int generation) const;
  void use(Database& database) { database_ = &database; }

  std::map<std::string, std::string> files;  ///< published: name to bytes
  std::vector<Publication> publications;
  int opened = 0, synced = 0;
  std::uint64_t hashed_bytes = 0;                              ///< of partial files, in pieces
  std::uint64_t held_bytes() const;                            ///< partial and published
  std::uint64_t volume_bytes = 1ull << 40, reserve_bytes = 0;  ///< what the "disk" holds
  std::optional<std::uint64_t> quota_bytes;                    ///< everybody's together
  std::uint64_t filled_bytes = 0;                              ///< by other programs
  std::optional<Error> refuse_next_publish, refuse_next_sync;
  bool die_before_commit = false;  ///< the rename happened, the commit did not; for recover()
  std::function<void()> before_publish;

private:
  Result<Published> put(const Publication& what);

  struct Intent {
    Publication what;
    Published published;
  };
  Database* database_;
  std::string folder_;
  std::vector<Intent> intents_;
};

class ScriptedAccounts final : public AccountRules {
public:
  bool may_use_lan(AccountId account) const override { return lan.contains(account.value); }
  std::set<std::int64_t> lan;
};

/// The store as a process sees it: once "dead", nothing that it asks is done any more.
class Mortal final : public Database {
public:
  explicit Mortal(Database& real) : real_(real) {}
  using Database::write;
  Task<Result<void>> write(Work work, Commit commit) override;
  Task<Result<void>> read(Work work) override;
  bool dead = false;
  int writes = 0;
  std::optional<int> dies_after_writes;  ///< so many more are done
  bool full = false;                     ///< writes are refused: the disk is full

private:
  Database& real_;
};

/// A document for tests; to_core() writes it.
struct Wanted {
  std::string id = "01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a";
  std::int64_t rev = 0;
  bool cancel = false;
  std::vector<std::vector<std::string>> urls = {{"http://content.test/a.bin"}};  ///< files, each with sources
  std::string file_members = {};  ///< of the first file: ",\"size\":3"
  std::string what = {};          ///< further members of what: ",\"title\":\"x\""
  std::string when = {};          ///< object; empty: none
  std::string more = {};          ///< members of the document
  bool probe = false;
};

class Place : public ::testing::Test {
protected:
  Place();
  ~Place() override;

  /// Makes a service and starts it; the one before is stopped.
  void start();
  void stop();
  /// Ends the service without any further write reaching the store, as SIGKILL would.
  void crash();

  Submission submission(const Wanted& wanted, AccountId account);
  Submission submission(const Wanted& wanted) { return submission(wanted, ana); }
  JobId accept(const Wanted& wanted, AccountId account);
  JobId accept(const Wanted& wanted) { return accept(wanted, ana); }
  /// Another proxy id for each number.
  static std::string id_number(int number);

  JobView view(JobId id);
  std::vector<std::string> causes(JobId id);
  std::vector<HistoryRow> history(JobId id);
  /// Lets everything happen until the job is in this state; fails the test after some seconds.
  JobView until(JobId id, State state);
  JobView until(JobId id, WaitingFor what);
  void until(const std::function<bool()>& condition, const char* what);
  /// Lets everything happen that can happen without the clock.
  void settle();
  void pass(Millis time);

  template <class T>
  T run(Task<T> task);

  ManualClock clock{Instant(Seconds(1795305600))};  // 2026-11-22T00:00:00Z
  asio::io_context loop;
  asio::executor_work_guard<asio::io_context::executor_type> busy;
  std::string folder;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Mortal> database;
  ScriptedTransfers transfers;
  std::unique_ptr<ScriptedShelf> shelf;
  ScriptedAccounts accounts;
  ServiceLimits limits;
  bool starts_with_a_full_disk = false;
  AccountId ana, ben;
  std::unique_ptr<Service> service;
  PokedTimer* timer = nullptr;  ///< the service's
};

template <class T>
T Place::run(Task<T> task) {
  std::optional<T> out;
  std::exception_ptr thrown;
  bool done = false;
  auto body = [](Task<T> inner, std::optional<T>& value) -> Task<> {
    value.emplace(co_await std::move(inner));
  };
  asio::co_spawn(loop, body(std::move(task), out), [&](std::exception_ptr error) {
    thrown = error;
    done = true;
  });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done && std::chrono::steady_clock::now() < end) loop.run_one_for(std::chrono::milliseconds(200));
  if (thrown) std::rethrow_exception(thrown);
  if (!done) throw std::runtime_error("a task did not end within 20 seconds");
  return std::move(*out);
}

}  // namespace restante::jobs::test
