// SPDX-License-Identifier: Apache-2.0
#include "jobs/replay.hpp"

#include <algorithm>

namespace restante::jobs {
namespace {

constexpr Seconds longer_than_exp{86400};  ///< FORMATS.md §1.6

/// A document that cannot be read any more is not remembered: its owner was asked to send it once more.
Result<void> remember(Tx& tx, Replay replay, const std::string& stored, Instant now) {
  auto document = proxy::parse(stored);
  if (!document) return {};
  replay.until = remembered_until(document->exp);
  if (replay.until <= now) return {};
  return tx.repo<ReplayRecords>().save(replay);
}

}  // namespace

Instant remembered_until(std::int64_t exp) {
  return Instant(Seconds(exp)) + longer_than_exp;
}

Result<void> remember_ended(Tx& tx, const Job& job, const std::optional<Series>& series, Instant now) {
  Replay replay;
  replay.account = job.account;
  replay.state = job.state;
  replay.created = job.created;
  if (series) {
    replay.id = series->id;
    replay.rev = series->rev;
    replay.document_digest = series->document_digest;
    return remember(tx, replay, series->document, now);
  }
  // Of another occurrence the series is the memory.
  if (job.occurrence) return {};
  replay.id = job.id;
  replay.rev = job.rev;
  replay.document_digest = job.document_digest;
  return remember(tx, replay, job.document, now);
}

Result<void> remember_cancelled(Tx& tx, const Prepared& cancel, const Rules& rules, Instant now) {
  auto& records = tx.repo<ReplayRecords>();
  const Job& asked = cancel.job;
  auto known = records.find(asked.id);
  if (!known) return fail(std::move(known.error()));
  if (*known && ((*known)->account != asked.account || (*known)->state != State::cancelled)) return {};
  Replay replay;
  replay.id = asked.id;
  replay.account = asked.account;
  replay.rev = asked.rev;
  replay.document_digest = asked.document_digest;
  replay.created = now;
  replay.until = cancel.remembered_until;
  if (*known) {
    // The document that was cancelled stays the one that is known.
    replay = **known;
    replay.rev = std::max(replay.rev, asked.rev);
    replay.until = std::max(replay.until, cancel.remembered_until);
    return records.save(replay);
  }
  auto count = records.count_cancelled(asked.account, rules.early_cancels);
  if (!count) return fail(std::move(count.error()));
  if (*count >= rules.early_cancels)
    return fail(Reason::busy, "too many requests of this account were cancelled before they came",
                "cancel it when it is here");
  return records.save(replay);
}

Result<std::optional<Job>> recall(Tx& tx, const Job& asked) {
  auto known = tx.repo<ReplayRecords>().find(asked.id);
  if (!known) return fail(std::move(known.error()));
  if (!*known) return std::optional<Job>();
  const Replay& replay = **known;
  if (replay.account == asked.account && replay.document_digest == asked.document_digest) {
    Job job = asked;
    job.document.clear();
    job.secrets.clear();
    job.rev = replay.rev;
    job.state = replay.state;
    job.waiting_for = WaitingFor::nothing;
    job.next_run.reset();
    job.created = job.changed = replay.created;
    return std::optional<Job>(std::move(job));
  }
  if (replay.state == State::cancelled)
    return fail(Reason::conflict, "a request with this id was cancelled here", "send it as a new request",
                "/id");
  return fail(Reason::conflict, "another request with this id was here already", "give it a new id", "/id");
}

}  // namespace restante::jobs
