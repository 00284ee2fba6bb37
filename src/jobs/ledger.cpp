// SPDX-License-Identifier: Apache-2.0
#include "jobs/ledger.hpp"

#include "base/log.hpp"
#include "jobs/events.hpp"
#include "jobs/file_step.hpp"
#include "jobs/series.hpp"

namespace restante::jobs {
namespace {

Result<void> write_files(JobRecords& records, JobId id, const Step& step,
                         const std::optional<FileRow>& file) {
  if (file) {
    if (auto saved = records.save_file(id, *file); !saved) return saved;
  }
  const bool thrown_away = step.discard_partials && step.to.state == State::failed;
  if (!step.reset_files && !thrown_away) return {};
  auto rows = records.files(id);
  if (!rows) return fail(std::move(rows.error()));
  for (FileRow& row : *rows) {
    if (!step.reset_files) {
      if (row.state == FileState::done) continue;
      row.checkpoint = Checkpoint{};
    } else if (step.discard_partials) {
      const int generation = row.generation + 1;
      const int index = row.index;
      row = FileRow{};
      row.index = index;
      row.generation = generation;
    } else if (row.state == FileState::failed) {
      row.state = FileState::pending;
      row.reason.reset();
    } else {
      continue;
    }
    if (auto saved = records.save_file(id, row); !saved) return saved;
  }
  return {};
}

/// Who is told of a step.
struct Told {
  Witness* witness = nullptr;
  bool amounts = false;
};

/// Writes job and history after a step, and what the witness makes of it.
Result<Applied> write_step(Tx& tx, Told told, Job job, Step step, proxy::Document* document, Instant now) {
  auto& records = tx.repo<JobRecords>();
  Applied out;
  const State from = job.state;
  apply(step.to, job);
  job.changed = now;
  if (ended(from) && !ended(job.state)) job.started.reset();
  if (job.state == State::running && !job.started) job.started = now;
  if (step.drop_hours && document) {
    document->when.start.reset();
    document->when.start_text.clear();
    document->when.windows.clear();
    job.start.reset();
    job.document = proxy::to_json(*document, proxy::Part::without_secrets);
    ++job.version;
    if (auto done = records.replace(job); !done) return fail(std::move(done.error()));
  }
  if (auto done = records.update(job); !done) return fail(std::move(done.error()));
  if (step.erase_secrets && !job.secrets.empty()) {
    if (auto done = records.erase_secrets(job.id); !done) return fail(std::move(done.error()));
    job.secrets.clear();
  }
  if (!step.cause.empty()) {
    HistoryRow row;
    row.job = job.id;
    row.account = job.account;
    row.at = now;
    row.from = from;
    row.to = job.state;
    row.cause = step.cause;
    row.reason = step.why;
    auto seq = records.append_history(row);
    if (!seq) return fail(std::move(seq.error()));
    row.seq = *seq;
    if (told.witness)
      if (auto done = told.witness->written(tx, job, row); !done) return fail(std::move(done.error()));
    out.rows.push_back(std::move(row));
  }
  if (told.amounts) {
    auto files = records.files(job.id);
    if (!files) return fail(std::move(files.error()));
    out.amounts = amounts_of(job, *files);
  }
  out.job = std::move(job);
  out.step = std::move(step);
  return out;
}

/// A job whose record is damaged ends as failed, with a row that says so, once.
Result<Applied> set_aside(Tx& tx, Told told, Job job, Instant now) {
  Step step;
  step.to = control_of(job);
  auto rows = tx.repo<JobRecords>().history(job.id);
  if (rows && !rows->empty() && rows->back().cause == "damaged") return Applied{std::move(job), step, {}};
  step.changed = true;
  step.cause = "damaged";
  step.why = Reason::storage;
  return write_step(tx, told, std::move(job), std::move(step), nullptr, now);
}

/// A download of one file without a title goes by the name of the file that is there now.
Result<void> name_after_file(JobRecords& records, Job& job, const Published& published) {
  const std::string name = published.name.substr(published.name.rfind('/') + 1);
  if (job.file_count != 1 || name.empty() || job.name == name) return {};
  auto document = proxy::parse(job.document);
  if (!document || !document->title.empty()) return {};
  job.name = name;
  return records.replace(job);
}

}  // namespace

bool is_damaged(const Job& found) {
  return found.document.empty();
}

Rules rules_of(const Context& context) {
  const ServiceLimits& limits = context.limits;
  return Rules{RetryRules{limits.first_retry, limits.longest_retry, limits.room_asked_again,
                          limits.longest_retry_after},
               limits.default_attempts,
               limits.time_zone,
               context.witness,
               false,
               &context.vault,
               limits.early_cancels};
}

Terms terms_of(const proxy::Document& document, const Rules& rules) {
  return Terms{hours_of(document.when, rules.zone), rules.retry,
               document.limits.attempts.value_or(rules.default_attempts)};
}

Result<Applied> apply_in(Tx& tx, JobId id, std::optional<AccountId> owner, const JobEvent& what,
                         const std::optional<FileRow>& file, const Rules& rules, Instant now) {
  auto& records = tx.repo<JobRecords>();
  auto found = records.find(id);
  if (!found) return fail(std::move(found.error()));
  if (!*found || (owner && (*found)->account != *owner)) return fail(Reason::not_found, "job " + id.text());
  if (is_damaged(**found)) {
    auto aside = set_aside(tx, Told{rules.witness, rules.amounts}, std::move(**found), now);
    if (!aside) return aside;
    // It may be an occurrence; those that follow are sound.
    auto made = carry_on(tx, *aside, what, rules, now);
    if (!made) return fail(std::move(made.error()));
    aside->next = std::move(*made);
    return aside;
  }
  auto document = proxy::parse((*found)->document);
  if (!document) return fail(std::move(document.error()));
  Step next = step(control_of(**found), what, terms_of(*document, rules), now);
  if (next.forbidden) return fail(Reason::conflict, next.cause);
  // What a round left behind no longer counts for a job that was changed meanwhile.
  const bool outdated = std::holds_alternative<event::RoundEnded>(what) && !next.changed;
  if (!outdated)
    if (auto written = write_files(records, id, next, file); !written)
      return fail(std::move(written.error()));
  if (!next.changed) return Applied{std::move(**found), std::move(next), {}};
  auto applied = write_step(tx, Told{rules.witness, rules.amounts}, std::move(**found), std::move(next),
                            &*document, now);
  if (applied && applied->job.state == State::running && std::holds_alternative<event::Due>(what))
    if (auto files = records.files(id)) applied->files = std::move(*files);
  if (!applied || !applied->job.occurrence) return applied;
  auto made = carry_on(tx, *applied, what, rules, now);
  if (!made) return fail(std::move(made.error()));
  applied->next = std::move(*made);
  return applied;
}

Rules Ledger::rules() const {
  Rules rules = rules_of(context_);
  rules.amounts = events_.watched();
  return rules;
}

Task<Result<Applied>> Ledger::apply(JobId id, std::optional<AccountId> owner, JobEvent what,
                                    std::optional<FileRow> file, Database::Commit commit) {
  const Rules rules = this->rules();
  const Instant now = context_.clock.now();
  std::function<Result<Applied>(Tx&)> work = [&](Tx& tx) {
    return apply_in(tx, id, owner, what, file, rules, now);
  };
  auto applied = co_await context_.database.write_value<Applied>(std::move(work), commit);
  if (applied) tell(*applied);
  co_return applied;
}

Task<Result<std::vector<Applied>>> Ledger::apply_all(std::vector<JobId> ids, JobEvent what) {
  const Rules rules = this->rules();
  const Instant now = context_.clock.now();
  std::vector<Applied> all;
  Database::Work work = [&](Tx& tx) -> Result<void> {
    all.clear();
    for (const JobId id : ids) {
      auto applied = apply_in(tx, id, std::nullopt, what, std::nullopt, rules, now);
      if (applied)
        all.push_back(std::move(*applied));
      else if (applied.error().reason == Reason::storage || applied.error().reason == Reason::disk_full)
        return fail(std::move(applied.error()));
      else
        log::warn("job {}: {}", id.text(), applied.error().message);
    }
    return {};
  };
  auto done = co_await context_.database.write(std::move(work));
  if (!done) {
    log::error("jobs: {}", done.error().message);
    co_return fail(std::move(done.error()));
  }
  for (const Applied& applied : all) tell(applied);
  co_return all;
}

Task<Result<void>> Ledger::save_file(JobId id, FileRow file) {
  Database::Work work = [&](Tx& tx) { return tx.repo<JobRecords>().save_file(id, file); };
  co_return co_await context_.database.write(std::move(work), Database::Commit::shared);
}

Task<Result<void>> Ledger::save_file(JobId id, FileRow file, PieceReport pieces) {
  Database::Work work = [&](Tx& tx) -> Result<void> {
    auto& records = tx.repo<JobRecords>();
    if (auto saved = records.save_file(id, file); !saved) return saved;
    return records.save_pieces(id, file.index, file.generation, pieces);
  };
  co_return co_await context_.database.write(std::move(work), Database::Commit::shared);
}

Task<Result<Pieces>> Ledger::pieces(JobId id, int file, int generation) {
  std::function<Result<Pieces>(Tx&)> work = [=](Tx& tx) {
    return tx.repo<JobRecords>().pieces(id, file, generation);
  };
  co_return co_await context_.database.read_value<Pieces>(std::move(work));
}

Task<void> Ledger::erase_pieces(JobId id, int file, int generation) {
  Database::Work work = [=](Tx& tx) { return tx.repo<JobRecords>().erase_pieces(id, file, generation); };
  auto done = co_await context_.database.write(std::move(work));
  if (!done) log::warn("job {}: {}", id.text(), done.error().message);
}

Task<Result<Job>> Ledger::find(JobId id) {
  std::function<Result<Job>(Tx&)> work = [&](Tx& tx) -> Result<Job> {
    auto found = tx.repo<JobRecords>().find(id);
    if (!found) return fail(std::move(found.error()));
    if (!*found) return fail(Reason::not_found, "job " + id.text());
    return std::move(**found);
  };
  co_return co_await context_.database.read_value<Job>(std::move(work));
}

PublishCommit Ledger::publish_commit(std::shared_ptr<std::vector<Applied>> told) {
  return [told, clock = &context_.clock, tells = Told{context_.witness, events_.watched()}](
             Tx& tx, const Publication& what, const Published& published) -> Result<void> {
    auto& records = tx.repo<JobRecords>();
    auto found = records.find(what.job);
    if (!found) return fail(std::move(found.error()));
    // The record was erased meanwhile: the file stays, there is nobody to tell.
    if (!*found) return {};
    Job& job = **found;
    auto rows = records.files(what.job);
    if (!rows) return fail(std::move(rows.error()));
    FileRow row;
    row.index = what.file;
    event::FilePublished news{what.file, false, !what.verified};
    int done = 1;
    for (FileRow& other : *rows) {
      if (other.index == what.file) {
        row = std::move(other);
      } else if (other.state == FileState::done) {
        ++done;
        news.unverified = news.unverified || !other.verified;
      }
    }
    news.all = done == job.file_count;
    row.state = FileState::done;
    row.reason.reset();
    row.name = published.name;
    row.media_type = what.media_type;
    row.size_bytes = published.size_bytes;
    row.generation = what.generation;
    row.checkpoint = Checkpoint{};
    row.checkpoint.written_bytes = row.checkpoint.synced_bytes = published.size_bytes;
    if (!what.sha256.empty()) row.sha256 = what.sha256;
    row.verified = what.verified;
    row.published = published.id;
    row.old.reset();
    if (auto saved = records.save_file(what.job, row); !saved) return saved;
    if (auto gone = records.erase_pieces(what.job, what.file, std::nullopt); !gone) return gone;
    const Terms none;
    const Instant now = clock->now();
    Step next = step(control_of(job), news, none, now);
    if (!next.changed) return {};
    if (auto named = name_after_file(records, job, published); !named) return named;
    auto written = write_step(tx, tells, std::move(job), std::move(next), nullptr, now);
    if (!written) return fail(std::move(written.error()));
    if (told) told->push_back(std::move(*written));
    return {};
  };
}

void Ledger::tell(const Applied& applied) {
  for (const HistoryRow& row : applied.rows) {
    events_.changed(applied.job, row, applied.amounts);
    if (context_.witness) context_.witness->told(applied.job, row);
  }
  if (!applied.next) return;
  events_.accepted(*applied.next);
  if (on_made) on_made(*applied.next);
}

}  // namespace restante::jobs
