// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"
#include "base/text.hpp"
#include "net/connector.hpp"
#include "net/race.hpp"
#include "worker/clean.hpp"
#include "worker/pool_state.hpp"

#include <utility>

namespace restante::worker {

namespace {

tl::unexpected<Error> not_its_own() {
  return fail(Reason::malformed, "it spoke of a transfer that it does not have");
}

Result<RunningPtr> find(const LanePtr& lane, std::uint32_t number) {
  const auto found = lane->transfers.find(number);
  if (found == lane->transfers.end()) return not_its_own();
  return found->second;
}

Result<AskingPtr> find_request(const LanePtr& lane, std::uint32_t number) {
  const auto found = lane->requests.find(number);
  if (found == lane->requests.end()) return not_its_own();
  return found->second;
}

Result<WorkPtr> find_any(const LanePtr& lane, std::uint32_t number) {
  const auto request = lane->requests.find(number);
  if (request != lane->requests.end()) return request->second;
  return find(lane, number);
}

/// Of one hop: a folder is listed in two ways at most, and a file is asked for again after a cut.
constexpr int most_data_connections = 16;

/// What is told without encryption is told at home: public addresses are left out.
Result<void> keep_home(std::vector<net::Endpoint>& to, const std::string& host) {
  std::erase_if(to, [](const net::Endpoint& one) {
    return net::judge(one.raw(), one.length, {}, net::Lan::refused).has_value();
  });
  if (to.empty())
    return fail(Reason::tls, host + " is not in a private network, and is spoken to over https only",
                "give its address with https://");
  return {};
}

}  // namespace

void PoolState::ready(const LanePtr& lane, const Ready& message) {
  std::string locks;
  for (const auto& lock : message.locks) locks += (locks.empty() ? "" : ", ") + clean(lock, 40);
  log::info("worker {} of account {} is ready; locks: {}", lane->process.pid(), lane->account.value, locks);
  lane->ready = true;
  pump(lane->account);
  if (lane->empty()) became_idle(lane);
}

Result<void> PoolState::take(const LanePtr&, Ready&) {
  return fail(Reason::malformed, "it said \"ready\" twice");
}

Result<void> PoolState::take(const LanePtr& lane, Resolve& message) {
  auto work = find_any(lane, message.transfer);
  if (!work) return fail(std::move(work.error()));
  auto judged = (*work)->may_resolve(message);
  if (!judged && judged.error().reason == Reason::malformed) return judged;
  std::optional<Error> refused;
  if (!judged) refused = std::move(judged.error());
  tasks.spawn(answer(shared_from_this(), lane, *work, message, std::move(refused)));
  return {};
}

Result<void> PoolState::take(const LanePtr& lane, Responded& message) {
  auto running = find(lane, message.transfer);
  if (!running) return fail(std::move(running.error()));
  if (auto judged = (*running)->claims->responded(); !judged) return judged;
  clean(message.facts);
  (*running)->facts = message.facts;
  if ((*running)->observer != nullptr) (*running)->observer->on_response(message.facts);
  return {};
}

Result<void> PoolState::take(const LanePtr& lane, Progress& message) {
  auto running = find(lane, message.transfer);
  if (!running) return fail(std::move(running.error()));
  auto& r = **running;
  if (auto told = r.tell_pieces(message.pieces); !told) return told;
  const auto now = Clock::now();
  if (r.file) {
    if (auto judged = r.claims->has(message.received_bytes, message.apart, r.file_bytes()); !judged)
      return judged;
    r.tell_apart(message.apart);
  }
  r.received_bytes = message.received_bytes;
  r.held_back = r.held_back || message.held_back;
  if (r.progress_at && now - *r.progress_at < options.progress_every) return {};
  r.progress_at = now;
  if (std::exchange(r.held_back, false) && r.observer != nullptr) r.observer->on_held_back();
  if (r.observer != nullptr) r.observer->on_progress(message.received_bytes, message.bytes_per_s);
  return {};
}

Result<void> PoolState::take(const LanePtr& lane, Renewed& message) {
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

Result<void> PoolState::take(const LanePtr& lane, Finished& message) {
  auto running = find(lane, message.transfer);
  if (!running) return fail(std::move(running.error()));
  auto& result = message.result;
  if ((*running)->file) {
    if (auto judged = (*running)->claims->has(result.received_bytes, result.apart, (*running)->file_bytes());
        !judged)
      return judged;
    (*running)->tell_apart(result.apart);
  }
  if (auto told = (*running)->tell_pieces(result.pieces); !told) return told;
  clean(result.facts);
  result.message = clean(result.message, 1000);
  result.digest_hex = from_hex(result.digest_hex) ? ascii_lower(result.digest_hex) : std::string();
  finish(lane, *running, std::move(result));
  return {};
}

Result<void> PoolState::take(const LanePtr& lane, Answered& message) {
  auto asking = find_request(lane, message.transfer);
  if (!asking) return fail(std::move(asking.error()));
  if (auto taken = (*asking)->take(message); !taken) return taken;
  finish(lane, *asking);
  return {};
}

Result<void> PoolState::take(const LanePtr& lane, Offered& message) {
  auto running = find(lane, message.transfer);
  if (!running) return fail(std::move(running.error()));
  if (!(*running)->browses) return fail(Reason::malformed, "it offers what nobody asked for");
  if (auto judged = (*running)->offered.take(message.offers); !judged) return judged;
  if ((*running)->offers != nullptr) (*running)->offers->on_offers(std::move(message.offers));
  return {};
}

Task<void> PoolState::answer(std::shared_ptr<PoolState> pool, LanePtr lane, WorkPtr work, Resolve asked,
                             std::optional<Error> refused) {
  net::AddressPolicy policy = pool->options.addresses;
  if (work->lan == net::Lan::allowed) policy.own = net::own_addresses();
  Resolved reply;
  reply.transfer = asked.transfer;
  reply.hop = asked.hop;
  reply.part = asked.part;
  reply.refused = std::move(refused);
  if (!reply.refused && work->takes_seats()) {
    const Seats::Who who{work->account, work->number, asked.part};
    const Seats::Place place{asked.host, asked.port};
    const bool seated = co_await pool->seats.take(who, place, pool->options.seat_patience);
    if (work->over()) pool->seats.leave(work->number);
    if (!seated) {
      reply.refused =
          fail(Reason::busy, "there are as many connections to " + asked.host + " as it may have").value();
      reply.refused->transient = true;
    }
  }
  if (!reply.refused) {
    auto found = co_await pool->resolver.resolve(asked.host, asked.port, policy, work->lan);
    if (found && work->stays_home()) {
      if (auto home = keep_home(*found, asked.host); !home) found = fail(std::move(home.error()));
    }
    if (found) {
      net::Permit permit;
      permit.to = std::move(*found);
      permit.policy = std::move(policy);
      permit.lan = work->lan;
      // Only what an order for such a server may ask for (worker/claims.hpp).
      if (asked.scheme == "ftp" || asked.scheme == "ftps") permit.data_connections = most_data_connections;
      if (permit.to.size() > 1) {
        auto ordered = co_await net::fastest_first(pool->loop, permit, pool->options.guard.sockets);
        permit.to = std::move(ordered);
      }
      for (const auto& endpoint : permit.to) reply.addresses.push_back(endpoint.numeric());
      if (!work->over()) lane->process.connector().permit(work->number, std::move(permit), asked.part);
    } else {
      reply.refused = std::move(found.error());
    }
  }
  work->resolved(asked.part);
  if (work->over()) co_return;
  ToWorker message = std::move(reply);
  if (auto sent = lane->process.send(message); !sent) lane->process.kill(sent.error().message);
}

}  // namespace restante::worker
