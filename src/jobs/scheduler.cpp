// SPDX-License-Identifier: Apache-2.0
#include "jobs/scheduler.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "proxy/url.hpp"

#include <algorithm>
#include <utility>

namespace restante::jobs {
namespace {

/// How many are told in one transaction that they wait for their turn.
constexpr std::size_t told_at_once = 256;
/// Whoever gets its turn within this time is not told before that it waits: a row each would cost more than
/// the waiting.
constexpr Millis told_after{1000};

/// After the store refused (full disk, too much to do).
constexpr Millis store_asked_again{5000};

bool to_come(const Job& job) {
  return job.state == State::scheduled || job.state == State::waiting;
}

/// The store may take it later; what else it says of a job will not change.
bool may_pass(const Error& refused) {
  return refused.reason == Reason::storage || refused.reason == Reason::disk_full ||
         refused.reason == Reason::busy;
}

bool waits_for_room(const Job& job) {
  const bool off = job.waiting_for == WaitingFor::retry || job.waiting_for == WaitingFor::quota;
  return job.state == State::waiting && off &&
         (job.reason == Reason::disk_full || job.reason == Reason::quota);
}

/// The origin that its next transfer goes to; jobs without one have a turn of their own kind.
std::string origin_to_ask(const proxy::Document& document) {
  if (document.files.empty() || document.files.front().sources.empty()) return {};
  const proxy::File& file = document.files.front();
  const auto order = source_order(file);
  return proxy::origin_of(file.sources[static_cast<std::size_t>(order.front())].url).value_or("");
}

/// What the operator says of the server.
std::optional<int> connections_to(const RateRules& rules, const std::string& origin) {
  if (rules.servers.empty()) return std::nullopt;
  const auto parts = proxy::split_url(origin);
  const auto rule = parts ? rule_for(rules, ascii_lower(parts->host)) : std::nullopt;
  return rule ? rules.servers[static_cast<std::size_t>(*rule)].connections : std::nullopt;
}

}  // namespace

Scheduler::Scheduler(Context& context, Ledger& ledger, Runner& runner, const Rests& rests,
                     std::unique_ptr<WallTimer> timer)
    : context_(context),
      ledger_(ledger),
      runner_(runner),
      timer_(std::move(timer)),
      tasks_(context.loop, "scheduler"),
      turns_(TurnLimits{context.limits.running_at_once, context.limits.running_per_account,
                        context.limits.running_per_origin,
                        [&rules = context.limits.rates](const std::string& origin) {
                          return connections_to(rules, origin);
                        }}),
      rests_(rests) {
  runner_.on_asks = [this](JobId id, const std::string& origin) {
    const auto seat = seated_.find(id);
    if (seat == seated_.end() || seat->second == origin) return;
    turns_.move(std::exchange(seat->second, origin), origin);
    timer_->poke();
  };
  runner_.on_received = [this](JobId id) {
    const auto seat = seated_.find(id);
    if (seat == seated_.end()) return;
    turns_.leave_origin(seat->second);
    seated_.erase(seat);
    timer_->poke();
  };
}

Task<Result<void>> Scheduler::start() {
  started_ = context_.clock.now();
  auto filled = co_await refill(true);
  if (filled) tasks_.spawn(loop());
  co_return filled;
}

Task<void> Scheduler::stop() {
  co_await tasks_.stop();
}

void Scheduler::plan(const Job& job) {
  if (!to_come(job) || !job.next_run) return;
  if (*job.next_run >= horizon_ && *job.next_run > context_.clock.now()) return;
  push(Entry{*job.next_run, job.account, job.id});
  timer_->poke();
}

void Scheduler::push(Entry entry) {
  if (heap_.size() + turns_.waiting() >= context_.limits.planned_in_memory) {
    more_in_store_ = true;
    return;
  }
  heap_.push(entry);
}

Task<Result<void>> Scheduler::refill(bool everything) {
  const Instant from = everything ? Instant::min() : horizon_;
  const Instant horizon = context_.clock.now() + context_.limits.horizon;
  const std::size_t limit = context_.limits.planned_in_memory;
  std::function<Result<std::vector<JobRecords::Due>>(Tx&)> work = [&](Tx& tx) {
    return tx.repo<JobRecords>().due_before(horizon, limit);
  };
  auto due = co_await context_.database.read_value<std::vector<JobRecords::Due>>(std::move(work));
  if (!due) co_return fail(std::move(due.error()));
  more_in_store_ = due->size() >= limit;
  horizon_ = horizon;
  for (const auto& one : *due)
    if (one.at >= from) push(Entry{one.at, one.account, one.id});
  co_return Result<void>();
}

Task<void> Scheduler::loop() {
  for (;;) {
    const Instant now = context_.clock.now();
    const bool emptied = more_in_store_ && heap_.empty() && turns_.waiting() == 0;
    if (emptied || now >= horizon_) {
      auto filled = co_await refill(emptied);
      if (!filled) {
        log::error("scheduler: {}", filled.error().message);
        co_await sleep_for(std::chrono::seconds(1));
        continue;
      }
    }
    take_due(context_.clock.now());
    give_turns();
    auto some = to_be_told();
    if (!some.empty()) {
      const JobEvent waits = event::Due{false, started_};
      const auto all = co_await ledger_.apply_all(std::move(some), waits);
      if (!all) continue;
      for (const Applied& one : *all) co_await told(one);
      continue;
    }
    Instant next = heap_.empty() ? horizon_ : std::min(heap_.top().at, horizon_);
    if (!passed_over_.empty()) next = std::min(next, passed_over_.front().due + told_after);
    co_await timer_->wait_until(next);
  }
}

void Scheduler::take_due(Instant now) {
  while (!heap_.empty() && heap_.top().at <= now) {
    const Entry entry = heap_.top();
    heap_.pop();
    if (runner_.runs(entry.id)) {
      tasks_.spawn(alarm(entry.id, entry.at));
      continue;
    }
    turns_.add(entry.account, entry.id);
    if (untold_.insert(entry.id).second) passed_over_.push_back(PassedOver{now, entry.id});
  }
}

std::vector<JobId> Scheduler::to_be_told() {
  std::vector<JobId> out;
  const Instant now = context_.clock.now();
  while (!passed_over_.empty() && out.size() < told_at_once) {
    const PassedOver& first = passed_over_.front();
    if (untold_.contains(first.id)) {
      if (first.due + told_after > now && first.due <= now) break;
      out.push_back(first.id);
      untold_.erase(first.id);
    }
    passed_over_.pop_front();
  }
  return out;
}

void Scheduler::give_turns() {
  while (const auto who = turns_.draw()) tasks_.spawn(begin(*who));
}

Task<void> Scheduler::begin(Turns::Candidate who) {
  // What was set aside has been looked at; whether it still may run is decided with its turn.
  const bool looked_at = !who.origin.empty() && !runner_.runs(who.job);
  if (looked_at && !rests_.until(who.origin, context_.clock.now())) {
    co_await take_turn(who, who.origin);
    co_return;
  }
  auto job = co_await ledger_.find(who.job);
  if (!job && job.error().reason != Reason::not_found) {
    log::error("job {}: {}", who.job.text(), job.error().message);
    again_soon(who.account, who.job);
  }
  if (job && is_damaged(*job)) {
    const JobEvent waits = event::Due{false, started_};
    co_await ledger_.apply(who.job, std::nullopt, waits);
    turns_.decline(who);
    timer_->poke();
    co_return;
  }
  const bool wanted = job && to_come(*job) && job->next_run && !runner_.runs(who.job);
  const bool due = wanted && (job->waiting_for == WaitingFor::slot || *job->next_run <= context_.clock.now());
  if (!due) {
    turns_.decline(who);
    if (wanted) plan(*job);
    timer_->poke();
    co_return;
  }
  auto document = proxy::parse(job->document);
  if (document && waits_for_room(*job)) {
    const auto hours = hours_of(document->when, context_.limits.time_zone);
    const Instant now = context_.clock.now();
    const bool expires = overdue(hours, now) && hours.late == proxy::Late::stop;
    const bool room = expires || co_await runner_.has_room(*job);
    if (!room) {
      // Nothing of it changes, so nothing is written.
      const Instant again = now + context_.limits.room_asked_again;
      turns_.decline(who);
      push(Entry{hours.by && *hours.by > now ? std::min(*hours.by, again) : again, who.account, who.job});
      timer_->poke();
      co_return;
    }
  }
  const std::string origin = document ? origin_to_ask(*document) : std::string();
  if (const auto until = rests_.until(origin, context_.clock.now())) {
    turns_.decline(who);
    const JobEvent rests = event::Due{false, started_, until};
    auto applied = co_await ledger_.apply(who.job, std::nullopt, rests);
    if (applied) {
      plan(applied->job);
      co_await told(*applied);
    } else {
      again_soon(who.account, who.job);
    }
    timer_->poke();
    co_return;
  }
  if (!turns_.seat(who, origin)) {  // set aside; it is told when it has waited for a while
    timer_->poke();
    co_return;
  }
  co_await take_turn(std::move(who), origin);
}

Task<void> Scheduler::take_turn(Turns::Candidate who, std::string origin) {
  untold_.erase(who.job);
  const JobEvent runs = event::Due{true, started_};
  auto applied = co_await ledger_.apply(who.job, std::nullopt, runs, std::nullopt, Database::Commit::shared);
  const bool gone = !applied && applied.error().reason == Reason::not_found;
  if (!applied && !gone) log::error("job {}: {}", who.job.text(), applied.error().message);
  if (applied && applied->step.changed && applied->job.state == State::running) {
    set_alarm(applied->job);
    co_await run_and_leave(who, std::move(*applied), origin);
    co_return;
  }
  turns_.leave(who, origin);
  if (applied) {
    plan(applied->job);
    co_await told(*applied);
  } else if (may_pass(applied.error())) {
    again_soon(who.account, who.job);
  }
  timer_->poke();
}

/// What a decision about a job that does not run asks for.
Task<void> Scheduler::told(const Applied& applied) {
  if (applied.step.look_again) push(Entry{*applied.step.look_again, applied.job.account, applied.job.id});
  if (applied.step.discard_partials) co_await runner_.discard(applied.job.account, applied.job.id);
}

/// The store did not answer: it is asked again, rather than leaving the job behind.
void Scheduler::again_soon(AccountId account, JobId id) {
  push(Entry{context_.clock.now() + store_asked_again, account, id});
}

Task<void> Scheduler::run_and_leave(Turns::Candidate who, Applied runs, std::string origin) {
  seated_[who.job] = origin;
  const auto ended = co_await runner_.run(std::move(runs.job), std::move(runs.files));
  if (const auto seat = seated_.find(who.job); seat != seated_.end()) {
    turns_.leave(who, seat->second);
    seated_.erase(seat);
  } else {
    turns_.leave(who);
  }
  timer_->poke();
  if (ended == Runner::Ended::done) co_return;
  auto after = co_await ledger_.find(who.job);
  if (after)
    plan(*after);
  else if (after.error().reason != Reason::not_found)
    again_soon(who.account, who.job);
}

void Scheduler::set_alarm(const Job& job) {
  auto document = proxy::parse(job.document);
  if (!document) return;
  const auto at = next_alarm(hours_of(document->when, context_.limits.time_zone), context_.clock.now());
  if (at) push(Entry{*at, job.account, job.id});
}

Task<void> Scheduler::alarm(JobId id, Instant at) {
  const JobEvent rings = event::Alarm{at};
  auto applied = co_await ledger_.apply(id, std::nullopt, rings);
  if (!applied) co_return;
  if (applied->step.stop_transfers) runner_.stop(id, applied->step.discard_partials);
  if (applied->job.state == State::running || applied->job.state == State::verifying) set_alarm(applied->job);
  timer_->poke();
}

}  // namespace restante::jobs
