// SPDX-License-Identifier: Apache-2.0
#include "jobs/service.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "jobs/acceptance.hpp"
#include "jobs/edit.hpp"
#include "jobs/heeding.hpp"
#include "jobs/logins.hpp"
#include "jobs/looking.hpp"
#include "jobs/preview.hpp"
#include "jobs/replay.hpp"
#include "jobs/scheduler.hpp"
#include "jobs/series.hpp"
#include "jobs/views.hpp"
#include "proxy/recurrence.hpp"
#include "proxy/zone.hpp"

#include <chrono>
#include <fstream>
#include <map>

namespace restante::jobs {
namespace {

/// A larger batch is not told one by one to those who watch: they read the list.
constexpr std::size_t batch_told_singly = 256;

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

class ServiceImpl final : public Service {
public:
  ServiceImpl(std::unique_ptr<Heeding> heeding, Context context, std::unique_ptr<WallTimer> timer)
      : heeding_(std::move(heeding)),
        context_(std::move(context)),
        events_(context_),
        ledger_(context_, events_),
        runner_(context_, ledger_, events_),
        looking_(context_, ledger_),
        previews_(context_),
        browsing_(context_),
        logins_(context_),
        scheduler_(context_, ledger_, runner_, heeding_->rests, std::move(timer)),
        tasks_(context_.loop, "jobs") {
    runner_.on_news = [this](JobId id) { news(id); };
    looking_.on_news = [this](JobId id) { news(id); };
    ledger_.on_made = [this](const Job& job) { scheduler_.plan(job); };
  }

  Task<Result<void>> start() override {
    if (auto read = co_await logins_.start(); !read) co_return read;
    auto begun = co_await recover();
    if (!begun && begun.error().reason != Reason::disk_full) co_return begun;
    if (begun) begun = co_await take_up();
    if (begun) co_return begun;
    log::warn("no download runs yet: {}", begun.error().message);
    tasks_.spawn(begin_later());
    co_return Result<void>();
  }

  Task<void> stop() override {
    events_.close();
    const bool ended = co_await runner_.stop_all(context_.limits.longest_stop);
    if (!ended) log::warn("some transfers did not end in time; they go on from their last checkpoint");
    co_await tasks_.stop();
    co_await scheduler_.stop();
    co_await looking_.stop();
    co_await previews_.stop();
    co_await browsing_.stop();
    for (auto& [id, signal] : waiters_) signal->notify();
  }

  /// Completes publications that a crash interrupted. Repeating after an error is safe.
  Task<Result<void>> recover() {
    auto commit = ledger_.publish_commit(nullptr);
    co_return co_await context_.shelf.recover(std::move(commit));
  }

  /// Lets downloads run, those first that a crash interrupted. Repeating after an error is safe.
  Task<Result<void>> take_up() {
    std::function<Result<std::vector<JobId>>(Tx&)> read = [](Tx& tx) {
      return tx.repo<JobRecords>().interrupted();
    };
    auto interrupted = co_await context_.database.read_value<std::vector<JobId>>(std::move(read));
    if (!interrupted) co_return fail(std::move(interrupted.error()));
    if (!interrupted->empty()) {
      log::info("{} interrupted downloads go on", interrupted->size());
      const JobEvent what = event::FoundInterrupted{};
      const auto taken_up = co_await ledger_.apply_all(std::move(*interrupted), what);
      if (!taken_up) co_return fail(taken_up.error());
    }
    auto started = co_await scheduler_.start();
    if (started) tasks_.spawn(forget());
    co_return started;
  }

  /// The store could not be written at the start: reads go on, and it is tried again.
  Task<void> begin_later() {
    for (;;) {
      co_await sleep_for(context_.limits.room_asked_again);
      auto begun = co_await recover();
      if (begun) begun = co_await take_up();
      if (begun) co_return;
      log::warn("no download runs yet: {}", begun.error().message);
    }
  }

  /// Erases the credentials of downloads that failed long ago: nobody will try those again; and what is
  /// remembered of documents that nobody can hand in any more.
  Task<void> forget() {
    const std::size_t at_once = context_.limits.forgotten_at_once;
    for (;;) {
      const Instant now = context_.clock.now();
      const Instant before = now - context_.limits.failed_secrets_kept;
      std::function<Result<std::size_t>(Tx&)> work = [now, before, at_once](Tx& tx) -> Result<std::size_t> {
        auto secrets = tx.repo<JobRecords>().erase_secrets_of_failed(before, at_once);
        if (!secrets) return secrets;
        auto documents = tx.repo<ReplayRecords>().forget(now, at_once);
        if (!documents) return documents;
        return std::max(*secrets, *documents);
      };
      auto erased = co_await context_.database.write_value<std::size_t>(std::move(work));
      if (!erased) log::warn("what is over its time stays for now: {}", erased.error().message);
      if (!erased || *erased < at_once) co_await sleep_for(context_.limits.forgets_every);
    }
  }

  Task<Result<Accepted>> submit(Submission submission) override {
    const Instant now = context_.clock.now();
    const Rules rules = rules_of(context_);
    const std::span one(&submission, 1);
    if (auto lent = co_await logins_.lend(one); !lent) co_return fail(std::move(lent.error()));
    auto prepared = prepare(std::move(submission), rules, context_.vault, now);
    if (!prepared) co_return fail(std::move(prepared.error()));
    std::function<Result<Settled>(Tx&)> work = [&](Tx& tx) { return settle(tx, *prepared, rules, now); };
    auto settled = co_await context_.database.write_value<Settled>(std::move(work));
    if (!settled) co_return fail(std::move(settled.error()));
    if (settled->refused) co_return fail(std::move(*settled->refused));
    const Job& made = settled->made ? *settled->made : prepared->job;
    if (settled->fresh) tell_made(made, settled->next);
    const bool look = prepared->probe && settled->fresh && *made.next_run > now;
    if (look) looking_.begin(made);
    co_return co_await settled_one(std::move(*prepared), std::move(*settled));
  }

  Task<std::vector<Result<Accepted>>> submit_all(std::vector<Submission> submissions) override {
    const Instant now = context_.clock.now();
    const Rules rules = rules_of(context_);
    const std::span all(submissions);
    if (auto lent = co_await logins_.lend(all); !lent) {
      std::vector<Result<Accepted>> refused(submissions.size(), fail(lent.error()));
      co_return refused;
    }
    std::vector<Result<Prepared>> prepared;
    prepared.reserve(submissions.size());
    for (Submission& one : submissions)
      prepared.push_back(prepare(std::move(one), rules, context_.vault, now));
    submissions.clear();
    submissions.shrink_to_fit();
    std::vector<Result<Settled>> settled;
    Database::Work work = [&](Tx& tx) -> Result<void> {
      settled.clear();
      settled.reserve(prepared.size());
      for (const auto& one : prepared) {
        settled.push_back(one ? settle(tx, *one, rules, now) : Result<Settled>(fail(one.error())));
        if (settled.back()) continue;
        const Reason reason = settled.back().error().reason;
        if (reason == Reason::storage || reason == Reason::disk_full) return fail(settled.back().error());
      }
      return {};
    };
    auto done = co_await context_.database.write(std::move(work));
    std::vector<Result<Accepted>> out;
    out.reserve(prepared.size());
    const bool tell = prepared.size() <= batch_told_singly;
    const auto first = std::find_if(prepared.begin(), prepared.end(), [](const auto& one) { return !!one; });
    if (!tell && done && first != prepared.end()) events_.many((*first)->job.account);
    for (std::size_t i = 0; i < prepared.size(); ++i) {
      if (!done) {
        out.push_back(fail(prepared[i] ? done.error() : prepared[i].error()));
      } else if (!settled[i]) {
        out.push_back(fail(std::move(settled[i].error())));
      } else if (settled[i]->refused) {
        out.push_back(fail(std::move(*settled[i]->refused)));
      } else if (settled[i]->fresh) {
        Job& made = settled[i]->made ? *settled[i]->made : prepared[i]->job;
        if (tell) tell_made(made, settled[i]->next);
        if (settled[i]->gone) events_.gone(made.account, *settled[i]->gone);
        if (settled[i]->next) scheduler_.plan(*settled[i]->next);
        scheduler_.plan(made);
        out.push_back(Accepted{std::move(made), false});
      } else {
        auto one = co_await settled_one(std::move(*prepared[i]), std::move(*settled[i]));
        out.push_back(std::move(one));
      }
    }
    co_return out;
  }

  Task<Result<JobView>> find(AccountId account, JobId id) override {
    JobView view;
    Database::Work work = [&](Tx& tx) -> Result<void> {
      auto& records = tx.repo<JobRecords>();
      auto job = records.find(id);
      if (job && !*job) job = occurrence_of(tx, id);
      if (!job) return fail(std::move(job.error()));
      if (!*job || (*job)->account != account) return fail(Reason::not_found, "job " + id.text());
      auto files = records.files((*job)->id);
      if (!files) return fail(std::move(files.error()));
      view.job = std::move(**job);
      view.files = std::move(*files);
      return {};
    };
    auto done = co_await context_.database.read(std::move(work));
    if (!done) co_return fail(std::move(done.error()));
    complete(view);
    co_return view;
  }

  Task<Result<std::vector<Probe>>> look(AccountId account, proxy::Document document) override {
    Submission asked;
    asked.account = account;
    asked.document = std::move(document);
    const std::span one(&asked, 1);
    if (auto lent = co_await logins_.lend(one); !lent) co_return fail(std::move(lent.error()));
    co_return co_await previews_.look(account, std::move(asked.document));
  }

  Task<Result<Browsed>> browse(AccountId account, proxy::Document document, BrowseWish wish) override {
    Submission asked;
    asked.account = account;
    asked.document = std::move(document);
    const std::span one(&asked, 1);
    if (auto lent = co_await logins_.lend(one); !lent) co_return fail(std::move(lent.error()));
    co_return co_await browsing_.browse(account, std::move(asked.document), std::move(wish));
  }

  Task<Result<JobView>> find_looked_at(AccountId account, JobId id, Millis limit) override {
    const auto until = std::chrono::steady_clock::now() + limit;
    auto signal = std::make_shared<Signal>(context_.loop);
    const auto entry = waiters_.emplace(id, signal);
    const bool looked = looking_.looks(id);
    auto view = co_await find(account, id);
    // The look may have ended between the reading and now.
    if (looked && !looking_.looks(id)) view = co_await find(account, id);
    const bool room = waiters_.size() <= context_.limits.waiting_for_looks;
    while (room && view && to_be_looked_at(view->job)) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= std::chrono::steady_clock::duration::zero()) break;
      const bool heard = co_await signal->wait_for(left);
      if (!heard) break;
      view = co_await find(account, id);
    }
    waiters_.erase(entry);
    co_return view;
  }

  Task<Result<std::vector<HistoryRow>>> history(AccountId account, JobId id) override {
    std::function<Result<std::vector<HistoryRow>>(Tx&)> work =
        [&](Tx& tx) -> Result<std::vector<HistoryRow>> {
      auto& records = tx.repo<JobRecords>();
      auto job = records.find(id);
      if (!job) return fail(std::move(job.error()));
      if (!*job || (*job)->account != account) return fail(Reason::not_found, "job " + id.text());
      auto rows = records.history(id);
      if (!rows) return rows;
      HistoryRow first;
      first.job = id;
      first.account = account;
      first.at = (*job)->created;
      first.from = first.to = rows->empty() ? (*job)->state : rows->front().from;
      first.cause = "accepted";
      rows->insert(rows->begin(), std::move(first));
      return rows;
    };
    co_return co_await context_.database.read_value<std::vector<HistoryRow>>(std::move(work));
  }

  Task<Result<JobPage>> list(AccountId account, JobFilter filter) override {
    std::function<Result<JobPage>(Tx&)> work = [&](Tx& tx) {
      return tx.repo<JobRecords>().list(account, filter);
    };
    co_return co_await context_.database.read_value<JobPage>(std::move(work));
  }

  Task<Result<JobViews>> list_views(AccountId account, JobFilter filter) override {
    filter.document_bytes = context_.limits.listed_document_bytes;
    const Instant now = context_.clock.now();
    std::function<Result<JobViews>(Tx&)> work = [&](Tx& tx) {
      return read_views(tx, account, filter, context_.limits.time_zone, now);
    };
    auto page = co_await context_.database.read_value<JobViews>(std::move(work));
    if (!page) co_return page;
    for (JobView& view : page->views) {
      view.live = runner_.live(view.job.id);
      if (!view.live) continue;
      if (const auto facts = runner_.facts(view.job.id); facts && !view.job.probe)
        view.job.probe = probe_of(*facts);
      if (!view.amounts) continue;
      Amounts& amounts = *view.amounts;
      amounts.received_bytes = std::max(amounts.received_bytes, view.live->received_bytes);
      if (!amounts.size_bytes && view.job.file_count == 1 && view.job.probe)
        amounts.size_bytes = view.job.probe->size_bytes;
      std::optional<std::uint64_t> missing = amounts.size_bytes;
      if (missing) *missing -= std::min(*missing, amounts.received_bytes);
      set_plan(view, missing, context_.limits.time_zone, now);
    }
    co_return page;
  }

  Task<Result<Rates>> rates(AccountId account, JobId id) override {
    auto job = co_await ledger_.find(id);
    if (!job) co_return fail(std::move(job.error()));
    if (job->account != account) co_return fail(Reason::not_found, "job " + id.text());
    co_return runner_.rates(id);
  }

  std::optional<Live> live(JobId job) const override { return runner_.live(job); }

  Task<Result<JobView>> act(AccountId account, JobId id, Action action) override {
    const JobEvent what = event::Acted{action};
    auto applied = co_await ledger_.apply(id, account, what);
    if (!applied) co_return fail(std::move(applied.error()));
    co_await act_on(*applied);
    co_return co_await find(account, id);
  }

  Task<Result<JobView>> change(AccountId account, JobId id, Change change, std::int64_t if_version) override {
    const Instant now = context_.clock.now();
    const Rules rules = ledger_.rules();
    std::function<Result<Applied>(Tx&)> work = [&](Tx& tx) {
      return change_in(tx, id, account, change, if_version, rules, now);
    };
    auto applied = co_await context_.database.write_value<Applied>(std::move(work));
    if (!applied) co_return fail(std::move(applied.error()));
    ledger_.tell(*applied);
    if (change.sources) runner_.relink(id);
    if (change.rate_bytes_per_s) runner_.set_rate(id, *change.rate_bytes_per_s);
    co_await act_on(*applied);
    co_return co_await find(account, id);
  }

  Task<Result<void>> remove(AccountId account, JobId id) override {
    auto job = co_await ledger_.find(id);
    if (!job) co_return fail(std::move(job.error()));
    if (job->account != account) co_return fail(Reason::not_found, "job " + id.text());
    if (!ended(job->state)) {
      auto cancelled = co_await act(account, id, Action::cancel);
      if (!cancelled) co_return fail(std::move(cancelled.error()));
      co_return Result<void>();
    }
    if (job->state == State::failed) co_await runner_.discard(account, id);
    const Instant now = context_.clock.now();
    Database::Work work = [&](Tx& tx) -> Result<void> {
      auto& all = tx.repo<SeriesRecords>();
      auto series = all.find_by_head(id);
      if (!series) return fail(std::move(series.error()));
      if (auto done = remember_ended(tx, *job, *series, now); !done) return done;
      if (*series)
        if (auto done = all.erase((*series)->id); !done) return done;
      return tx.repo<JobRecords>().erase(id);
    };
    auto erased = co_await context_.database.write(std::move(work));
    if (erased) {
      runner_.forget_rates(id);
      events_.gone(account, id);
    }
    co_return erased;
  }

  Task<Result<std::unique_ptr<Subscription>>> subscribe(AccountId account, std::optional<JobId> job,
                                                        std::optional<std::int64_t> after_seq) override {
    co_return events_.subscribe(account, job, after_seq);
  }

  void files_changed(AccountId account) override { events_.files_changed(account); }

  std::string why(const JobView& view) const override;
  Logins& logins() override { return logins_; }

private:
  /// The id of a document that repeats stands for its present occurrence.
  static Result<std::optional<Job>> occurrence_of(Tx& tx, JobId id) {
    auto series = tx.repo<SeriesRecords>().find(id);
    if (!series) return fail(std::move(series.error()));
    if (!*series) return std::optional<Job>();
    return current_job(tx, **series);
  }

  /// What a change in the store asks to be done.
  Task<void> act_on(const Applied& applied) {
    const JobId id = applied.job.id;
    if (applied.step.stop_transfers) runner_.stop(id, applied.step.discard_partials);
    if (applied.step.discard_partials) co_await runner_.discard(applied.job.account, id);
    scheduler_.plan(applied.job);
    news(id);
  }

  void tell_made(const Job& made, const std::optional<Job>& next) {
    events_.accepted(made);
    if (next) events_.accepted(*next);
  }

  /// Another occurrence changed with the one that was asked for.
  Task<void> settled_beside(const Applied& one) {
    ledger_.tell(one);
    co_await act_on(one);
  }

  Task<Result<Accepted>> settled_one(Prepared prepared, Settled settled) {
    if (settled.gone) events_.gone(prepared.job.account, *settled.gone);
    for (const Applied& one : settled.also) co_await settled_beside(one);
    if (settled.replayed) co_return Accepted{std::move(*settled.existing), true};
    if (settled.applied) {
      ledger_.tell(*settled.applied);
      co_await act_on(*settled.applied);
      co_return Accepted{std::move(settled.applied->job), false};
    }
    if (settled.next) scheduler_.plan(*settled.next);
    Job& made = settled.made ? *settled.made : prepared.job;
    scheduler_.plan(made);
    co_return Accepted{std::move(made), false};
  }

  void news(JobId id) {
    const auto range = waiters_.equal_range(id);
    for (auto it = range.first; it != range.second; ++it) it->second->notify();
  }

  bool to_be_looked_at(const Job& job) const {
    if (ended(job.state) || job.state == State::held || job.state == State::paused || job.probe) return false;
    if (looking_.looks(job.id)) return true;
    if (job.state == State::running) return !runner_.facts(job.id);
    // About to run: its turn comes at once unless there is much to do.
    return job.state == State::waiting && job.waiting_for == WaitingFor::slot;
  }

  void complete(JobView& view) const;
  std::string over(const Job& job, const std::string& because) const;

  std::unique_ptr<Heeding> heeding_;  ///< the transfers of `context_`
  Context context_;
  Events events_;
  Ledger ledger_;
  Runner runner_;
  Looking looking_;
  Previews previews_;
  Browsing browsing_;
  Logins logins_;
  Scheduler scheduler_;
  TaskGroup tasks_;
  std::multimap<JobId, std::shared_ptr<Signal>> waiters_;
};

void ServiceImpl::complete(JobView& view) const {
  Job& job = view.job;
  job.secrets.clear();
  view.live = runner_.live(job.id);
  if (const auto facts = runner_.facts(job.id); facts && !job.probe) job.probe = probe_of(*facts);
  auto document = proxy::parse(job.document);
  if (!document) return;
  const auto missing = fill_files(view, *document, &context_.shelf);
  view.asked = asked_of(*document);
  add_details(*view.asked, *document, view.files, job.state == State::running);
  set_plan(view, missing, context_.limits.time_zone, context_.clock.now());
}

/// ", and repeats every day" of one that does.
std::string repeats_words(const Job& job) {
  if (!job.occurrence) return {};
  auto document = proxy::parse(job.document);
  if (!document || document->when.repeat.empty()) return {};
  return ", and repeats " + proxy::recurrence_words(document->when.repeat);
}

std::string ServiceImpl::why(const JobView& view) const {
  const Job& job = view.job;
  const auto at = [&] {
    return job.next_run ? proxy::local_text(context_.limits.time_zone, *job.next_run)
                        : std::string("a later time");
  };
  // A message that only repeats the reason's words is not said twice.
  const bool repeats = job.reason && job.message == info(*job.reason).words;
  const std::string because = job.message.empty() || repeats ? std::string() : " (" + job.message + ")";
  switch (job.state) {
    case State::scheduled:
      return "It starts at " + at() + repeats_words(job) + ".";
    case State::waiting:
      switch (job.waiting_for) {
        case WaitingFor::window:
          return "It waits for its hours, which begin at " + at() + ".";
        case WaitingFor::slot:
          return "It waits for its turn; other downloads run now.";
        case WaitingFor::retry:
          return "It is tried again at " + at() + because + ".";
        case WaitingFor::quota:
          return "It waits for room in the account" + because + ".";
        case WaitingFor::origin_pause:
          if (job.next_run && *job.next_run <= context_.clock.now())
            return "It waits for its turn; the content server had asked for a rest.";
          return "It gives the content server the rest that it asked for, until " + at() + ".";
        case WaitingFor::nothing:
          return "It runs as soon as it can.";
      }
      return {};
    case State::running:
      return "It is being fetched.";
    case State::verifying:
      return "All of it is here; its checksum is being computed.";
    case State::publishing:
      return "All of it is here; it is being put into your files.";
    case State::done:
      return job.reason == Reason::complete_unverified
                 ? "It is in your files: " + std::string(info(*job.reason).words) + "."
                 : "It is in your files.";
    case State::paused:
      return "It was paused; resume it to go on.";
    case State::failed:
    case State::expired:
      return over(job, because);
    case State::held:
    case State::cancelled:
      break;
  }
  if (!job.reason) return std::string(name(job.state)) + ".";
  return std::string(info(*job.reason).words) + because + "; " + std::string(info(*job.reason).remedy) + ".";
}

/// What is said of a job that did not come: nothing happens by itself any more.
std::string ServiceImpl::over(const Job& job, const std::string& because) const {
  std::string text =
      job.reason ? std::string(info(*job.reason).words) + because : std::string(name(job.state));
  // The remedies of transient reasons speak of a job that is still tried again.
  const bool remedy = job.reason && info(*job.reason).kind != ReasonClass::transient;
  if (remedy) text += "; " + std::string(info(*job.reason).remedy);
  text += ".";
  auto document = proxy::parse(job.document);
  const Rules rules = rules_of(context_);
  const bool again = document && !step(control_of(job), event::Acted{Action::retry},
                                       terms_of(*document, rules), context_.clock.now())
                                      .forbidden;
  if (!again) return text;
  if (remedy) return text + " `restante retry " + job.id.text() + "` tries it again then.";
  return text + " It was tried " + std::to_string(job.attempt) + (job.attempt == 1 ? " time" : " times") +
         "; `restante retry " + job.id.text() + "` tries it again.";
}

}  // namespace

std::unique_ptr<Service> make_service(Executor loop, Database& database, Vault& vault, Transfers& transfers,
                                      Shelf& shelf, const AccountRules& accounts, const Clock& clock,
                                      ServiceLimits limits, std::unique_ptr<WallTimer> timer,
                                      Witness* witness) {
  if (!timer) timer = make_wall_timer(loop);
  Rests rests(limits.hosts_at_rest, limits.longest_retry_after, limits.first_rest, limits.longest_rest);
  auto heeding = std::make_unique<Heeding>(transfers, limits.rates, clock, std::move(rests));
  Context context{std::move(loop), database,          vault,          *heeding, shelf, accounts,
                  clock,           std::move(limits), read_boot_id(), witness};
  return std::make_unique<ServiceImpl>(std::move(heeding), std::move(context), std::move(timer));
}

}  // namespace restante::jobs
