// SPDX-License-Identifier: Apache-2.0
#include "worker/pool.hpp"

#include "worker/pool_state.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace restante::worker {

using jobs::TransferResult;

namespace {

class WorkerPool final : public Pool {
public:
  WorkerPool(Executor loop, Executor resolver, PoolOptions options)
      : state_(std::make_shared<PoolState>(std::move(loop), std::move(resolver), std::move(options))) {}

  Task<TransferResult> run(jobs::TransferOrder order, jobs::TransferObserver& observer,
                           std::stop_token stop) override {
    auto running = std::make_shared<Running>(state_->loop);
    running->observer = &observer;
    return see_to(state_, std::move(running), std::move(order), std::move(stop));
  }

  void pace(AccountId account, const jobs::TransferObserver& observer,
            std::optional<std::uint64_t> bytes_per_s) override {
    state_->pace(account, observer, bytes_per_s);
  }

  Task<TransferResult> browse(jobs::TransferOrder order, jobs::OfferObserver& observer,
                              std::stop_token stop) override {
    auto running = std::make_shared<Running>(state_->loop);
    running->browses = true;
    running->offers = &observer;
    order.probe = true;
    order.out.reset();
    return see_to(state_, std::move(running), std::move(order), std::move(stop));
  }

  Task<Result<net::SmallAnswer>> request(AccountId account, net::Lan lan,
                                         net::SmallRequest request) override {
    auto pool = state_;
    auto asking = pool->enqueue(account, lan, std::move(request));
    if (!asking) co_return fail(std::move(asking.error()));
    const AskingPtr one = *asking;
    NotWaiting leaving(pool, one);
    co_await PoolState::see_it_end(pool, one);
    co_return std::move(*one->result);
  }

  void forget(AccountId account) override { state_->forget(account); }

  int workers() const override {
    return static_cast<int>(std::count_if(state_->accounts.begin(), state_->accounts.end(),
                                          [](const auto& item) { return item.second.lane != nullptr; }));
  }

  Task<void> stop() override {
    auto pool = state_;
    pool->stopping = true;
    std::vector<AccountId> asking;
    for (const auto& [id, account] : pool->accounts) asking.push_back(id);
    for (const AccountId id : asking) pool->forget(id);
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
  static Task<TransferResult> see_to(std::shared_ptr<PoolState> pool, RunningPtr running,
                                     jobs::TransferOrder order, std::stop_token stop) {
    if (pool->stopping || stop.stop_requested()) co_return stopped(order.offset);
    if (pool->queued >= pool->options.queued)
      co_return failed(Error{Reason::busy, "too many downloads wait for a worker", {}, {}, true},
                       order.offset);
    running->account = order.account;
    running->lan = order.allow_lan ? net::Lan::allowed : net::Lan::refused;
    running->what = "job " + order.job.text() + " file " + std::to_string(order.file);
    running->received_bytes = order.offset;
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

  /// Runs when `run` or `browse` is left, also by cancellation: nobody is observed or waited for any longer.
  class Leaving {
  public:
    Leaving(std::shared_ptr<PoolState> pool, RunningPtr running)
        : pool_(std::move(pool)), running_(std::move(running)) {}
    ~Leaving() {
      running_->observer = nullptr;
      running_->offers = nullptr;
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

  /// The same for `request`: nobody wants the answer any longer.
  class NotWaiting {
  public:
    NotWaiting(std::shared_ptr<PoolState> pool, AskingPtr asking)
        : pool_(std::move(pool)), asking_(std::move(asking)) {}
    ~NotWaiting() {
      if (asking_->over()) return;
      pool_->give_up(asking_, fail(Reason::cancelled, "the request is not wanted any longer").value());
      if (!asking_->over()) pool_->tasks.spawn(PoolState::see_it_end(pool_, asking_));
    }
    NotWaiting(const NotWaiting&) = delete;
    NotWaiting& operator=(const NotWaiting&) = delete;

  private:
    std::shared_ptr<PoolState> pool_;
    AskingPtr asking_;
  };

  std::shared_ptr<PoolState> state_;
};

}  // namespace

std::unique_ptr<Pool> make_pool(Executor loop, Executor resolver, PoolOptions options) {
  return std::make_unique<WorkerPool>(std::move(loop), std::move(resolver), std::move(options));
}

}  // namespace restante::worker
