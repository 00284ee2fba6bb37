// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "worker/pool_state.hpp"

#include <algorithm>
#include <utility>

namespace restante::worker {

namespace {

void wipe_secrets(net::SmallRequest& request) {
  wipe(request.body);
  wipe(request.url);
  for (auto& [name, value] : request.headers) wipe(value);
}

}  // namespace

Result<AskingPtr> PoolState::enqueue(AccountId account, net::Lan lan, net::SmallRequest request) {
  if (stopping) return fail(Reason::cancelled, "the place is about to stop");
  auto url = net::check(request);
  if (!url) return fail(std::move(url.error()));
  const auto& limits = options.requests;
  const auto found = accounts.find(account);
  const std::size_t waiting = found == accounts.end() ? 0 : found->second.requests.size();
  if (waiting >= limits.waiting || requests_queued >= limits.waiting_in_all)
    return fail(Reason::busy, "too many requests wait to be made");
  auto asking = std::make_shared<Asking>(loop);
  asking->account = account;
  asking->lan = lan;
  asking->url = std::move(*url);
  asking->answer_bytes = request.answer_bytes;
  asking->request = std::move(request);
  asking->until = Clock::now() + limits.patience;
  accounts[account].requests.push_back(asking);
  ++requests_queued;
  pump(account);
  return asking;
}

void PoolState::assign(const LanePtr& lane, const AskingPtr& asking) {
  lane->idle.cancel();
  asking->lane = lane;
  asking->number = next_number++;
  asking->until = Clock::now() + asking->request.deadline + options.requests.late;
  lane->requests.emplace(asking->number, asking);
  Ask ask;
  ask.transfer = asking->number;
  ask.request = std::move(asking->request);
  ToWorker message = std::move(ask);
  auto sent = lane->process.send(message);
  wipe_secrets(std::get<Ask>(message).request);
  asking->changed.notify();
  if (sent) return;
  settle(asking, fail(std::move(sent.error())));
  finish(lane, asking);
}

void PoolState::settle(const AskingPtr& asking, Result<net::SmallAnswer> result) {
  if (!asking->result) asking->result.emplace(std::move(result));
  asking->changed.notify();
}

/// Its result is there.
void PoolState::finish(const LanePtr& lane, const AskingPtr& asking) {
  lane->process.connector().forget(asking->number);
  lane->requests.erase(asking->number);
  asking->changed.notify();
  if (lane->empty()) became_idle(lane);
  pump(lane->account);
}

/// The first time it is told to stop; when it does not, its worker goes.
void PoolState::give_up(const AskingPtr& asking, Error why) {
  if (asking->over()) return;
  const auto lane = asking->lane.lock();
  if (!lane) {
    auto& queue = accounts[asking->account].requests;
    const auto at = std::find(queue.begin(), queue.end(), asking);
    if (at != queue.end()) {
      queue.erase(at);
      --requests_queued;
      wipe_secrets(asking->request);
    }
    settle(asking, fail(std::move(why)));
    forget_if_empty(asking->account);
    return;
  }
  if (std::exchange(asking->stopping, true)) return lane->process.kill("it did not stop a request in time");
  asking->why = std::move(why);
  asking->until = Clock::now() + options.requests.answer_time;
  ToWorker message = Stop{asking->number};
  if (!lane->process.send(message)) lane->process.kill("it cannot be told to stop");
  asking->changed.notify();
}

void PoolState::forget(AccountId account) {
  const auto found = accounts.find(account);
  if (found == accounts.end()) return;
  std::vector<AskingPtr> all(found->second.requests.begin(), found->second.requests.end());
  if (found->second.lane)
    for (const auto& [number, asking] : found->second.lane->requests)
      if (!asking->stopping) all.push_back(asking);
  for (const auto& asking : all) give_up(asking, fail(Reason::cancelled, "the account is gone").value());
}

Task<void> PoolState::see_it_end(std::shared_ptr<PoolState> pool, AskingPtr asking) {
  while (!asking->over()) {
    const auto left = asking->until - Clock::now();
    if (left.count() > 0) {
      co_await asking->changed.wait_for(left);
      continue;
    }
    const bool waiting = asking->lane.expired();
    pool->give_up(asking, waiting
                              ? fail(Reason::busy, "no worker was free for the request in time").value()
                              : fail(Reason::timeout, asking->url.host + " did not answer in time").value());
    if (!waiting && !asking->over() && asking->until <= Clock::now()) co_await asking->changed.wait();
  }
}

}  // namespace restante::worker
