// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/resolver.hpp"
#include "worker/asking.hpp"
#include "worker/pool.hpp"
#include "worker/process.hpp"
#include "worker/running.hpp"
#include "worker/seats.hpp"

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace restante::worker {

/// The worker of one account. Private to the pool.
struct Lane {
  Lane(Executor loop, AccountId of, Spawned spawned, ProcessLimits limits, net::Judge layer2)
      : account(of),
        process(loop, std::move(spawned), limits, layer2),
        idle(loop),
        watch(loop),
        since(Clock::now()) {}

  AccountId account;
  Process process;
  std::map<std::uint32_t, RunningPtr> transfers;
  std::map<std::uint32_t, AskingPtr> requests;
  asio::steady_timer idle;
  asio::steady_timer watch;  ///< looks at the lengths of the files
  Clock::time_point since;
  bool ready = false;
  bool draining = false;  ///< gets nothing new: others wait for its place
  bool extra = false;     ///< beyond the most workers: small requests only

  bool empty() const { return transfers.empty() && requests.empty(); }
};
using LanePtr = std::shared_ptr<Lane>;

/// All state of the pool in one shared object, because tasks and handlers may outlast the Pool's last caller
/// by a turn of the loop.
struct PoolState : std::enable_shared_from_this<PoolState> {
  PoolState(Executor on, Executor lookups, PoolOptions o);

  struct Account {
    std::deque<RunningPtr> queue;
    std::deque<AskingPtr> requests;
    LanePtr lane;
    bool in_line = false, in_short_line = false;
  };

  Executor loop;
  PoolOptions options;
  net::Resolver resolver;
  Seats seats;
  TaskGroup tasks;
  Signal changed;  ///< a transfer or a worker has ended, for `stop`
  std::map<AccountId, Account> accounts;
  std::deque<AccountId> line;        ///< accounts that wait for a worker
  std::deque<AccountId> short_line;  ///< those that want small requests only
  int workers = 0, extra_workers = 0;
  std::size_t queued = 0, requests_queued = 0;
  std::uint32_t next_number = 1;
  bool stopping = false;

  // ---- pool_state.cpp: queues and workers
  void enqueue(const RunningPtr& running);
  bool unqueue(const RunningPtr& running);
  void pump(AccountId id);
  void fill(const LanePtr& lane);
  void start_workers();
  void start_extra_workers();
  void make_room();
  void start_worker(AccountId id, bool extra);
  void fail_queue(AccountId id, const std::string& why);
  void forget_if_empty(AccountId id);
  void assign(const LanePtr& lane, const RunningPtr& running);
  void watch_files(const LanePtr& lane);
  void pace(AccountId account, const jobs::TransferObserver& observer,
            std::optional<std::uint64_t> bytes_per_s);
  void settle(const RunningPtr& running, jobs::TransferResult result);
  void finish(const LanePtr& lane, const RunningPtr& running, jobs::TransferResult result);
  void became_idle(const LanePtr& lane);
  static Task<void> serve(std::shared_ptr<PoolState> pool, LanePtr lane);
  void ended(const LanePtr& lane, const Process::End& end);
  void ask_to_stop(const RunningPtr& running);
  /// Until a transfer that was asked to stop has its result; a worker that does not listen is killed.
  static Task<void> see_it_stop(std::shared_ptr<PoolState> pool, RunningPtr running);

  // ---- pool_messages.cpp: what a worker says; an error ends it
  void ready(const LanePtr& lane, const Ready& message);
  Result<void> take(const LanePtr& lane, Ready& message);
  Result<void> take(const LanePtr& lane, Resolve& message);
  Result<void> take(const LanePtr& lane, Responded& message);
  Result<void> take(const LanePtr& lane, Progress& message);
  Result<void> take(const LanePtr& lane, Renewed& message);
  Result<void> take(const LanePtr& lane, Finished& message);
  Result<void> take(const LanePtr& lane, Answered& message);
  Result<void> take(const LanePtr& lane, Offered& message);
  /// Layer 1 of the address guard; the connector knows the verdict before the worker does.
  static Task<void> answer(std::shared_ptr<PoolState> pool, LanePtr lane, WorkPtr work, Resolve asked,
                           std::optional<Error> refused);

  // ---- pool_requests.cpp: small requests
  Result<AskingPtr> enqueue(AccountId account, net::Lan lan, net::SmallRequest request);
  void assign(const LanePtr& lane, const AskingPtr& asking);
  void settle(const AskingPtr& asking, Result<net::SmallAnswer> result);
  void finish(const LanePtr& lane, const AskingPtr& asking);
  void give_up(const AskingPtr& asking, Error why);
  void forget(AccountId account);
  /// Until it is over; what takes too long is given up.
  static Task<void> see_it_end(std::shared_ptr<PoolState> pool, AskingPtr asking);
};

}  // namespace restante::worker
