// SPDX-License-Identifier: Apache-2.0
#include "api/erasure.hpp"

#include "accounts/stays.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <memory>

namespace restante::api {

namespace {

constexpr int cancelled_at_once = 256;      ///< they share commits
constexpr Millis look_every{1000};          ///< whether a stay changed
constexpr Seconds look_again_at_least{60};  ///< clocks jump
constexpr Millis try_again{30000};          ///< after a failure

/// One round of cancellations.
struct Round {
  explicit Round(Executor loop) : over(std::move(loop)) {}
  std::size_t left = 0;
  Result<void> outcome;
  Signal over;
};

Task<void> cancel_one(jobs::Service& service, AccountId account, JobId id, std::shared_ptr<Round> round) {
  auto done = co_await service.act(account, id, jobs::Action::cancel);
  const bool ended_already =
      !done && (done.error().reason == Reason::not_found || done.error().reason == Reason::conflict);
  if (!done && !ended_already) round->outcome = fail(done.error());
  if (--round->left == 0) round->over.notify();
}

/// Cancels what has not ended, page after page. Nothing new begins meanwhile: nobody gets in as the user.
Task<Result<void>> end_jobs(Administration& parts, AccountId account) {
  using enum jobs::State;
  const Executor loop = co_await asio::this_coro::executor;
  TaskGroup group(loop, "erasure");
  jobs::JobFilter unended;
  unended.states = {scheduled, waiting, running, verifying, publishing, paused, held};
  unended.limit = cancelled_at_once;
  Result<void> outcome;
  while (outcome) {
    auto page = co_await parts.jobs->list(account, unended);
    if (!page) outcome = fail(page.error());
    if (!page || page->jobs.empty()) break;
    auto round = std::make_shared<Round>(loop);
    round->left = page->jobs.size();
    for (const auto& job : page->jobs) group.spawn(cancel_one(*parts.jobs, account, job.id, round));
    while (round->left > 0) co_await round->over.wait();
    outcome = round->outcome;
  }
  co_await group.stop();
  co_return outcome;
}

Task<Result<accounts::Account>> erase_marked(Administration& parts, accounts::Account account) {
  if (parts.jobs != nullptr) {
    auto ended = co_await end_jobs(parts, account.id);
    if (!ended) co_return fail(ended.error());
  }
  if (parts.end_telling) parts.end_telling(account.id);
  // A user's area may be a folder that other programs fill; a guest's is nobody else's.
  if (account.role == accounts::Role::guest) {
    auto erased = co_await parts.areas.erase_area(account.id);
    if (!erased) co_return fail(erased.error());
  }
  auto cleared = co_await parts.areas.remove_account(account.id);
  if (!cleared) co_return fail(cleared.error());
  auto removed = co_await parts.accounts.remove_user(account.name);
  if (!removed) co_return fail(removed.error());
  auto scrubbed = co_await parts.scrub_store();
  if (!scrubbed) co_return fail(scrubbed.error());
  co_return removed;
}

/// What is due at `now`, and when something is due next.
struct Due {
  std::vector<accounts::Account> to_tell, to_erase;
  Instant next = never;
};

Due due_at(Instant now, const std::vector<accounts::Account>& accounts, Seconds grace) {
  Due due;
  for (const auto& account : accounts) {
    switch (accounts::stay_at(account, now, grace)) {
      case accounts::Stay::unlimited:
        break;
      case accounts::Stay::coming:
      case accounts::Stay::here:
        due.next = std::min(due.next, accounts::stay_ends(account));
        break;
      case accounts::Stay::leaving:
        due.next = std::min(due.next, accounts::stay_erased(account, grace));
        if (!account.told_of_end) due.to_tell.push_back(account);
        break;
      case accounts::Stay::over:
        due.to_erase.push_back(account);
        break;
    }
  }
  return due;
}

/// True if all of it succeeded.
Task<bool> act_on(Administration& parts, Due due) {
  bool all = true;
  for (const auto& account : due.to_tell) {
    auto told = co_await parts.accounts.told_of_end(account.id, parts.tell_of_end(account));
    if (!told)
      log::error("{} cannot be told that the stay is over: {}", account.name,
                 info(told.error().reason).words);
    all = all && told.has_value();
  }
  for (const auto& account : due.to_erase) {
    auto erased = co_await erase_account(parts, account.name);
    if (erased)
      log::info("{} is erased: the stay and its grace are over", account.name);
    else if (erased.error().reason != Reason::busy && erased.error().reason != Reason::not_found)
      log::error("{} is not wholly erased yet: {}", account.name, info(erased.error().reason).words);
    all = all && erased.has_value();
  }
  co_return all;
}

}  // namespace

Task<Result<accounts::Account>> erase_account(Administration& parts, std::string name) {
  if (!parts.being_erased.insert(name).second)
    co_return fail(Reason::busy, name + " is being erased just now", "look again in a moment");
  auto marked = co_await parts.accounts.mark_for_erasure(name);
  Result<accounts::Account> erased;
  if (marked)
    erased = co_await erase_marked(parts, *marked);
  else
    erased = fail(marked.error());
  parts.being_erased.erase(name);
  co_return erased;
}

Task<void> keep_stays(Administration& parts, const Clock& clock) {
  const Executor loop = co_await asio::this_coro::executor;
  std::shared_ptr<const accounts::Snapshot> seen;
  Instant next{};
  bool well = false;  // what an erasure before the last stop left in the database's files goes first
  for (;;) {
    if (!well) {
      auto scrubbed = co_await parts.scrub_store();
      if (!scrubbed)
        log::error("what was erased may still lie in the database: {}", scrubbed.error().message);
      well = scrubbed.has_value();
    }
    auto snapshot = parts.accounts.snapshot();
    const Instant now = clock.now();
    if (snapshot != seen || now >= next) {
      seen = snapshot;
      Due due = due_at(now, snapshot->accounts(), parts.accounts.guest_limits().grace);
      const bool something = !due.to_tell.empty() || !due.to_erase.empty();
      next = std::min(due.next, now + look_again_at_least);
      if (something) {
        // As a task of its own, since what ends a group ignores from then on that it is cancelled.
        auto acting = act_on(parts, std::move(due));
        auto there = run_there(loop, std::move(acting));
        well = co_await std::move(there);
      }
    }
    const Millis pause = well ? look_every : try_again;
    co_await sleep_for(pause);
  }
}

}  // namespace restante::api
