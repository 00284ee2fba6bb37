// SPDX-License-Identifier: Apache-2.0
#include "jobs/events.hpp"

#include "base/text.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <deque>
#include <list>

namespace restante::jobs {
namespace {

namespace json = boost::json;

/// What a row of a list shows besides, so that nobody needs to ask again. A change that was read again from
/// the history may not be the last one: then only what it says itself is told.
void add_present(json::object& out, const Job& job, const std::optional<Amounts>& amounts) {
  if (job.waiting_for != WaitingFor::nothing) out["waiting_for"] = name(job.waiting_for);
  if (!job.message.empty()) out["message"] = job.message;
  if (job.next_run && !ended(job.state)) out["next_run"] = to_rfc3339(*job.next_run);
  if (job.started) out["started"] = to_rfc3339(*job.started);
  if (ended(job.state)) out["ended"] = to_rfc3339(job.changed);
  out["attempt"] = job.attempt;
  out["created"] = to_rfc3339(job.created);
  if (!amounts) return;
  if (amounts->size_bytes) out["size_bytes"] = *amounts->size_bytes;
  out["received_bytes"] = amounts->received_bytes;
}

std::string state_data(const Job& job, const HistoryRow& row, const std::optional<Amounts>& amounts,
                       bool first) {
  const std::string id = job.id.text();
  json::object out;
  out["id"] = id;
  out["job"] = id;  // the name of the first clients
  out["name"] = job.name;
  if (!first) out["from"] = name(row.from);
  out["to"] = name(row.to);
  out["state"] = name(row.to);
  out["cause"] = row.cause;
  if (row.reason) out["reason"] = info(*row.reason).code;
  out["at"] = to_rfc3339(row.at);
  if (job.state == row.to) add_present(out, job, amounts);
  return json::serialize(out);
}

Event state_event(const HistoryRow& row, const Job& job, const std::optional<Amounts>& amounts) {
  return Event{row.seq, "job.state", row.account, row.job, state_data(job, row, amounts, false)};
}

Event done_event(AccountId account, JobId job, const std::string& file, const std::string& shown,
                 std::uint64_t size_bytes) {
  json::object out;
  out["job"] = job.text();
  out["file"] = file;
  out["name"] = shown;
  out["size_bytes"] = size_bytes;
  return Event{std::nullopt, "file.done", account, job, json::serialize(out)};
}

/// The number in "file 3: published".
std::optional<int> published_file(const std::string& cause) {
  if (!cause.starts_with("file ") || !cause.ends_with(": published")) return std::nullopt;
  return std::atoi(cause.c_str() + 5);
}

}  // namespace

struct Watcher {
  Watcher(Executor loop, AccountId whose, std::optional<JobId> only)
      : account(whose), job(only), signal(loop) {}
  AccountId account;
  std::optional<JobId> job;
  std::deque<Event> live;
  bool overflowed = false;
  Signal signal;
};

struct Events::Hub {
  std::list<Watcher*> watchers;
  bool closed = false;
};

namespace {

class Queue final : public Subscription {
public:
  Queue(std::shared_ptr<Events::Hub> hub, Context& context, const EventLimits& limits, AccountId account,
        std::optional<JobId> job, std::optional<std::int64_t> after)
      : hub_(std::move(hub)),
        context_(context),
        limits_(limits),
        watcher_(context.loop, account, job),
        after_(after.value_or(0)),
        replaying_(after.has_value()) {
    hub_->watchers.push_back(&watcher_);
  }
  ~Queue() override { hub_->watchers.remove(&watcher_); }

  Task<Result<std::optional<Event>>> next(Millis limit) override {
    const auto until = std::chrono::steady_clock::now() + limit;
    for (;;) {
      if (hub_->closed) co_return fail(Reason::busy, "the server stops");
      if (watcher_.overflowed)
        co_return fail(Reason::busy, "too many events at once; read again from the last one");
      if (replaying_ && stored_.empty()) {
        auto read = co_await read_stored();
        if (!read) co_return fail(std::move(read.error()));
        continue;
      }
      std::deque<Event>& from = replaying_ ? stored_ : watcher_.live;
      if (!from.empty()) {
        Event event = std::move(from.front());
        from.pop_front();
        // What was stored before it was read has come already.
        if (!replaying_ && event.seq && *event.seq <= after_) continue;
        if (event.seq) after_ = *event.seq;
        co_return std::optional<Event>(std::move(event));
      }
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= std::chrono::steady_clock::duration::zero()) co_return std::optional<Event>();
      co_await watcher_.signal.wait_for(left);
    }
  }

private:
  Task<Result<void>> read_stored() {
    std::deque<Event> events;
    std::int64_t last = read_to_ > 0 ? read_to_ : after_;
    bool more = false;
    Database::Work work = [&](Tx& tx) -> Result<void> {
      auto& records = tx.repo<JobRecords>();
      auto rows = records.history_since(watcher_.account, last, limits_.replayed_at_once);
      if (!rows) return fail(std::move(rows.error()));
      more = static_cast<int>(rows->size()) == limits_.replayed_at_once;
      for (const HistoryRow& row : *rows) {
        last = row.seq;
        if (watcher_.job && row.job != *watcher_.job) continue;
        auto job = records.find(row.job);
        if (!job) return fail(std::move(job.error()));
        if (!*job) continue;
        if (const auto file = published_file(row.cause)) {
          auto files = records.files(row.job);
          if (!files) return fail(std::move(files.error()));
          for (const FileRow& one : *files)
            if (one.index == *file && one.published)
              events.push_back(done_event(row.account, row.job, one.published->text(), one.name,
                                          one.size_bytes.value_or(0)));
        }
        events.push_back(state_event(row, **job, std::nullopt));
      }
      return {};
    };
    auto done = co_await context_.database.read(std::move(work));
    if (!done) co_return done;
    stored_ = std::move(events);
    read_to_ = last;
    if (!more && stored_.empty()) {
      replaying_ = false;
      after_ = std::max(after_, last);
    }
    co_return Result<void>();
  }

  std::shared_ptr<Events::Hub> hub_;
  Context& context_;
  EventLimits limits_;
  Watcher watcher_;
  std::deque<Event> stored_;
  std::int64_t after_;
  std::int64_t read_to_ = 0;
  bool replaying_;
};

}  // namespace

Events::Events(Context& context, EventLimits limits)
    : context_(context), limits_(limits), hub_(std::make_shared<Hub>()) {
}

Events::~Events() = default;

void Events::send(Event event) {
  for (Watcher* watcher : hub_->watchers) {
    if (watcher->account != event.account || (watcher->job && *watcher->job != event.job)) continue;
    if (watcher->live.size() >= limits_.queued_per_watcher) {
      watcher->overflowed = true;
      watcher->live.clear();
    }
    if (!watcher->overflowed) watcher->live.push_back(event);
    watcher->signal.notify();
  }
}

void Events::changed(const Job& job, const HistoryRow& row, const std::optional<Amounts>& amounts) {
  if (watched()) send(state_event(row, job, amounts));
}

void Events::accepted(const Job& job) {
  if (!watched()) return;
  HistoryRow row;
  row.at = job.created;
  row.to = job.state;
  row.cause = "accepted";
  send(Event{std::nullopt, "job.state", job.account, job.id, state_data(job, row, Amounts{}, true)});
}

void Events::gone(AccountId account, JobId job) {
  if (!watched()) return;
  json::object out;
  out["id"] = job.text();
  send(Event{std::nullopt, "job.gone", account, job, json::serialize(out)});
}

void Events::many(AccountId account) {
  if (watched()) send(Event{std::nullopt, "jobs.changed", account, JobId{}, "{}"});
}

void Events::progress(const Job& job, const Live& live, std::optional<std::uint64_t> size_bytes) {
  if (!watched()) return;
  json::object out;
  const std::string id = job.id.text();
  out["id"] = id;
  out["job"] = id;
  out["received_bytes"] = live.received_bytes;
  if (size_bytes) out["size_bytes"] = *size_bytes;
  out["bytes_per_s"] = live.bytes_per_s;
  send(Event{std::nullopt, "job.progress", job.account, job.id, json::serialize(out)});
}

void Events::file_done(const Job& job, const Published& published) {
  if (watched())
    send(done_event(job.account, job.id, published.id.text(), published.name, published.size_bytes));
}

void Events::files_changed(AccountId account) {
  if (watched()) send(Event{std::nullopt, "files.changed", account, JobId{}, "{}"});
}

Result<std::unique_ptr<Subscription>> Events::subscribe(AccountId account, std::optional<JobId> job,
                                                        std::optional<std::int64_t> after_seq) {
  if (hub_->closed) return fail(Reason::busy, "the server stops");
  if (static_cast<int>(hub_->watchers.size()) >= limits_.watchers)
    return fail(Reason::busy, "too many watchers");
  return std::unique_ptr<Subscription>(
      std::make_unique<Queue>(hub_, context_, limits_, account, job, after_seq));
}

bool Events::watched() const {
  return !hub_->watchers.empty();
}

void Events::close() {
  hub_->closed = true;
  for (Watcher* watcher : hub_->watchers) watcher->signal.notify();
}

}  // namespace restante::jobs
