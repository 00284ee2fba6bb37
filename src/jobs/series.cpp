// SPDX-License-Identifier: Apache-2.0
#include "jobs/series.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "jobs/acceptance.hpp"
#include "proxy/recurrence.hpp"
#include "proxy/zone.hpp"

#include <algorithm>

namespace restante::jobs {
namespace {

/// A job of the wanted occurrence may be left over from an earlier series of the same document: then the one
/// after it is taken, so often at most.
constexpr int taken_passed_over = 16;

struct Rule {
  proxy::Recurrence recurrence;
  std::string zone;
};

Result<Rule> rule_of(const proxy::Document& document, const Rules& rules) {
  auto parsed = proxy::parse_recurrence(document.when.repeat);
  if (!parsed) {
    parsed.error().pointer = "/when/repeat";
    return fail(std::move(parsed.error()));
  }
  return Rule{std::move(*parsed), document.when.tz.empty() ? rules.zone : document.when.tz};
}

/// The document of one occurrence: the same, at its own times.
proxy::Document at_occurrence(proxy::Document document, const Series& series, const std::string& zone,
                              Instant at) {
  proxy::When& when = document.when;
  when.start = at;
  when.start_text = proxy::to_ixdtf(zone, at);
  if (when.by) {
    when.by = proxy::moved_along(zone, *when.by, series.start, at);
    when.by_text = to_rfc3339(*when.by);
  }
  return document;
}

Result<Job> job_at(const Series& series, const proxy::Document& document, const std::string& zone, Instant at,
                   const Rules& rules, Instant now) {
  const proxy::Document own = at_occurrence(document, series, zone, at);
  Job job;
  job.id = job_id(series.device, document.id, at);
  job.account = series.account;
  job.device = series.device;
  job.proxy_id = document.id;
  job.rev = series.rev;
  job.name = shown_name(own);
  job.created = job.changed = now;
  job.start = job.occurrence = at;
  job.file_count = static_cast<int>(own.files.size());
  job.document = proxy::to_json(own, proxy::Part::without_secrets);
  job.document_digest = series.document_digest;
  apply(begin(terms_of(own, rules), now), job);
  if (series.secrets.empty()) return job;
  RESTANTE_REQUIRE(rules.vault != nullptr);
  auto plain = rules.vault->open(series.secrets, series.id.text());
  if (!plain) return fail(std::move(plain.error()));
  job.secrets = rules.vault->seal(*plain, job.id.text());
  wipe(*plain);
  return job;
}

}  // namespace

bool lies_ahead(State state) {
  return state == State::scheduled || state == State::paused || state == State::held;
}

JobId job_id(const DeviceId& device, std::string_view proxy_id, Instant occurrence) {
  std::string key(proxy_id);
  key += '\0';
  key += to_rfc3339(occurrence);
  return job_id(device, key);
}

Result<Series> begin_series(const Job& asked, const proxy::Document& document, std::string_view secrets,
                            const Rules& rules, Instant now) {
  auto rule = rule_of(document, rules);
  if (!rule) return fail(std::move(rule.error()));
  Series series;
  series.id = job_id(asked.device, document.id);
  series.account = asked.account;
  series.device = asked.device;
  series.rev = asked.rev;
  series.document_digest = asked.document_digest;
  series.start = std::chrono::floor<Seconds>(document.when.start.value_or(now));
  series.document = proxy::to_json(document, proxy::Part::without_secrets);
  if (!secrets.empty()) {
    RESTANTE_REQUIRE(rules.vault != nullptr);
    series.secrets = rules.vault->seal(secrets, series.id.text());
  }
  // What was missed before it came here is made up for once, if it is to be.
  const auto first = document.when.miss == proxy::Miss::run
                         ? proxy::occurrence_at(rule->recurrence, rule->zone, series.start, now)
                         : proxy::next_occurrence(
                               rule->recurrence, rule->zone, series.start,
                               std::max<Instant>(series.start, std::chrono::floor<Seconds>(now)) - Millis(1));
  if (!first)
    return fail(Reason::invalid, "/when/repeat: it never comes", "give it a later end, or days that exist",
                "/when/repeat");
  series.last = *first - Millis(1);
  return series;
}

Result<void> end_series(Tx& tx, Series& series) {
  series.over = true;
  series.secrets.clear();
  return tx.repo<SeriesRecords>().save(series);
}

Result<std::optional<Job>> make_next(Tx& tx, Series& series, const Rules& rules, Instant after, Instant now) {
  auto& records = tx.repo<JobRecords>();
  auto document = proxy::parse(series.document);
  auto rule = document ? rule_of(*document, rules) : Result<Rule>(fail(document.error()));
  Instant from = std::max(series.last, after);
  for (int tried = 0; rule && tried < taken_passed_over; ++tried) {
    const auto at = proxy::next_occurrence(rule->recurrence, rule->zone, series.start, from);
    if (!at) break;
    auto job = job_at(series, *document, rule->zone, *at, rules, now);
    if (!job) {
      log::error("a repetition ends: {}", job.error().message);
      break;
    }
    auto inserted = records.insert(*job);
    if (!inserted) return fail(std::move(inserted.error()));
    from = *at;
    if (!*inserted) continue;
    if (series.head != JobId{}) series.before = series.head;
    series.head = job->id;
    series.last = *at;
    series.over = false;
    if (auto saved = tx.repo<SeriesRecords>().save(series); !saved) return fail(std::move(saved.error()));
    return std::optional<Job>(std::move(*job));
  }
  if (!rule) log::error("a repetition ends: {}", rule.error().message);
  if (auto ended = end_series(tx, series); !ended) return fail(std::move(ended.error()));
  return std::optional<Job>();
}

Result<std::optional<Job>> carry_on(Tx& tx, const Applied& applied, const JobEvent& what, const Rules& rules,
                                    Instant now) {
  if (lies_ahead(applied.job.state)) return std::optional<Job>();
  auto found = tx.repo<SeriesRecords>().find_by_head(applied.job.id);
  if (!found) return fail(std::move(found.error()));
  if (!*found || (*found)->over) return std::optional<Job>();
  Series& series = **found;
  // The guard would refuse each of them.
  const bool refused = std::holds_alternative<event::Refused>(what);
  if (applied.job.state == State::cancelled || refused) {
    if (auto ended = end_series(tx, series); !ended) return fail(std::move(ended.error()));
    return std::optional<Job>();
  }
  return make_next(tx, series, rules, now, now);
}

Result<std::optional<Job>> current_job(Tx& tx, const Series& series) {
  auto& records = tx.repo<JobRecords>();
  auto head = records.find(series.head);
  if (!head || !series.before) return head;
  if (*head && !lies_ahead((*head)->state)) return head;
  auto before = records.find(*series.before);
  if (!before) return before;
  const bool under_way = *before && !ended((*before)->state);
  return under_way || !*head ? before : head;
}

}  // namespace restante::jobs
