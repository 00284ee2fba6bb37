// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "store/sqlite/records.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace restante::store::sqlite {
namespace json = boost::json;
namespace {

json::value parsed(const std::string& column) {
  boost::system::error_code error;
  json::value value = json::parse(column, error);
  if (error) throw_damaged("a value is not JSON");
  return value;
}

std::string string_in(const json::object& object, const char* key) {
  const json::value* found = object.if_contains(key);
  if (found == nullptr || !found->is_string()) return {};
  return std::string(found->get_string());
}

std::optional<std::int64_t> number_in(const json::object& object, const char* key) {
  const json::value* found = object.if_contains(key);
  if (found == nullptr || !found->is_int64()) return std::nullopt;
  return found->get_int64();
}

bool flag_in(const json::object& object, const char* key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::optional<Reason> reason_from(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return reason_from_code(text).value_or(Reason::internal);
}

}  // namespace

Query& bind_reason(Query& query, const std::optional<Reason>& reason) {
  if (!reason) return query.null();
  return query.text_view(code(*reason));
}

std::optional<Reason> reason_at(Query& query, int column) {
  return reason_from(query.text_at(column));
}

std::optional<Instant> optional_instant_at(Query& query, int column) {
  if (query.is_null(column)) return std::nullopt;
  return instant_from(query.number_at(column));
}

std::string flags_to_column(const std::vector<std::string>& flags) {
  if (flags.empty()) return {};
  json::array out;
  for (const std::string& flag : flags) out.emplace_back(flag);
  return json::serialize(out);
}

std::vector<std::string> flags_from(const std::string& column) {
  std::vector<std::string> flags;
  if (column.empty()) return flags;
  const json::value value = parsed(column);
  if (!value.is_array()) throw_damaged("flags are not an array");
  for (const json::value& flag : value.get_array()) {
    if (!flag.is_string()) throw_damaged("a flag is not a string");
    flags.emplace_back(flag.get_string());
  }
  return flags;
}

std::string old_to_column(const std::optional<jobs::OldPartial>& old) {
  if (!old) return {};
  const jobs::Checkpoint& at = old->checkpoint;
  json::object out;
  out["generation"] = old->generation;
  out["written_bytes"] = static_cast<std::int64_t>(at.written_bytes);
  out["synced_bytes"] = static_cast<std::int64_t>(at.synced_bytes);
  out["boot_id"] = at.boot_id;
  out["etag"] = to_base64(at.etag);  // a content server may send any bytes
  out["last_modified"] = to_base64(at.last_modified);
  if (at.total_bytes) out["total_bytes"] = static_cast<std::int64_t>(*at.total_bytes);
  if (at.ranges) out["ranges"] = true;
  if (at.relinked) out["relinked"] = true;
  return json::serialize(out);
}

std::optional<jobs::OldPartial> old_from(const std::string& column) {
  if (column.empty()) return std::nullopt;
  const json::value value = parsed(column);
  if (!value.is_object()) throw_damaged("an old partial file is not an object");
  const json::object& in = value.get_object();
  const auto bytes = [&](const char* key) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_in(in, key).value_or(0)));
  };
  jobs::OldPartial old;
  old.generation = static_cast<int>(number_in(in, "generation").value_or(0));
  old.checkpoint.written_bytes = bytes("written_bytes");
  old.checkpoint.synced_bytes = bytes("synced_bytes");
  old.checkpoint.boot_id = string_in(in, "boot_id");
  old.checkpoint.etag = from_base64(string_in(in, "etag")).value_or("");
  old.checkpoint.last_modified = from_base64(string_in(in, "last_modified")).value_or("");
  if (number_in(in, "total_bytes")) old.checkpoint.total_bytes = bytes("total_bytes");
  old.checkpoint.ranges = flag_in(in, "ranges");
  old.checkpoint.relinked = flag_in(in, "relinked");
  return old;
}

std::string apart_to_column(const std::vector<Stretch>& apart) {
  if (apart.empty()) return {};
  json::array out;
  for (const Stretch& one : apart)
    out.push_back(json::object{{"begin", static_cast<std::int64_t>(one.begin)},
                               {"bytes", static_cast<std::int64_t>(one.pieces.end_bytes)},
                               {"digests", to_base64(one.pieces.digests)}});
  return json::serialize(out);
}

std::vector<Stretch> apart_from(const std::string& column) {
  std::vector<Stretch> apart;
  if (column.empty()) return apart;
  const json::value value = parsed(column);
  if (!value.is_array()) throw_damaged("what lies apart is not an array");
  for (const json::value& one : value.get_array()) {
    if (!one.is_object()) throw_damaged("what lies apart is not of objects");
    const json::object& in = one.get_object();
    const auto begin = number_in(in, "begin").value_or(-1), bytes = number_in(in, "bytes").value_or(-1);
    PieceReport pieces;
    pieces.end_bytes = static_cast<std::uint64_t>(bytes);
    pieces.digests = from_base64(string_in(in, "digests")).value_or("");
    Stretch stretch;
    stretch.begin = static_cast<std::uint64_t>(begin);
    if (begin < 0 || bytes < 0 || !add(stretch.pieces, pieces)) throw_damaged("what lies apart cannot be");
    apart.push_back(std::move(stretch));
  }
  return apart;
}

std::string probe_to_column(const std::optional<jobs::Probe>& probe) {
  if (!probe) return {};
  json::object out;
  if (!probe->name.empty()) out["name"] = probe->name;
  if (probe->size_bytes) out["size_bytes"] = static_cast<std::int64_t>(*probe->size_bytes);
  if (!probe->media_type.empty()) out["media_type"] = probe->media_type;
  if (probe->resumable) out["resumable"] = true;
  if (probe->web_page) out["web_page"] = true;
  if (probe->http_status != 0) out["http_status"] = probe->http_status;
  if (probe->refused) out["refused"] = code(*probe->refused);
  if (!probe->message.empty()) out["message"] = probe->message;
  return json::serialize(out);
}

std::optional<jobs::Probe> probe_from(const std::string& column) {
  if (column.empty()) return std::nullopt;
  const json::value value = parsed(column);
  if (!value.is_object()) throw_damaged("a probe is not an object");
  const json::object& in = value.get_object();
  jobs::Probe probe;
  probe.name = string_in(in, "name");
  if (auto size = number_in(in, "size_bytes")) probe.size_bytes = static_cast<std::uint64_t>(*size);
  probe.media_type = string_in(in, "media_type");
  probe.resumable = flag_in(in, "resumable");
  probe.web_page = flag_in(in, "web_page");
  probe.http_status = static_cast<int>(number_in(in, "http_status").value_or(0));
  probe.refused = reason_from(string_in(in, "refused"));
  probe.message = string_in(in, "message");
  return probe;
}

}  // namespace restante::store::sqlite
