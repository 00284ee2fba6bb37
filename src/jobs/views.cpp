// SPDX-License-Identifier: Apache-2.0
#include "jobs/views.hpp"

#include "base/text.hpp"
#include "jobs/file_step.hpp"
#include "jobs/time_plan.hpp"
#include "jobs/wanted_name.hpp"

#include <algorithm>

namespace restante::jobs {
namespace {

/// A URL that may be shown: queries often are keys.
std::string shown_url(const std::string& url) {
  std::string out = url_for_logs(url);
  const auto query = url.find_first_of("?#");
  if (query != std::string::npos && url[query] == '?') out += "?…";
  return out;
}

}  // namespace

Amounts amounts_of(const Job& job, const std::vector<FileRow>& files) {
  Amounts out;
  std::uint64_t size = 0;
  bool known = static_cast<int>(files.size()) == job.file_count;
  for (const FileRow& file : files) {
    const bool here = file.state == FileState::done;
    out.received_bytes +=
        here ? file.size_bytes.value_or(file.checkpoint.held_bytes()) : file.checkpoint.held_bytes();
    known = known && file.size_bytes.has_value();
    size += file.size_bytes.value_or(0);
  }
  if (known)
    out.size_bytes = size;
  else if (job.file_count == 1 && job.probe)
    out.size_bytes = job.probe->size_bytes;
  return out;
}

Asked asked_of(const proxy::Document& document) {
  Asked out;
  out.when = document.when;
  out.rate_bytes_per_s = document.limits.rate_bytes_per_s;
  if (document.files.empty()) return out;
  const proxy::File& first = document.files.front();
  out.folder = first.folder;
  if (!first.sources.empty()) {
    const proxy::Source& source = first.sources[static_cast<std::size_t>(source_order(first).front())];
    out.origin = proxy::origin_of(source.url).value_or("");
  }
  return out;
}

void add_details(Asked& asked, const proxy::Document& document, const std::vector<FileRow>& files,
                 bool running) {
  for (int index = 0; index < static_cast<int>(document.files.size()); ++index) {
    const proxy::File& file = document.files[static_cast<std::size_t>(index)];
    int in_use = -1;
    for (const FileRow& row : files)
      if (running && row.index == index && row.state == FileState::receiving) in_use = row.source;
    int turn = 0;
    for (const int source : source_order(file))
      asked.sources.push_back(
          {index, shown_url(file.sources[static_cast<std::size_t>(source)].url), turn++ == in_use});
    const FileTerms terms = terms_of(document, index);
    asked.checks.push_back({index, terms.algorithm, terms.digest});
  }
}

std::optional<std::uint64_t> missing_of(const std::vector<FileRow>& files) {
  std::uint64_t missing = 0;
  for (const FileRow& row : files) {
    if (row.state == FileState::done) continue;
    if (!row.size_bytes) return std::nullopt;
    missing += *row.size_bytes - std::min(*row.size_bytes, row.checkpoint.held_bytes());
  }
  return missing;
}

std::optional<std::uint64_t> fill_files(JobView& view, const proxy::Document& document, const Shelf* shelf) {
  const Job& job = view.job;
  std::vector<FileRow> stored = std::move(view.files);
  view.files.clear();
  auto next = stored.begin();
  for (int index = 0; index < static_cast<int>(document.files.size()); ++index) {
    const proxy::File& wanted = document.files[static_cast<std::size_t>(index)];
    FileRow row;
    row.index = index;
    while (next != stored.end() && next->index < index) ++next;
    if (next != stored.end() && next->index == index) row = std::move(*next++);
    if (shelf && !row.published) {
      if (row.name.empty() && job.probe && index == 0) row.name = job.probe->name;
      if (!wanted.name.empty() || !row.name.empty())
        row.name = shelf->clean_name(wanted_name(wanted, row.name));
    }
    if (!row.size_bytes) row.size_bytes = wanted.size_bytes;
    if (!row.size_bytes && job.probe && document.files.size() == 1) row.size_bytes = job.probe->size_bytes;
    view.files.push_back(std::move(row));
  }
  return missing_of(view.files);
}

void set_plan(JobView& view, std::optional<std::uint64_t> remaining_bytes, const std::string& place_zone,
              Instant now) {
  const Job& job = view.job;
  if (ended(job.state) || !view.asked) return;
  const Hours hours = hours_of(view.asked->when, place_zone);
  if (!hours.by) return;
  std::optional<std::uint64_t> rate = view.asked->rate_bytes_per_s;
  if (view.live && view.live->bytes_per_s > 0) rate = view.live->bytes_per_s;
  const auto begins = job.state == State::running
                          ? std::optional(now)
                          : next_run(hours, std::max(now, job.next_run.value_or(now)));
  const Plan made = plan(hours, now, begins, remaining_bytes, rate);
  view.plan = made.verdict;
  view.plan_reason = made.reason;
}

Result<JobViews> read_views(Tx& tx, AccountId account, const JobFilter& filter, const std::string& place_zone,
                            Instant now) {
  auto& records = tx.repo<JobRecords>();
  auto page = records.list(account, filter);
  if (!page) return fail(std::move(page.error()));
  JobViews out;
  out.next_cursor = std::move(page->next_cursor);
  out.views.reserve(page->jobs.size());
  for (Job& job : page->jobs) {
    JobView& view = out.views.emplace_back();
    view.job = std::move(job);
    // A job that never ran has no rows of files yet.
    if (view.job.attempt > 0 || view.job.state != State::scheduled) {
      auto files = records.files(view.job.id);
      if (!files) return fail(std::move(files.error()));
      view.files = std::move(*files);
    }
    auto document = proxy::parse(view.job.document);
    std::string().swap(view.job.document);
    if (!document) continue;
    const auto missing = fill_files(view, *document, nullptr);
    view.asked = asked_of(*document);
    view.amounts = amounts_of(view.job, view.files);
    std::vector<FileRow>().swap(view.files);
    set_plan(view, missing, place_zone, now);
  }
  return out;
}

}  // namespace restante::jobs
