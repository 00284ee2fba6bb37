// SPDX-License-Identifier: Apache-2.0
#include "jobs/runner.hpp"

#include "base/log.hpp"
#include "jobs/edit.hpp"
#include "jobs/resume.hpp"
#include "jobs/run.hpp"

#include <algorithm>
#include <chrono>
#include <exception>

namespace restante::jobs {
Runner::Runner(Context& context, Ledger& ledger, Events& events)
    : context_(context),
      ledger_(ledger),
      events_(events),
      rates_(context.limits.rates_of_jobs, context.limits.samples_of_job),
      pacing_(context.limits.rates, context.limits.time_zone,
              [&context](AccountId account) { return context.accounts.rate_of(account); }),
      tasks_(context.loop, "runner"),
      ended_(context.loop) {
  pacing_.on_pace = [this](JobId id, std::optional<std::uint64_t> bytes_per_s) {
    tell_pace(id, bytes_per_s);
  };
}

Runner::~Runner() = default;

std::optional<Live> Runner::live(JobId id) const {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return std::nullopt;
  Live live = found->second->live;
  live.received_bytes += found->second->done_bytes;
  return live;
}

std::optional<ResponseFacts> Runner::facts(JobId id) const {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return std::nullopt;
  return found->second->facts;
}

void Runner::stop(JobId id, bool discard) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;
  const auto run = found->second;
  run->discard = run->discard || discard;
  run->stop.request_stop();
}

void Runner::relink(JobId id) {
  const auto found = runs_.find(id);
  if (found != runs_.end()) jobs::relink(found->second->row);
}

void Runner::set_rate(JobId id, std::optional<std::uint64_t> bytes_per_s) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;
  found->second->own_rate = bytes_per_s;
  pacing_.change(id, bytes_per_s, pacing_now());
}

void Runner::tell_pace(JobId id, std::optional<std::uint64_t> bytes_per_s) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;
  const Run& run = *found->second;
  context_.transfers.pace(run.job.account, run, bytes_per_s);
}

Pacing::Now Runner::pacing_now() const {
  return {Steady::now(), context_.clock.now()};
}

Task<bool> Runner::stop_all(Millis limit) {
  stopping_ = true;
  std::vector<std::shared_ptr<Run>> all;
  for (const auto& [id, run] : runs_) all.push_back(run);
  for (const auto& run : all) run->stop.request_stop();
  all.clear();
  const auto until = Steady::now() + limit;
  while (!runs_.empty() && Steady::now() < until) co_await ended_.wait_for(until - Steady::now());
  const bool ended = runs_.empty();
  co_await tasks_.stop();
  co_return ended;
}

Task<Runner::Ended> Runner::run(Job job, std::optional<std::vector<FileRow>> files) {
  if (stopping_) co_return Ended::otherwise;
  const JobId id = job.id;
  auto run = std::make_shared<Run>(*this, context_.loop, job);
  runs_[id] = run;
  if (!ticking_) {
    ticking_ = true;
    tasks_.spawn(ticks());
  }
  std::exception_ptr broken;
  try {
    co_await round(run, std::move(job), std::move(files));
  } catch (...) {
    broken = std::current_exception();
  }
  pacing_.end(id, pacing_now());
  // While it still counts as running: a retry would write into the same files.
  if (run->discard) co_await discard_all(run->job.account, id);
  runs_.erase(id);
  if (runs_.empty()) ended_.notify();
  if (on_news) on_news(id);
  if (broken) std::rethrow_exception(broken);
  co_return run->done ? Ended::done : Ended::otherwise;
}

Task<void> Runner::round(std::shared_ptr<Run> run, Job job, std::optional<std::vector<FileRow>> files) {
  const JobId id = job.id;
  event::RoundEnded ended;
  std::optional<FileRow> unsaved;
  Result<std::vector<FileRow>> rows;
  if (files) {
    rows = std::move(*files);
  } else {
    std::function<Result<std::vector<FileRow>>(Tx&)> read = [&](Tx& tx) {
      return tx.repo<JobRecords>().files(id);
    };
    rows = co_await context_.database.read_value<std::vector<FileRow>>(std::move(read));
  }
  auto document = proxy::parse(job.document);
  Result<void> opened;
  if (document && !job.secrets.empty()) {
    auto plain = context_.vault.open(job.secrets, id.text());
    if (plain) {
      opened = proxy::restore_secrets(*document, *plain);
      wipe(*plain);
    } else {
      opened = fail(std::move(plain.error()));
    }
  }
  if (!rows || !document || !opened) {
    Error error = !rows ? rows.error() : !document ? document.error() : opened.error();
    log::error("job {}: {}", id.text(), error.message);
    Trouble trouble{error.reason, error.message, {}};
    if (error.transient)
      ended.later = trouble;
    else
      ended.broken = trouble;
  } else {
    run->own_rate = document->limits.rate_bytes_per_s;
    for (int index = 0; index < static_cast<int>(document->files.size()); ++index) {
      FileRow row;
      row.index = index;
      for (const FileRow& stored : *rows)
        if (stored.index == index) row = stored;
      if (row.state == FileState::done) {
        run->done_bytes += row.size_bytes.value_or(0);
        continue;
      }
      if (row.state == FileState::failed) {
        const Reason reason = row.reason.value_or(Reason::internal);
        Trouble trouble{reason, std::string(info(reason).words), {}};
        auto& where = info(reason).kind == ReasonClass::needs_you ? ended.person : ended.broken;
        if (!where) where = trouble;
        continue;
      }
      Brought brought = co_await bring(run, *document, row);
      if (brought.end == FileEnd::stopped) co_return;
      if (brought.end == FileEnd::done) run->done_bytes += std::exchange(run->live, Live{}).received_bytes;
      if (brought.end == FileEnd::later) {
        // The longest Retry-After of all counts: nobody is asked too early.
        const auto longest =
            std::max(brought.trouble.retry_after, ended.later ? ended.later->retry_after : std::nullopt);
        if (!ended.later) ended.later = std::move(brought.trouble);
        ended.later->retry_after = longest;
      } else if (brought.end == FileEnd::person && !ended.person) {
        ended.person = std::move(brought.trouble);
      } else if (brought.end == FileEnd::broken && !ended.broken) {
        ended.broken = std::move(brought.trouble);
      }
      if (brought.ends_round) {
        unsaved = std::move(brought.unsaved);
        break;
      }
    }
  }
  if (!ended.later && !ended.person && !ended.broken) co_return;
  std::uint32_t dice = 0;
  random_bytes(&dice, sizeof dice);
  ended.jitter = static_cast<double>(dice) / 4294967296.0;
  const JobEvent what = ended;
  for (std::string told;;) {
    auto applied = co_await ledger_.apply(id, std::nullopt, what, unsaved);
    if (applied && applied->step.discard_partials) run->discard = true;
    if (applied || applied.error().reason == Reason::not_found || stopping_) co_return;
    // Until this is written the job stays stored as running and nobody would look at it again.
    if (std::exchange(told, applied.error().message) != applied.error().message)
      log::error("job {}: {}; written as soon as that is possible", id.text(), told);
    co_await sleep_for(std::chrono::seconds(1));
  }
}

Task<Runner::Brought> Runner::bring(std::shared_ptr<Run> run, const proxy::Document& document,
                                    FileRow first) {
  const AccountId account = run->job.account;
  const JobId id = run->job.id;
  const int index = first.index;
  const FileTerms terms = terms_of(document, index);
  FileStep at;
  at.row = std::move(first);
  if (at.row.state == FileState::verifying) at.next = Next::verify;
  if (at.row.state == FileState::publishing) at.next = Next::publish;
  bool just_opened = false;
  bool just_begun = true;
  int open_generation = -1;
  run->wants_all = false;
  FileLayout layout;
  for (;;) {
    if (open_generation != at.row.generation) {
      auto incoming = co_await context_.shelf.open_incoming(account, id, index, at.row.generation);
      if (!incoming) {
        at = after_error(std::move(at.row), std::move(at.tries), incoming.error());
        co_return Brought{at.next == Next::later ? FileEnd::later : FileEnd::broken, at.trouble, true,
                          at.row};
      }
      run->for_worker = std::move(incoming->for_worker);
      run->sync = std::move(incoming->for_sync);
      run->tells_holes = incoming->tells_holes;
      layout = layout_of(run->sync.get(), most_spans);
      open_generation = at.row.generation;
      just_opened = true;
    }
    if (at.next != Next::transfer && just_opened) {
      // It was complete before a stop or a crash; after a power cut perhaps not on the disk.
      const bool same_run = !context_.boot_id.empty() && at.row.checkpoint.boot_id == context_.boot_id;
      if (!same_run || layout.sparse || layout.beginning != at.row.size_bytes) at.next = Next::transfer;
    }
    just_opened = false;
    if (at.next == Next::transfer) {
      if (std::exchange(just_begun, false) && take_back(at.row, layout.beginning)) {
        co_await discard_generation(account, id, index, open_generation);
        continue;
      }
      if (at.row.old && !run->old)
        run->old = Run::Old{at.row.old->generation, at.row.old->checkpoint.written_bytes};
      auto kept = co_await kept_of(run, at.row, terms, layout);
      if (run->stop.stop_requested()) co_return Brought{};
      if (!kept) {
        at = after_error(std::move(at.row), std::move(at.tries), kept.error());
        co_return Brought{at.next == Next::later ? FileEnd::later : FileEnd::broken, at.trouble, true,
                          at.row};
      }
      const std::uint64_t offset = *kept;
      if (offset == 0 && (layout.sparse || layout.beginning > 0)) {
        run->old = Run::Old{at.row.generation, layout.beginning};
        at.row.checkpoint.written_bytes = layout.beginning;
        start_over(at.row);
        continue;
      }
      const int generation = at.row.generation;
      bool stopped = false;
      run->row = at.row;
      run->row.state = FileState::receiving;
      at = co_await transfer(run, document, terms, std::move(at.tries), offset, stopped);
      if (stopped) co_return Brought{};
      if (const auto old = layout_of(run->sync.get(), 0).beginning;
          at.row.generation != generation && old > 0)
        run->old = Run::Old{generation, old};
      if (at.started_over) {
        const JobEvent what = event::StartedOver{index, at.started_over->reason};
        auto told = co_await ledger_.apply(id, std::nullopt, what, at.row);
        if (!told) log::error("job {}: {}", id.text(), told.error().message);
        at.started_over.reset();
      }
    } else if (at.next == Next::verify) {
      at.row.state = FileState::verifying;
      const JobEvent what = event::Received{index, true};
      auto applied = co_await ledger_.apply(id, std::nullopt, what, at.row);
      if (applied && applied->job.state != State::verifying) co_return Brought{};
      Result<std::string> digest =
          co_await context_.shelf.digest_incoming(account, id, index, at.row.generation, terms.algorithm);
      if (digest)
        at = after_digest(std::move(at.row), std::move(at.tries), terms, *digest);
      else
        at = after_error(std::move(at.row), std::move(at.tries), digest.error());
    } else {
      auto published = co_await publish(run, at.row, std::move(run->sync));
      co_return published;
    }
    if (at.next == Next::verify || at.next == Next::publish) continue;
    at = wait_for_release(std::move(at), document.when.start, context_.clock.now());
    const bool room = at.trouble.reason == Reason::quota || at.trouble.reason == Reason::disk_full;
    if (at.next == Next::later && room && std::exchange(run->shared, false) && !run->wants_all) {
      run->wants_all = true;
      at.next = Next::transfer;
      open_generation = -1;
      continue;
    }
    Brought brought{FileEnd::later, at.trouble};
    if (at.next == Next::person) brought.end = FileEnd::person;
    if (at.next == Next::broken) brought.end = FileEnd::broken;
    const bool over = at.next != Next::transfer;
    auto kept = co_await ledger_.save_file(id, at.row);
    if (!kept && over) {
      brought.ends_round = true;
      brought.unsaved = std::move(at.row);
    }
    if (over) co_return brought;
    if (!kept) log::error("job {}: {}", id.text(), kept.error().message);
  }
}

}  // namespace restante::jobs
