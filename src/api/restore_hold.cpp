// SPDX-License-Identifier: Apache-2.0
#include "api/backup.hpp"
#include "jobs/records.hpp"

#include <limits>
#include <set>

namespace restante::api {

namespace {

Result<void> hold(jobs::JobRecords& records, JobId id, Instant now) {
  auto found = records.find(id);
  if (!found) return fail(found.error());
  if (!*found) return {};
  jobs::Job job = **found;
  jobs::HistoryRow row;
  row.job = id;
  row.account = job.account;
  row.at = now;
  row.from = job.state;
  row.to = jobs::State::held;
  row.cause = "restore";
  row.reason = Reason::approval;
  job.state = jobs::State::held;
  job.waiting_for = jobs::WaitingFor::nothing;
  job.reason = Reason::approval;
  job.message = "the place was restored from a backup, and this may have run since: resume it, or cancel it";
  job.next_run.reset();
  job.changed = now;
  if (auto done = records.update(job); !done) return done;
  auto sequence = records.append_history(row);
  if (!sequence) return fail(sequence.error());
  return {};
}

}  // namespace

Result<int> hold_after_restore(Tx& tx, Instant now) {
  auto& records = tx.repo<jobs::JobRecords>();
  std::set<JobId> ids;
  auto due = records.due_before(now, std::numeric_limits<std::int32_t>::max());
  if (!due) return fail(due.error());
  for (const auto& one : *due) ids.insert(one.id);
  auto interrupted = records.interrupted();
  if (!interrupted) return fail(interrupted.error());
  ids.insert(interrupted->begin(), interrupted->end());
  for (const auto& id : ids)
    if (auto done = hold(records, id, now); !done) return fail(done.error());
  return static_cast<int>(ids.size());
}

}  // namespace restante::api
