// SPDX-License-Identifier: Apache-2.0
#include "http/message.hpp"

#include "base/text.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace restante::http {

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return value;
  return {};
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

std::string Request::bearer_token() const {
  constexpr std::string_view scheme = "Bearer ";
  std::string_view value = header("Authorization");
  if (value.size() <= scheme.size() || !iequals(value.substr(0, scheme.size()), scheme)) return {};
  value.remove_prefix(scheme.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return std::string(value);
}

std::uint64_t FileBody::length() const {
  std::uint64_t total = after.size();
  for (const auto& part : parts) total += part.before.size() + part.length;
  return total;
}

void Response::set(std::string name, std::string value) {
  for (auto& [key, old] : headers)
    if (iequals(key, name)) {
      old = std::move(value);
      return;
    }
  headers.emplace_back(std::move(name), std::move(value));
}

Response problem(const Error& error, std::string_view instance) {
  const ReasonInfo& reason = info(error.reason);
  boost::json::object body;
  body["type"] = "/problems/" + std::string(reason.code);
  body["title"] = boost::json::string(reason.words);
  body["status"] = reason.http_status;
  if (!error.message.empty()) body["detail"] = error.message;
  if (!instance.empty()) body["instance"] = boost::json::string(instance);
  body["reason"] = boost::json::string(reason.code);
  body["hint"] = boost::json::string(error.remedy());
  if (!error.pointer.empty()) body["pointer"] = error.pointer;

  Response response;
  response.status = reason.http_status;
  response.set("Content-Type", "application/problem+json");
  response.body = boost::json::serialize(body);
  return response;
}

Response json_response(int status, std::string body) {
  Response response;
  response.status = status;
  response.set("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

}  // namespace restante::http
