// SPDX-License-Identifier: Apache-2.0
#include "request/model.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace restante::request {
namespace {

constexpr std::string_view problem_prefix = "/problems/";

/// The reason behind a code, or what the status alone tells of a code that this version does not know.
Reason reason_of(std::string_view code, int status) {
  if (code.starts_with(problem_prefix)) code.remove_prefix(problem_prefix.size());
  for (std::size_t i = 0; i < reason_table.size(); ++i)
    if (reason_table[i].code == code) return static_cast<Reason>(i);
  switch (status) {
    case 401:
      return Reason::unauthenticated;
    case 403:
      return Reason::forbidden;
    case 404:
      return Reason::not_found;
    case 409:
      return Reason::conflict;
    case 412:
      return Reason::precondition;
    case 413:
      return Reason::too_large;
    case 429:
      return Reason::rate_limited;
    case 503:
      return Reason::busy;
    default:
      return status >= 500 ? Reason::internal : Reason::invalid;
  }
}

}  // namespace

Error read_error(const json::bj::object& object, int status) {
  Error error;
  std::string code = json::text(object, "reason");
  if (code.empty()) code = json::text(object, "type");
  error.reason = reason_of(code, status);
  for (const char* member : {"message", "detail", "title"})
    if (error.message.empty()) error.message = json::text(object, member);
  if (error.message.empty()) error.message = info(error.reason).words;
  error.hint = json::text(object, "hint");
  error.pointer = json::text(object, "pointer");
  if (error.pointer.starts_with('#')) error.pointer.erase(0, 1);
  error.transient = info(error.reason).kind == ReasonClass::transient;
  return error;
}

Job read_job(const json::bj::object& object) {
  Job job;
  job.id = json::text(object, "id");
  job.proxy = json::text(object, "proxy");
  job.name = json::text(object, "name");
  job.state = json::text(object, "state");
  job.reason = json::text(object, "reason");
  job.waiting_for = json::text(object, "waiting_for");
  job.message = json::text(object, "message");
  job.plan = json::text(object, "plan");
  job.plan_reason = json::text(object, "plan_reason");
  job.next_run = json::text(object, "next_run");
  job.created = json::text(object, "created");
  if (const auto* when = json::object(object, "when")) job.repeat = json::text(*when, "repeat");
  job.size_bytes = json::number(object, "size_bytes");
  job.bytes_per_s = json::number(object, "bytes_per_s");
  job.received_bytes = json::number(object, "received_bytes").value_or(0);
  job.attempt = json::number(object, "attempt").value_or(0);
  if (const auto* look = json::object(object, "probe")) {
    auto& out = job.look_first.emplace();
    out.name = json::text(*look, "name");
    out.media_type = json::text(*look, "media_type");
    out.refused = json::text(*look, "refused");
    out.message = json::text(*look, "message");
    out.size_bytes = json::number(*look, "size_bytes");
    out.resumable = json::truth(*look, "resumable");
    out.web_page = json::truth(*look, "web_page");
  }
  job.json = json::bj::serialize(object);
  return job;
}

JobDetail read_job_detail(const json::bj::object& object) {
  JobDetail out;
  out.job = read_job(object);
  out.why = json::text(object, "why");
  if (const auto* rows = json::array(object, "history")) {
    for (const auto& row : *rows)
      if (const auto* entry = row.if_object())
        out.history.push_back({json::text(*entry, "at"), json::text(*entry, "from"), json::text(*entry, "to"),
                               json::text(*entry, "cause"), json::text(*entry, "reason")});
  }
  if (const auto* files = json::array(object, "files")) {
    for (const auto& value : *files)
      if (const auto* entry = value.if_object())
        out.files.push_back({json::text(*entry, "name"), json::text(*entry, "state"),
                             json::text(*entry, "reason"), json::text(*entry, "file"),
                             json::text(*entry, "sha256"), json::number(*entry, "size_bytes"),
                             json::number(*entry, "received_bytes").value_or(0)});
  }
  return out;
}

StoredFile read_file(const json::bj::object& object) {
  StoredFile file;
  file.id = json::text(object, "id");
  file.name = json::text(object, "name");
  file.published = json::text(object, "published");
  file.job = json::text(object, "job");
  file.sha256 = json::text(object, "sha256");
  file.size_bytes = json::number(object, "size_bytes");
  file.received_bytes = json::number(object, "received_bytes").value_or(0);
  file.verified = json::truth(object, "verified");
  file.arriving = json::truth(object, "arriving");
  if (const auto* flags = json::array(object, "flags"))
    for (const auto& flag : *flags)
      if (flag.is_string()) file.flags.emplace_back(flag.get_string().c_str());
  file.json = json::bj::serialize(object);
  return file;
}

Device read_device(const json::bj::object& object) {
  Device device;
  device.id = json::text(object, "id");
  device.label = json::text(object, "label");
  device.created = json::text(object, "created");
  device.last_seen = json::text(object, "last_seen");
  device.current = json::truth(object, "current");
  device.json = json::bj::serialize(object);
  return device;
}

}  // namespace restante::request
