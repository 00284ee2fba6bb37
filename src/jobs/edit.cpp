// SPDX-License-Identifier: Apache-2.0
#include "jobs/edit.hpp"

#include "base/text.hpp"
#include "jobs/acceptance.hpp"
#include "jobs/series_records.hpp"
#include "proxy/url.hpp"
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

bool is_harmless(std::string_view name) {
  const std::string lower = ascii_lower(name);
  return lower == "accept" || lower == "accept-language" || lower == "user-agent";
}

/// How a new link is asked: like the source before at the same origin; elsewhere with nothing that was meant
/// for that one. Credentials stay bound to the origins of their scope in any case.
proxy::Source source_at(const std::string& url, const std::vector<proxy::Source>& before) {
  proxy::Source out;
  for (const proxy::Source& old : before) {
    if (proxy::origin_of(old.url) != proxy::origin_of(url)) continue;
    out = old;
    out.url = url;
    return out;
  }
  out = before.front();
  out.url = url;
  out.request = {};
  for (const proxy::Header& header : before.front().request.headers)
    if (is_harmless(header.first)) out.request.headers.push_back(header);
  return out;
}

Result<void> set_sources(proxy::Document& document, const std::vector<std::string>& urls) {
  if (document.files.size() != 1)
    return fail(Reason::conflict, "it has several files, and a new link belongs to one",
                "send the missing files again", "/sources");
  std::vector<proxy::Source>& sources = document.files.front().sources;
  std::vector<proxy::Source> next;
  for (std::size_t i = 0; i < urls.size(); ++i) {
    const std::string pointer = "/sources/" + std::to_string(i) + "/url";
    const auto parts = proxy::split_url(urls[i]);
    if (!parts) return fail(parts.error().reason, parts.error().message, parts.error().hint, pointer);
    if (!iequals(parts->scheme, "http") && !iequals(parts->scheme, "https"))
      return fail(Reason::scheme, "a new link begins with http:// or https://", "", pointer);
    if (parts->has_userinfo)
      return fail(Reason::invalid, "a new link carries no user name or password",
                  "send it as a new download with --user", pointer);
    next.push_back(source_at(urls[i], sources));
    next.back().priority = static_cast<int>(i) + 1;
  }
  sources = std::move(next);
  return {};
}

/// What came from the links before may belong to the new ones.
Result<void> relink_files(JobRecords& records, JobId id) {
  auto rows = records.files(id);
  if (!rows) return fail(std::move(rows.error()));
  for (FileRow& row : *rows) {
    if (row.state == FileState::done) continue;
    relink(row);
    if (auto saved = records.save_file(id, row); !saved) return saved;
  }
  return {};
}

/// What is changed of the occurrence to come counts for those after it, but for its own times.
Result<void> change_series(Tx& tx, JobId head, Change change) {
  auto& all = tx.repo<SeriesRecords>();
  auto found = all.find_by_head(head);
  if (!found) return fail(std::move(found.error()));
  if (!*found || (*found)->over) return {};
  Series& series = **found;
  change.start.reset();
  change.by.reset();
  auto document = proxy::parse(series.document);
  if (!document) return fail(std::move(document.error()));
  auto next = edited(std::move(*document), change);
  if (!next) return fail(std::move(next.error()));
  series.document = proxy::to_json(*next, proxy::Part::without_secrets);
  return all.save(series);
}

}  // namespace

void relink(FileRow& row) {
  row.source = 0;
  row.checkpoint.relinked = true;
  if (row.old) row.old->checkpoint.relinked = true;
}

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
  if (change.sources)
    if (auto set = set_sources(document, *change.sources); !set) return fail(std::move(set.error()));
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
  if (ended(job.state) && !(change.sources && job.state == State::failed))
    return fail(Reason::conflict, "it has ended already");
  auto document = proxy::parse(job.document);
  if (!document) return fail(std::move(document.error()));
  auto next = edited(std::move(*document), change);
  if (!next) return fail(std::move(next.error()));
  job.document = proxy::to_json(*next, proxy::Part::without_secrets);
  if (change.name) job.name = shown_name(*next);
  job.start = next->when.start;
  ++job.version;
  if (auto done = records.replace(job); !done) return fail(std::move(done.error()));
  if (job.occurrence)
    if (auto done = change_series(tx, id, change); !done) return fail(std::move(done.error()));
  if (!change.sources) return apply_in(tx, id, owner, event::Changed{}, std::nullopt, rules, now);
  if (auto done = relink_files(records, id); !done) return fail(std::move(done.error()));
  return apply_in(tx, id, owner, event::Refreshed{}, std::nullopt, rules, now);
}

}  // namespace restante::jobs
