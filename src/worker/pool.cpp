// SPDX-License-Identifier: Apache-2.0
#include "worker/pool.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "net/connector.hpp"
#include "net/race.hpp"
#include "net/resolver.hpp"
#include "worker/clean.hpp"
#include "worker/process.hpp"
#include "worker/running.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>
#include <fcntl.h>
#include <map>

namespace restante::worker {

using jobs::TransferResult;

/// The worker of one account.
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
  asio::steady_timer idle;
  asio::steady_timer watch;  ///< looks at the lengths of the files
  Clock::time_point since;
  bool ready = false;
  bool draining = false;  ///< gets nothing new: others wait for its place
};
using LanePtr = std::shared_ptr<Lane>;

namespace {

struct Account {
  std::deque<RunningPtr> queue;
  LanePtr lane;
  bool in_line = false;
};

}  // namespace

// All state is in one shared object, because tasks and handlers may outlast the Pool's last caller by a turn
// of the loop.
struct PoolState : std::enable_shared_from_this<PoolState> {
  PoolState(Executor on, Executor lookups, PoolOptions o)
      : loop(on),
        options(std::move(o)),
        resolver(on, std::move(lookups), {}, net::Resolver::system_lookup, options.guard.names),
        tasks(on, "workers"),
        changed(on) {}

  Executor loop;
  PoolOptions options;
  net::Resolver resolver;
  TaskGroup tasks;
  Signal changed;  ///< a transfer or a worker has ended, for `stop`
  std::map<AccountId, Account> accounts;
  std::deque<AccountId> line;  ///< accounts that wait for a worker
  int workers = 0;
  std::size_t queued = 0;
  std::uint32_t next_number = 1;
  bool stopping = false;

  // ---- queue and workers

  void enqueue(const RunningPtr& running) {
    accounts[running->account].queue.push_back(running);
    ++queued;
    pump(running->account);
  }

  bool unqueue(const RunningPtr& running) {
    auto& queue = accounts[running->account].queue;
    const auto at = std::find(queue.begin(), queue.end(), running);
    if (at == queue.end()) return false;
    queue.erase(at);
    --queued;
    return true;
  }

  void pump(AccountId id) {
    auto& account = accounts[id];
    if (account.lane && account.lane->ready && !account.lane->draining && !account.lane->process.ending()) {
      while (!account.queue.empty() && account.lane->transfers.size() < options.transfers_per_worker) {
        const RunningPtr next = account.queue.front();
        account.queue.pop_front();
        --queued;
        assign(account.lane, next);
      }
    }
    if (!account.lane && !account.queue.empty() && !account.in_line) {
      account.in_line = true;
      line.push_back(id);
    }
    start_workers();
  }

  void start_workers() {
    while (!line.empty() && workers < options.max_workers) {
      const AccountId next = line.front();
      line.pop_front();
      accounts[next].in_line = false;
      if (!accounts[next].queue.empty())
        start_worker(next);
      else
        forget_if_empty(next);
    }
    if (!line.empty()) make_room();
  }

  /// Somebody waits: an idle worker goes now, and the one with the longest turn gets nothing new.
  void make_room() {
    LanePtr longest;
    for (auto& [id, account] : accounts) {
      const auto& lane = account.lane;
      if (!lane || !lane->ready) continue;
      if (lane->process.ending() || lane->draining) return;  // room is being made
      if (lane->transfers.empty()) return lane->process.end();
      if (Clock::now() - lane->since > options.turn && (!longest || lane->since < longest->since))
        longest = lane;
    }
    if (longest) longest->draining = true;
  }

  void start_worker(AccountId id) {
    auto spawned = spawn_worker(options.program, {options.ca_bundle});
    if (!spawned) {
      log::error("{}", spawned.error().message);
      fail_queue(id, spawned.error().message);
      return;
    }
    ProcessLimits limits;
    limits.start_time = options.start_time;
    auto lane = std::make_shared<Lane>(loop, id, std::move(*spawned), limits, options.guard.sockets);
    accounts[id].lane = lane;
    ++workers;
    tasks.spawn(serve(shared_from_this(), lane));
  }

  void fail_queue(AccountId id, const std::string& why) {
    auto queue = std::exchange(accounts[id].queue, {});
    queued -= queue.size();
    for (const auto& running : queue)
      settle(running, running->dead("the program that fetches could not be started: " + why));
    forget_if_empty(id);
  }

  void forget_if_empty(AccountId id) {
    const auto at = accounts.find(id);
    if (at != accounts.end() && at->second.queue.empty() && !at->second.lane && !at->second.in_line)
      accounts.erase(at);
  }

  void assign(const LanePtr& lane, const RunningPtr& running) {
    lane->idle.cancel();
    running->lane = lane;
    running->number = next_number++;
    Start start;
    start.transfer = running->number;
    start.order = std::move(running->order);
    UniqueFd out = std::move(start.order.out);
    if (out) running->file.reset(::fcntl(out.get(), F_DUPFD_CLOEXEC, 3));
    running->claims.emplace(start.order, options.claims, running->file_bytes());
    if (lane->transfers.empty()) watch_files(lane);
    lane->transfers.emplace(running->number, running);
    ToWorker message = std::move(start);
    if (auto sent = lane->process.send(message, std::move(out)); !sent)
      finish(lane, running, failed(sent.error(), running->received_bytes));
  }

  /// Sees that nobody writes far behind the room that the place has for it (DESIGN.md §11: harmless to
  /// everyone else): an honest worker ends there by itself.
  void watch_files(const LanePtr& lane) {
    lane->watch.expires_after(options.watch_every);
    lane->watch.async_wait([this, weak = std::weak_ptr(lane)](boost::system::error_code error) {
      const auto live = weak.lock();
      if (error || !live || live->transfers.empty()) return;
      for (const auto& [number, running] : live->transfers)
        if (running->overdrawn()) return live->process.kill("it wrote more than there is room for");
      watch_files(live);
    });
  }

  void settle(const RunningPtr& running, TransferResult result) {
    if (running->result) return;
    running->result.emplace(std::move(result));
    running->observer = nullptr;
    running->changed.notify();
    changed.notify();
  }

  void finish(const LanePtr& lane, const RunningPtr& running, TransferResult result) {
    lane->process.connector().forget(running->number);
    lane->transfers.erase(running->number);
    settle(running, std::move(result));
    if (lane->transfers.empty()) became_idle(lane);
    pump(lane->account);
  }

  void became_idle(const LanePtr& lane) {
    if (lane->draining) return lane->process.end();
    lane->idle.expires_after(options.idle);
    lane->idle.async_wait([weak = std::weak_ptr(lane)](boost::system::error_code error) {
      const auto live = weak.lock();
      if (!error && live && live->transfers.empty()) live->process.end();
    });
  }

  struct Events final : WorkerEvents {
    Events(std::shared_ptr<PoolState> p, LanePtr l) : pool(std::move(p)), lane(std::move(l)) {}
    void on_ready(const Ready& ready) override { pool->ready(lane, ready); }
    Result<void> on_message(ToServer message) override {
      return std::visit([&](auto& one) { return pool->take(lane, one); }, message);
    }
    std::shared_ptr<PoolState> pool;
    LanePtr lane;
  };

  static Task<void> serve(std::shared_ptr<PoolState> pool, LanePtr lane) {
    Events events(pool, lane);
    const auto end = co_await lane->process.run(events);
    pool->ended(lane, end);
  }

  void ended(const LanePtr& lane, const Process::End& end) {
    lane->idle.cancel();
    lane->watch.cancel();
    if (!end.expected)
      log::warn("worker {} of account {} ended: {}", lane->process.pid(), lane->account.value, end.how);
    const auto transfers = std::exchange(lane->transfers, {});
    for (const auto& [number, running] : transfers) {
      if (!running->stopping && !end.expected) log::warn("{}: its worker died", running->what);
      settle(running, running->dead("the process that fetched it ended: " + end.how));
    }
    --workers;
    accounts[lane->account].lane.reset();
    changed.notify();
    if (!lane->ready && !end.expected) fail_queue(lane->account, end.how);
    if (!stopping) pump(lane->account);
    forget_if_empty(lane->account);
  }

  // ---- what a worker says

  void ready(const LanePtr& lane, const Ready& message) {
    std::string locks;
    for (const auto& lock : message.locks) locks += (locks.empty() ? "" : ", ") + clean(lock, 40);
    log::info("worker {} of account {} is ready; locks: {}", lane->process.pid(), lane->account.value, locks);
    lane->ready = true;
    pump(lane->account);
    if (lane->transfers.empty()) became_idle(lane);
  }

  static Result<RunningPtr> find(const LanePtr& lane, std::uint32_t number) {
    const auto found = lane->transfers.find(number);
    if (found == lane->transfers.end())
      return fail(Reason::malformed, "it spoke of a transfer that it does not have");
    return found->second;
  }

  Result<void> take(const LanePtr&, Ready&) { return fail(Reason::malformed, "it said \"ready\" twice"); }

  Result<void> take(const LanePtr& lane, Resolve& message) {
    auto running = find(lane, message.transfer);
    if (!running) return fail(std::move(running.error()));
    auto judged = (*running)->claims->resolve(message);
    if (!judged && judged.error().reason == Reason::malformed) return judged;
    std::optional<Error> refused;
    if (!judged) refused = std::move(judged.error());
    tasks.spawn(answer(shared_from_this(), lane, *running, message, std::move(refused)));
    return {};
  }

  Result<void> take(const LanePtr& lane, Responded& message) {
    auto running = find(lane, message.transfer);
    if (!running) return fail(std::move(running.error()));
    if (auto judged = (*running)->claims->responded(); !judged) return judged;
    clean(message.facts);
    (*running)->facts = message.facts;
    if ((*running)->observer != nullptr) (*running)->observer->on_response(message.facts);
    return {};
  }

  Result<void> take(const LanePtr& lane, Progress& message) {
    auto running = find(lane, message.transfer);
    if (!running) return fail(std::move(running.error()));
    auto& r = **running;
    if (auto told = r.tell_pieces(message.pieces); !told) return told;
    const auto now = Clock::now();
    if (r.file)
      if (auto judged = r.claims->has(message.received_bytes, r.file_bytes()); !judged) return judged;
    r.received_bytes = message.received_bytes;
    if (r.progress_at && now - *r.progress_at < options.progress_every) return {};
    r.progress_at = now;
    if (r.observer != nullptr) r.observer->on_progress(message.received_bytes, message.bytes_per_s);
    return {};
  }

  Result<void> take(const LanePtr& lane, Renewed& message) {
    auto running = find(lane, message.transfer);
    if (!running) return fail(std::move(running.error()));
    if (auto judged = (*running)->claims->renewed(message.tokens); !judged) return judged;
    const auto kept = [lane, one = *running](Result<void> stored) {
      if (one->result) return;
      Kept answer;
      answer.transfer = one->number;
      if (!stored) answer.refused = std::move(stored.error());
      ToWorker told = std::move(answer);
      if (auto sent = lane->process.send(told); !sent) lane->process.kill(sent.error().message);
    };
    if ((*running)->observer != nullptr) (*running)->observer->on_renewed(message.tokens, kept);
    return {};
  }

  Result<void> take(const LanePtr& lane, Finished& message) {
    auto running = find(lane, message.transfer);
    if (!running) return fail(std::move(running.error()));
    auto& result = message.result;
    if ((*running)->file)
      if (auto judged = (*running)->claims->has(result.received_bytes, (*running)->file_bytes()); !judged)
        return judged;
    if (auto told = (*running)->tell_pieces(result.pieces); !told) return told;
    clean(result.facts);
    result.message = clean(result.message, 1000);
    result.digest_hex = from_hex(result.digest_hex) ? ascii_lower(result.digest_hex) : std::string();
    finish(lane, *running, std::move(result));
    return {};
  }

  /// Layer 1 of the address guard; the connector knows the verdict before the worker does.
  static Task<void> answer(std::shared_ptr<PoolState> pool, LanePtr lane, RunningPtr running, Resolve asked,
                           std::optional<Error> refused) {
    net::AddressPolicy policy = pool->options.addresses;
    if (running->lan == net::Lan::allowed) policy.own = net::own_addresses();
    Resolved reply;
    reply.transfer = asked.transfer;
    reply.hop = asked.hop;
    reply.refused = std::move(refused);
    if (!reply.refused) {
      auto found = co_await pool->resolver.resolve(asked.host, asked.port, policy, running->lan);
      if (found) {
        net::Permit permit;
        permit.to = std::move(*found);
        permit.policy = std::move(policy);
        permit.lan = running->lan;
        if (permit.to.size() > 1) {
          auto ordered = co_await net::fastest_first(pool->loop, permit, pool->options.guard.sockets);
          permit.to = std::move(ordered);
        }
        for (const auto& endpoint : permit.to) reply.addresses.push_back(endpoint.numeric());
        if (!running->result) lane->process.connector().permit(running->number, std::move(permit));
      } else {
        reply.refused = std::move(found.error());
      }
    }
    running->claims->resolved();
    if (running->result) co_return;
    ToWorker message = std::move(reply);
    if (auto sent = lane->process.send(message); !sent) lane->process.kill(sent.error().message);
  }

  // ---- stopping

  void ask_to_stop(const RunningPtr& running) {
    if (running->result || running->stopping) return;
    running->stopping = true;
    const auto lane = running->lane.lock();
    if (!lane) {
      unqueue(running);
      settle(running, stopped(running->received_bytes));
      forget_if_empty(running->account);
      return;
    }
    ToWorker message = Stop{running->number};
    if (!lane->process.send(message)) lane->process.kill("it cannot be told to stop");
    running->changed.notify();
  }

  /// Until a transfer that was asked to stop has its result; a worker that does not listen is killed.
  static Task<void> see_it_stop(std::shared_ptr<PoolState> pool, RunningPtr running) {
    const auto until = Clock::now() + pool->options.stop_time;
    while (!running->result) {
      const auto left = until - Clock::now();
      if (left.count() > 0 && co_await running->changed.wait_for(left)) continue;
      if (const auto lane = running->lane.lock()) lane->process.kill("it did not stop a transfer in time");
      while (!running->result) co_await running->changed.wait();
    }
  }
};

namespace {

class WorkerPool final : public Pool {
public:
  WorkerPool(Executor loop, Executor resolver, PoolOptions options)
      : state_(std::make_shared<PoolState>(std::move(loop), std::move(resolver), std::move(options))) {}

  Task<TransferResult> run(jobs::TransferOrder order, jobs::TransferObserver& observer,
                           std::stop_token stop) override {
    auto pool = state_;
    if (pool->stopping || stop.stop_requested()) co_return stopped(order.offset);
    if (pool->queued >= pool->options.queued)
      co_return failed(Error{Reason::busy, "too many downloads wait for a worker", {}, {}, true},
                       order.offset);
    auto running = std::make_shared<Running>(pool->loop);
    running->account = order.account;
    running->lan = order.allow_lan ? net::Lan::allowed : net::Lan::refused;
    running->what = "job " + order.job.text() + " file " + std::to_string(order.file);
    running->received_bytes = order.offset;
    running->observer = &observer;
    running->order = std::move(order);

    Leaving leaving(pool, running);
    auto on_stop = [pool, running] {
      asio::post(pool->loop, [pool, running] { pool->ask_to_stop(running); });
    };
    std::stop_callback<decltype(on_stop)> link(stop, on_stop);
    pool->enqueue(running);
    while (!running->result && !running->stopping) co_await running->changed.wait();
    if (!running->result) co_await PoolState::see_it_stop(pool, running);
    co_return std::move(*running->result);
  }

  Task<void> stop() override {
    auto pool = state_;
    pool->stopping = true;
    std::vector<RunningPtr> all;
    for (auto& [id, account] : pool->accounts) {
      all.insert(all.end(), account.queue.begin(), account.queue.end());
      if (account.lane)
        for (auto& [number, running] : account.lane->transfers) all.push_back(running);
    }
    for (const auto& running : all) pool->ask_to_stop(running);
    const auto until = Clock::now() + pool->options.stop_time;
    const auto pending = [&all] {
      return std::any_of(all.begin(), all.end(), [](const RunningPtr& one) { return !one->result; });
    };
    while (pending()) {
      const auto left = until - Clock::now();
      if (left.count() <= 0 || !co_await pool->changed.wait_for(left)) break;
    }
    std::vector<LanePtr> lanes;
    for (auto& [id, account] : pool->accounts)
      if (account.lane) lanes.push_back(account.lane);
    for (const auto& lane : lanes) lane->process.end();
    lanes.clear();
    while (pool->workers > 0) co_await pool->changed.wait();
    co_await pool->tasks.stop();
  }

private:
  /// Runs when `run` is left, also by cancellation: nobody is observed or waited for any longer.
  class Leaving {
  public:
    Leaving(std::shared_ptr<PoolState> pool, RunningPtr running)
        : pool_(std::move(pool)), running_(std::move(running)) {}
    ~Leaving() {
      running_->observer = nullptr;
      if (running_->result) return;
      pool_->ask_to_stop(running_);
      if (!running_->result) pool_->tasks.spawn(PoolState::see_it_stop(pool_, running_));
    }
    Leaving(const Leaving&) = delete;
    Leaving& operator=(const Leaving&) = delete;

  private:
    std::shared_ptr<PoolState> pool_;
    RunningPtr running_;
  };

  std::shared_ptr<PoolState> state_;
};

}  // namespace

std::unique_ptr<Pool> make_pool(Executor loop, Executor resolver, PoolOptions options) {
  return std::make_unique<WorkerPool>(std::move(loop), std::move(resolver), std::move(options));
}

}  // namespace restante::worker
