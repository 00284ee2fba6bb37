// SPDX-License-Identifier: Apache-2.0
#include "api/json_views.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace restante::api {

namespace {

std::uint64_t received(const jobs::FileRow& file) {
  if (file.state == jobs::FileState::done) return file.size_bytes.value_or(file.checkpoint.held_bytes());
  return file.checkpoint.held_bytes();
}

std::optional<std::uint64_t> size_of(const jobs::JobView& view) {
  if (view.amounts) return view.amounts->size_bytes;
  std::uint64_t sum = 0;
  const bool all_known = !view.files.empty() &&
                         std::all_of(view.files.begin(), view.files.end(), [&](const jobs::FileRow& file) {
                           sum += file.size_bytes.value_or(0);
                           return file.size_bytes.has_value();
                         });
  if (all_known) return sum;
  if (view.job.file_count == 1 && view.job.probe) return view.job.probe->size_bytes;
  return std::nullopt;
}

std::uint64_t received(const jobs::JobView& view) {
  std::uint64_t sum = view.amounts ? view.amounts->received_bytes : 0;
  for (const auto& file : view.files) sum += received(file);
  return view.live ? std::max(sum, view.live->received_bytes) : sum;
}

/// `live` counts the ended files too, and files run one after another: the rest of it is of the one under
/// way.
std::uint64_t received(const jobs::JobView& view, const jobs::FileRow& file) {
  if (file.state != jobs::FileState::receiving || !view.live) return received(file);
  std::uint64_t others = 0;
  for (const auto& other : view.files)
    if (other.state == jobs::FileState::done) others += received(other);
  const std::uint64_t live = view.live->received_bytes;
  return std::max(received(file), live > others ? live - others : 0);
}

void write_optional_size(JsonWriter& json, std::string_view key, std::optional<std::uint64_t> size) {
  if (size) json.key(key).number(*size);
}

}  // namespace

void write_probe(JsonWriter& json, const jobs::Probe& probe) {
  json.open('{').key("name").text(probe.name);
  write_optional_size(json, "size_bytes", probe.size_bytes);
  json.key("media_type").text(probe.media_type);
  json.key("resumable").yes_no(probe.resumable);
  json.key("web_page").yes_no(probe.web_page);
  json.key("http_status").number(probe.http_status);
  if (probe.refused) json.key("refused").text(code(*probe.refused));
  if (!probe.message.empty()) json.key("message").text(probe.message);
  json.close('}');
}

namespace {

std::string hour_text(int minutes) {
  return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

void write_windows(JsonWriter& json, const std::vector<proxy::Window>& windows) {
  constexpr std::array<std::string_view, 7> days{"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
  json.key("windows").open('[');
  for (const auto& window : windows) {
    json.open('{').key("from").text(hour_text(window.from_minute));
    json.key("to").text(hour_text(window.to_minute));
    if (!window.days.empty()) {
      json.key("days").open('[');
      for (const auto day : window.days) json.text(days.at(static_cast<std::size_t>(day)));
      json.close(']');
    }
    json.close('}');
  }
  json.close(']');
}

void write_when(JsonWriter& json, const proxy::When& when) {
  const bool any = !when.start_text.empty() || !when.by_text.empty() || !when.tz.empty() ||
                   !when.windows.empty() || !when.repeat.empty();
  if (!any) return;
  json.key("when").open('{');
  if (!when.start_text.empty()) json.key("start").text(when.start_text);
  if (!when.by_text.empty()) json.key("by").text(when.by_text);
  if (!when.tz.empty()) json.key("tz").text(when.tz);
  if (!when.windows.empty()) write_windows(json, when.windows);
  if (!when.repeat.empty()) json.key("repeat").text(when.repeat);
  json.close('}');
}

void write_asked(JsonWriter& json, const jobs::Asked& asked) {
  if (!asked.folder.empty()) json.key("folder").text(asked.folder);
  write_when(json, asked.when);
  if (!asked.origin.empty()) json.key("sources_origin").text(asked.origin);
}

void write_job_members(JsonWriter& json, const jobs::JobView& view) {
  const jobs::Job& job = view.job;
  json.key("id").text(job.id.text());
  json.key("proxy").text(job.proxy_id);
  json.key("name").text(job.name);
  json.key("state").text(jobs::name(job.state));
  if (job.reason) json.key("reason").text(code(*job.reason));
  if (job.waiting_for != jobs::WaitingFor::nothing) json.key("waiting_for").text(jobs::name(job.waiting_for));
  if (!job.message.empty()) json.key("message").text(job.message);
  json.key("plan").text(view.plan);
  if (!view.plan_reason.empty()) json.key("plan_reason").text(view.plan_reason);
  if (job.next_run && !jobs::ended(job.state)) json.key("next_run").text(to_rfc3339(*job.next_run));
  write_optional_size(json, "size_bytes", size_of(view));
  json.key("received_bytes").number(received(view));
  if (view.live && job.state == jobs::State::running) json.key("bytes_per_s").number(view.live->bytes_per_s);
  json.key("attempt").number(job.attempt);
  json.key("created").text(to_rfc3339(job.created));
  if (job.occurrence) json.key("occurrence").text(to_rfc3339(*job.occurrence));
  if (job.started) json.key("started").text(to_rfc3339(*job.started));
  if (jobs::ended(job.state) && job.changed != Instant{}) json.key("ended").text(to_rfc3339(job.changed));
  if (view.asked) write_asked(json, *view.asked);
  if (job.probe) {
    json.key("probe");
    write_probe(json, *job.probe);
  }
}

/// What proved a file that is here; "": it is not here.
std::string_view proof_of(const jobs::FileRow& file, bool has_digest) {
  if (file.state != jobs::FileState::done) return {};
  if (!file.verified) return "nothing";
  return has_digest ? "digest" : "length";
}

void write_details(JsonWriter& json, const jobs::JobView& view) {
  const jobs::Asked& asked = *view.asked;
  json.key("sources").open('[');
  for (const auto& source : asked.sources) {
    json.open('{').key("file").number(source.file).key("url").text(source.url);
    if (source.in_use) json.key("in_use").yes_no(true);
    json.close('}');
  }
  json.close(']').key("checks").open('[');
  for (const auto& check : asked.checks) {
    const auto& file = view.files.at(static_cast<std::size_t>(check.file));
    json.open('{').key("file").number(check.file);
    if (!check.hex.empty()) {
      json.key("expected").open('{').key("algorithm").text(check.algorithm);
      json.key("hex").text(check.hex).close('}');
    }
    if (const auto proof = proof_of(file, !check.hex.empty()); !proof.empty())
      json.key("verified_by").text(proof);
    json.close('}');
  }
  json.close(']').key("limits").open('{');
  if (asked.rate_bytes_per_s) json.key("rate").number(*asked.rate_bytes_per_s);
  json.close('}');
}

void write_job_file(JsonWriter& json, const jobs::JobView& view, const jobs::FileRow& file) {
  json.open('{').key("index").number(file.index);
  json.key("state").text(jobs::name(file.state));
  if (!file.name.empty()) json.key("name").text(file.name);
  write_optional_size(json, "size_bytes", file.size_bytes);
  json.key("received_bytes").number(received(view, file));
  if (file.reason) json.key("reason").text(code(*file.reason));
  if (file.published) json.key("file").text(file.published->text());
  if (!file.sha256.empty()) json.key("sha256").text(file.sha256);
  if (file.wasted_bytes > 0) json.key("wasted_bytes").number(file.wasted_bytes);
  json.close('}');
}

}  // namespace

void write_job(JsonWriter& json, const jobs::JobView& view) {
  json.open('{');
  write_job_members(json, view);
  json.close('}');
}

void write_job(JsonWriter& json, const jobs::JobView& view, const JobDetail& detail) {
  json.open('{');
  write_job_members(json, view);
  json.key("history").open('[');
  for (const auto& row : detail.history) {
    json.open('{').key("at").text(to_rfc3339(row.at));
    if (row.cause != "accepted") json.key("from").text(jobs::name(row.from));
    json.key("to").text(jobs::name(row.to));
    json.key("cause").text(row.cause);
    if (row.reason) json.key("reason").text(code(*row.reason));
    json.close('}');
  }
  json.close(']').key("files").open('[');
  for (const auto& file : view.files) write_job_file(json, view, file);
  json.close(']');
  if (view.asked) write_details(json, view);
  json.key("why").text(detail.why).close('}');
}

void write_rates(JsonWriter& json, const jobs::Rates& rates) {
  json.open('{').key("interval_s").number(rates.interval.count());
  if (rates.begin) json.key("begin").text(to_rfc3339(*rates.begin));
  json.key("bytes_per_s").open('[');
  for (const auto rate : rates.bytes_per_s) json.number(rate);
  json.close(']').close('}');
}

void write_file(JsonWriter& json, const files::FileRecord& file) {
  json.open('{').key("id").text(file.id.text());
  json.key("name").text(file.name);
  json.key("size_bytes").number(file.size_bytes);
  json.key("published").text(to_rfc3339(file.published));
  if (!file.foreign()) json.key("job").text(file.job.text());
  if (!file.sha256.empty()) json.key("sha256").text(file.sha256);
  json.key("verified").yes_no(file.verified);
  json.key("flags").open('[');
  for (const auto& flag : file.flags) json.text(flag);
  json.close(']');
  if (!file.media_type.empty()) json.key("media_type").text(file.media_type);
  json.close('}');
}

void write_arriving(JsonWriter& json, const jobs::JobView& view, const jobs::FileRow& file) {
  json.open('{').key("name").text(file.name.empty() ? view.job.name : file.name);
  write_optional_size(json, "size_bytes", file.size_bytes);
  json.key("job").text(view.job.id.text());
  json.key("index").number(file.index);
  json.key("arriving").yes_no(true);
  json.key("received_bytes").number(received(view, file));
  json.key("verified").yes_no(false);
  json.key("flags").open('[').close(']');
  if (!file.media_type.empty()) json.key("media_type").text(file.media_type);
  json.close('}');
}

void write_device(JsonWriter& json, const accounts::Device& device) {
  json.key("id").text(device.id.value);
  json.key("label").text(device.label).key("kind").text(device.session ? "browser" : "device");
  if (device.session) json.key("session").text(accounts::credential_id(*device.session));
  json.key("created").text(to_rfc3339(device.created));
}

void write_error(JsonWriter& json, const Error& error) {
  json.open('{').key("type").text("/problems/" + std::string(code(error.reason)));
  json.key("reason").text(code(error.reason));
  json.key("message").text(error.message.empty() ? info(error.reason).words
                                                 : std::string_view(error.message));
  json.key("hint").text(error.remedy());
  if (!error.pointer.empty()) json.key("pointer").text(error.pointer);
  json.close('}');
}

std::string event_text(const jobs::Event& event) {
  std::string out;
  if (event.seq) out += fmt::format("id: {}\n", *event.seq);
  out += "event: " + event.kind + "\ndata: " + event.data + "\n\n";
  return out;
}

}  // namespace restante::api
