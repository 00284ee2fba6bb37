// SPDX-License-Identifier: Apache-2.0
#include "worker/pool_state.hpp"

#include "base/log.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <fcntl.h>
#include <utility>

namespace restante::worker {

using jobs::TransferResult;

PoolState::PoolState(Executor on, Executor lookups, PoolOptions o)
    : loop(on),
      options(std::move(o)),
      resolver(on, std::move(lookups), {}, net::Resolver::system_lookup, options.guard.names),
      seats(on, options.connections_at),
      tasks(on, "workers"),
      changed(on) {
}

namespace {

struct Events final : WorkerEvents {
  Events(std::shared_ptr<PoolState> p, LanePtr l) : pool(std::move(p)), lane(std::move(l)) {}
  void on_ready(const Ready& ready) override { pool->ready(lane, ready); }
  std::size_t under_way() const override { return lane->transfers.size(); }
  Result<void> on_message(ToServer message) override {
    return std::visit([&](auto& one) { return pool->take(lane, one); }, message);
  }
  std::shared_ptr<PoolState> pool;
  LanePtr lane;
};

}  // namespace

// ---- queue and workers

void PoolState::enqueue(const RunningPtr& running) {
  accounts[running->account].queue.push_back(running);
  ++queued;
  pump(running->account);
}

bool PoolState::unqueue(const RunningPtr& running) {
  auto& queue = accounts[running->account].queue;
  const auto at = std::find(queue.begin(), queue.end(), running);
  if (at == queue.end()) return false;
  queue.erase(at);
  --queued;
  return true;
}

void PoolState::pump(AccountId id) {
  auto& account = accounts[id];
  if (account.lane) fill(account.lane);
  if ((!account.lane || account.lane->extra) && !account.queue.empty() && !account.in_line) {
    account.in_line = true;
    line.push_back(id);
  }
  if (!account.lane && !account.requests.empty() && !account.in_short_line) {
    account.in_short_line = true;
    short_line.push_back(id);
  }
  start_workers();
  start_extra_workers();
}

/// Gives the lane what its account has waiting. One that others wait for takes small requests while its
/// transfers last, and nothing else; an extra one takes nothing else at any time.
void PoolState::fill(const LanePtr& lane) {
  auto& account = accounts[lane->account];
  if (!lane->ready || lane->process.ending()) return;
  while (!account.queue.empty() && !lane->draining && !lane->extra &&
         lane->transfers.size() < options.transfers_per_worker) {
    const RunningPtr next = account.queue.front();
    account.queue.pop_front();
    --queued;
    assign(lane, next);
  }
  while (!account.requests.empty() && lane->requests.size() < options.requests.at_once &&
         (!lane->draining || !lane->transfers.empty())) {
    const AskingPtr next = account.requests.front();
    account.requests.pop_front();
    --requests_queued;
    assign(lane, next);
  }
}

void PoolState::start_workers() {
  while (!line.empty() && workers < options.max_workers) {
    const AccountId next = line.front();
    line.pop_front();
    auto& account = accounts[next];
    account.in_line = false;
    if (account.queue.empty()) {
      forget_if_empty(next);
    } else if (!account.lane) {
      start_worker(next, false);
    } else if (account.lane->extra && !account.lane->process.ending()) {
      account.lane->extra = account.lane->draining = false;
      account.lane->since = Clock::now();
      --extra_workers;
      ++workers;
      fill(account.lane);
    }
  }
  if (!line.empty()) make_room();
}

/// An account that only wants to tell something takes a place that nobody waits for, or an extra one.
void PoolState::start_extra_workers() {
  while (!short_line.empty()) {
    const bool free_place = line.empty() && workers < options.max_workers;
    if (!free_place && extra_workers >= options.requests.extra_workers) break;
    const AccountId next = short_line.front();
    short_line.pop_front();
    auto& account = accounts[next];
    account.in_short_line = false;
    if (account.requests.empty())
      forget_if_empty(next);
    else if (!account.lane)
      start_worker(next, !free_place);
  }
  if (short_line.empty()) return;
  for (auto& [id, account] : accounts) {
    const auto& lane = account.lane;
    if (!lane || !lane->extra || !lane->ready || lane->process.ending()) continue;
    lane->draining = true;  // others wait for its place
    if (lane->empty()) return lane->process.end();
  }
}

/// Somebody waits: an idle worker goes now, and the one with the longest turn gets nothing new.
void PoolState::make_room() {
  LanePtr longest;
  for (auto& [id, account] : accounts) {
    const auto& lane = account.lane;
    if (!lane || !lane->ready || lane->extra) continue;
    if (lane->process.ending() || lane->draining) return;  // room is being made
    if (lane->empty()) return lane->process.end();
    const bool turn_over = lane->transfers.empty() || Clock::now() - lane->since > options.turn;
    if (turn_over && (!longest || lane->since < longest->since)) longest = lane;
  }
  if (longest) longest->draining = true;
}

void PoolState::start_worker(AccountId id, bool extra) {
  auto spawned = spawn_worker(options.program,
                              {options.ca_bundle, options.http2, std::to_string(options.transfers_per_worker),
                               std::to_string(options.transfers_per_origin)});
  if (!spawned) {
    log::error("{}", spawned.error().message);
    fail_queue(id, spawned.error().message);
    return;
  }
  ProcessLimits limits;
  limits.start_time = options.start_time;
  auto lane = std::make_shared<Lane>(loop, id, std::move(*spawned), limits, options.guard.sockets);
  lane->extra = extra;
  accounts[id].lane = lane;
  ++(extra ? extra_workers : workers);
  tasks.spawn(serve(shared_from_this(), lane));
}

void PoolState::fail_queue(AccountId id, const std::string& why) {
  auto queue = std::exchange(accounts[id].queue, {});
  queued -= queue.size();
  for (const auto& running : queue)
    settle(running, running->dead("the program that fetches could not be started: " + why));
  auto requests = std::exchange(accounts[id].requests, {});
  requests_queued -= requests.size();
  for (const auto& asking : requests)
    settle(asking, fail(Reason::worker_died, "the program that fetches could not be started: " + why));
  forget_if_empty(id);
}

void PoolState::forget_if_empty(AccountId id) {
  const auto at = accounts.find(id);
  if (at == accounts.end()) return;
  const Account& account = at->second;
  const bool waits = account.in_line || account.in_short_line;
  if (account.queue.empty() && account.requests.empty() && !account.lane && !waits) accounts.erase(at);
}

void PoolState::assign(const LanePtr& lane, const RunningPtr& running) {
  lane->idle.cancel();
  running->lane = lane;
  running->number = next_number++;
  jobs::TransferOrder order = std::move(running->order);
  UniqueFd out = std::move(order.out);
  if (out) running->file.reset(::fcntl(out.get(), F_DUPFD_CLOEXEC, 3));
  running->claims.emplace(order, options.claims, running->file_bytes());
  if (lane->transfers.empty()) watch_files(lane);
  lane->transfers.emplace(running->number, running);
  ToWorker message;
  if (running->browses)
    message = Browse{running->number, std::move(order)};
  else
    message = Start{running->number, std::move(order)};
  if (auto sent = lane->process.send(message, std::move(out)); !sent)
    finish(lane, running, failed(sent.error(), running->received_bytes));
}

/// Sees that nobody writes far behind the room that the place has for it (DESIGN.md §11: harmless to
/// everyone else): an honest worker ends there by itself.
void PoolState::watch_files(const LanePtr& lane) {
  lane->watch.expires_after(options.watch_every);
  lane->watch.async_wait([this, weak = std::weak_ptr(lane)](boost::system::error_code error) {
    const auto live = weak.lock();
    if (error || !live || live->transfers.empty()) return;
    for (const auto& [number, running] : live->transfers)
      if (running->overdrawn()) return live->process.kill("it wrote more than there is room for");
    watch_files(live);
  });
}

void PoolState::pace(AccountId id, const jobs::TransferObserver& observer,
                     std::optional<std::uint64_t> bytes_per_s) {
  const auto at = accounts.find(id);
  if (at == accounts.end()) return;
  for (const auto& running : at->second.queue)
    if (running->observer == &observer) running->order.rate_bytes_per_s = bytes_per_s;
  const auto& lane = at->second.lane;
  if (!lane) return;
  for (const auto& [number, running] : lane->transfers) {
    if (running->observer != &observer || running->over()) continue;
    ToWorker message = Pace{number, bytes_per_s};
    if (auto sent = lane->process.send(message); !sent) lane->process.kill(sent.error().message);
    return;
  }
}

void PoolState::settle(const RunningPtr& running, TransferResult result) {
  if (running->result) return;
  running->result.emplace(std::move(result));
  running->observer = nullptr;
  running->offers = nullptr;
  running->changed.notify();
  changed.notify();
}

void PoolState::finish(const LanePtr& lane, const RunningPtr& running, TransferResult result) {
  seats.leave(running->number);
  lane->process.connector().forget(running->number);
  lane->transfers.erase(running->number);
  settle(running, std::move(result));
  if (lane->empty()) became_idle(lane);
  pump(lane->account);
}

void PoolState::became_idle(const LanePtr& lane) {
  if (lane->draining) return lane->process.end();
  lane->idle.expires_after(options.idle);
  lane->idle.async_wait([weak = std::weak_ptr(lane)](boost::system::error_code error) {
    const auto live = weak.lock();
    if (!error && live && live->empty()) live->process.end();
  });
}

Task<void> PoolState::serve(std::shared_ptr<PoolState> pool, LanePtr lane) {
  Events events(pool, lane);
  const auto end = co_await lane->process.run(events);
  pool->ended(lane, end);
}

void PoolState::ended(const LanePtr& lane, const Process::End& end) {
  lane->idle.cancel();
  lane->watch.cancel();
  if (!end.expected)
    log::warn("worker {} of account {} ended: {}", lane->process.pid(), lane->account.value, end.how);
  const auto transfers = std::exchange(lane->transfers, {});
  for (const auto& [number, running] : transfers) {
    if (!running->stopping && !end.expected) log::warn("{}: its worker died", running->what);
    seats.leave(number);
    settle(running, running->dead("the process that fetched it ended: " + end.how));
  }
  const auto requests = std::exchange(lane->requests, {});
  for (const auto& [number, asking] : requests) {
    Error died = fail(Reason::worker_died, "the process that made the request ended: " + end.how).value();
    settle(asking, fail(asking->why ? *asking->why : std::move(died)));
  }
  --(lane->extra ? extra_workers : workers);
  accounts[lane->account].lane.reset();
  changed.notify();
  if (!lane->ready && !end.expected) fail_queue(lane->account, end.how);
  if (!stopping) pump(lane->account);
  forget_if_empty(lane->account);
}

// ---- stopping

void PoolState::ask_to_stop(const RunningPtr& running) {
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
Task<void> PoolState::see_it_stop(std::shared_ptr<PoolState> pool, RunningPtr running) {
  const auto until = Clock::now() + pool->options.stop_time;
  while (!running->result) {
    const auto left = until - Clock::now();
    if (left.count() > 0 && co_await running->changed.wait_for(left)) continue;
    if (const auto lane = running->lane.lock()) lane->process.kill("it did not stop a transfer in time");
    while (!running->result) co_await running->changed.wait();
  }
}

}  // namespace restante::worker
