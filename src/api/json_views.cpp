// SPDX-License-Identifier: Apache-2.0
#include "api/json_views.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace restante::api {

namespace {

std::uint64_t received(const jobs::FileRow& file) {
  if (file.state == jobs::FileState::done) return file.size_bytes.value_or(file.checkpoint.written_bytes);
  return file.checkpoint.written_bytes;
}

std::optional<std::uint64_t> size_of(const jobs::JobView& view) {
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
  std::uint64_t sum = 0;
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
  if (job.probe) {
    json.key("probe");
    write_probe(json, *job.probe);
  }
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
  json.close(']').key("why").text(detail.why).close('}');
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
  json.key("label").text(device.label);
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
