// SPDX-License-Identifier: Apache-2.0
#include "jobs/looking.hpp"

#include "base/log.hpp"
#include "jobs/run.hpp"

#include <boost/asio/steady_timer.hpp>

namespace restante::jobs {

Probe probe_of(const ResponseFacts& facts) {
  Probe out;
  out.name = facts.name_hint;
  out.size_bytes = facts.total_bytes;
  out.media_type = facts.media_type;
  out.resumable = facts.ranges && (!facts.etag.empty() || !facts.last_modified.empty());
  out.web_page = facts.web_page;
  out.http_status = facts.http_status;
  return out;
}

TransferOrder look_order(const Context& context, AccountId account, JobId job,
                         const proxy::Document& document, std::size_t index) {
  const proxy::File& file = document.files.at(index);
  TransferOrder order;
  order.account = account;
  order.job = job;
  order.file = static_cast<int>(index);
  order.source = file.sources[static_cast<std::size_t>(source_order(file).front())];
  order.credentials = credentials_for(document, order.source);
  order.allow_lan = context.accounts.may_use_lan(account);
  order.probe = true;
  order.known_size = file.size_bytes;
  order.allow_empty = true;
  return order;
}

bool refusal_ends_job(Reason reason, bool transient, std::optional<Instant> start, Instant now) {
  if (reason == Reason::address || reason == Reason::scheme) return true;
  if (transient || info(reason).kind != ReasonClass::permanent) return false;
  return !start || *start <= now;
}

Looking::Looking(Context& context, Ledger& ledger)
    : context_(context), ledger_(ledger), tasks_(context.loop, "looking") {
}

void Looking::begin(Job job) {
  if (static_cast<int>(under_way_.size()) >= context_.limits.probes_waiting) return;
  if (!under_way_.insert(job.id).second) return;
  tasks_.spawn(look(std::move(job)));
}

Task<void> Looking::stop() {
  co_await tasks_.stop();
}

Task<void> Looking::look(Job job) {
  const JobId id = job.id;
  auto document = proxy::parse(job.document);
  if (document && !job.secrets.empty()) {
    auto plain = context_.vault.open(job.secrets, id.text());
    Result<void> restored;
    if (plain) {
      restored = proxy::restore_secrets(*document, *plain);
      wipe(*plain);
    }
    if (!plain || !restored) log::warn("job {}: its secrets cannot be read", id.text());
  }
  if (document && !document->files.empty()) {
    std::optional<ResponseFacts> facts;
    auto result = co_await ask(job, *document, facts);
    Probe probe = facts ? probe_of(*facts) : probe_of(result.facts);
    std::optional<Trouble> ends;
    if (result.outcome == Outcome::failed) {
      probe.refused = result.reason;
      probe.message = result.message;
      if (refusal_ends_job(result.reason, result.transient, job.start, context_.clock.now()))
        ends = Trouble{result.reason, result.message, {}};
    }
    // A look that was broken off, by its time limit or by the end of the server, tells nothing.
    if (result.outcome != Outcome::stopped || facts) {
      auto noted = co_await note(id, std::move(probe), std::move(ends));
      if (!noted) log::warn("job {}: {}", id.text(), noted.error().message);
    }
  }
  under_way_.erase(id);
  if (on_news) on_news(id);
}

Task<TransferResult> Looking::ask(const Job& job, const proxy::Document& document,
                                  std::optional<ResponseFacts>& facts) {
  TransferOrder order = look_order(context_, job.account, job.id, document, 0);
  auto stop = std::make_shared<std::stop_source>();
  asio::steady_timer limit(context_.loop, context_.limits.probe_time);
  limit.async_wait([stop](const boost::system::error_code& error) {
    if (!error) stop->request_stop();
  });
  const HeadersEar::Heard heard = std::make_shared<std::optional<ResponseFacts>>();
  HeadersEar ear(heard);
  auto result = co_await context_.transfers.run(std::move(order), ear, stop->get_token());
  facts = *heard;
  co_return result;
}

Task<Result<void>> Looking::note(JobId id, Probe probe, std::optional<Trouble> ends) {
  const Rules rules = rules_of(context_);
  const Instant now = context_.clock.now();
  std::vector<Applied> told;
  Database::Work work = [&](Tx& tx) -> Result<void> {
    told.clear();
    auto& records = tx.repo<JobRecords>();
    auto found = records.find(id);
    if (!found) return fail(std::move(found.error()));
    if (!*found || ended((*found)->state)) return {};
    Job& job = **found;
    job.probe = probe;
    if (auto done = records.update(job); !done) return done;
    HistoryRow row;
    row.job = id;
    row.account = job.account;
    row.at = now;
    row.from = row.to = job.state;
    row.cause = "looked";
    row.reason = probe.refused;
    auto seq = records.append_history(row);
    if (!seq) return fail(std::move(seq.error()));
    row.seq = *seq;
    Applied looked;
    looked.job = job;
    looked.rows.push_back(std::move(row));
    told.push_back(std::move(looked));
    if (!ends) return {};
    auto applied = apply_in(tx, id, std::nullopt, event::Refused{*ends}, std::nullopt, rules, now);
    if (!applied) return fail(std::move(applied.error()));
    told.push_back(std::move(*applied));
    return {};
  };
  auto done = co_await context_.database.write(std::move(work));
  if (done)
    for (const Applied& one : told) ledger_.tell(one);
  co_return done;
}

}  // namespace restante::jobs
