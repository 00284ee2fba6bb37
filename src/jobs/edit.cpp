// SPDX-License-Identifier: Apache-2.0
#include "jobs/edit.hpp"

#include "jobs/acceptance.hpp"
#include "proxy/zone.hpp"

namespace restante::jobs {
namespace {

/// Sets one time of a document as its text says, or takes it away.
Result<void> set_time(const std::optional<std::optional<std::string>>& change,
                      std::optional<Instant>& instant, std::string& text, const char* pointer) {
  if (!change) return {};
  instant.reset();
  text = change->value_or("");
  if (text.empty()) return {};
  auto parsed = proxy::parse_ixdtf(text);
  if (!parsed) {
    parsed.error().pointer = pointer;
    return fail(std::move(parsed.error()));
  }
  instant = *parsed;
  return {};
}

}  // namespace

Result<proxy::Document> edited(proxy::Document document, const Change& change) {
  proxy::When& when = document.when;
  if (auto set = set_time(change.start, when.start, when.start_text, "/when/start"); !set)
    return fail(std::move(set.error()));
  if (auto set = set_time(change.by, when.by, when.by_text, "/when/by"); !set)
    return fail(std::move(set.error()));
  if (change.windows) when.windows = *change.windows;
  if (change.tz) when.tz = *change.tz;
  if (change.rate_bytes_per_s) document.limits.rate_bytes_per_s = *change.rate_bytes_per_s;
  if (change.name) document.files.front().name = *change.name;
  if (change.folder)
    for (proxy::File& file : document.files) file.folder = *change.folder;
  return proxy::parse(proxy::to_json(document, proxy::Part::without_secrets));
}

Result<Applied> change_in(Tx& tx, JobId id, AccountId owner, const Change& change, std::int64_t if_version,
                          const Rules& rules, Instant now) {
  auto& records = tx.repo<JobRecords>();
  auto found = records.find(id);
  if (!found) return fail(std::move(found.error()));
  if (!*found || (*found)->account != owner) return fail(Reason::not_found, "job " + id.text());
  Job job = std::move(**found);
  if (job.version != if_version)
    return fail(Reason::precondition, "it is version " + std::to_string(job.version));
  if (ended(job.state)) return fail(Reason::conflict, "it has ended already");
  auto document = proxy::parse(job.document);
  if (!document) return fail(std::move(document.error()));
  auto next = edited(std::move(*document), change);
  if (!next) return fail(std::move(next.error()));
  job.document = proxy::to_json(*next, proxy::Part::without_secrets);
  if (change.name) job.name = shown_name(*next);
  job.start = next->when.start;
  ++job.version;
  if (auto done = records.replace(job); !done) return fail(std::move(done.error()));
  return apply_in(tx, id, owner, event::Changed{}, std::nullopt, rules, now);
}

}  // namespace restante::jobs
