// SPDX-License-Identifier: Apache-2.0
#include "notify/facts.hpp"

#include "base/text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace restante::notify {
namespace {

namespace json = boost::json;

tl::unexpected<Error> damaged() {
  return fail(Reason::storage, "a notice in the store is damaged");
}

std::string text_at(const json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::optional<std::int64_t> number_at(const json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  if (!found || !found->is_int64()) return std::nullopt;
  return found->get_int64();
}

void put(json::object& out, std::string_view key, const std::string& text) {
  if (!text.empty()) out[key] = text;
}

json::object file_json(const FileFact& file) {
  json::object out{{"name", file.name}};
  if (file.size_bytes) out["size"] = static_cast<std::int64_t>(*file.size_bytes);
  if (!file.verified) out["unproven"] = true;
  put(out, "link", file.link_token);
  return out;
}

FileFact file_from(const json::object& from) {
  FileFact file;
  file.name = text_at(from, "name");
  if (const auto size = number_at(from, "size")) file.size_bytes = static_cast<std::uint64_t>(*size);
  file.verified = !from.contains("unproven");
  file.link_token = text_at(from, "link");
  return file;
}

}  // namespace

std::string to_json(const Facts& facts) {
  json::object out{{"event", name(facts.event)}, {"at", facts.at.time_since_epoch().count()}};
  if (facts.job) out["job"] = facts.job->text();
  put(out, "name", facts.job_name);
  put(out, "state", facts.state);
  if (facts.reason) out["reason"] = code(*facts.reason);
  put(out, "detail", facts.detail);
  json::array files;
  for (const auto& file : facts.files) files.push_back(file_json(file));
  if (!files.empty()) out["files"] = std::move(files);
  if (facts.file_count != 0) out["file_count"] = facts.file_count;
  if (facts.until) out["until"] = facts.until->time_since_epoch().count();
  put(out, "code", facts.code);
  put(out, "account", facts.account);
  json::array lines;
  for (const auto& line : facts.gathered) lines.emplace_back(line);
  if (!lines.empty()) out["gathered"] = std::move(lines);
  if (facts.gathered_count != 0) out["gathered_count"] = facts.gathered_count;
  return json::serialize(out);
}

Result<Facts> facts_from_json(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return damaged();
  const auto& from = value.get_object();
  Facts facts;
  const auto event = event_from_name(text_at(from, "event"));
  const auto at = number_at(from, "at");
  if (!event || !at) return damaged();
  facts.event = *event;
  facts.at = Instant(Millis(*at));
  facts.job = JobId::parse(text_at(from, "job"));
  facts.job_name = text_at(from, "name");
  facts.state = text_at(from, "state");
  if (from.contains("reason")) facts.reason = reason_from_code(text_at(from, "reason"));
  facts.detail = text_at(from, "detail");
  if (const auto* files = from.if_contains("files"); files && files->is_array())
    for (const auto& file : files->get_array())
      if (file.is_object()) facts.files.push_back(file_from(file.get_object()));
  facts.file_count = static_cast<int>(number_at(from, "file_count").value_or(0));
  if (const auto until = number_at(from, "until")) facts.until = Instant(Millis(*until));
  facts.code = text_at(from, "code");
  facts.account = text_at(from, "account");
  if (const auto* lines = from.if_contains("gathered"); lines && lines->is_array())
    for (const auto& line : lines->get_array())
      if (line.is_string()) facts.gathered.emplace_back(line.get_string());
  facts.gathered_count = static_cast<int>(number_at(from, "gathered_count").value_or(0));
  return facts;
}

}  // namespace restante::notify
