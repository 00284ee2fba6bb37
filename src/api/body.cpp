// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"

#include "base/text.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace restante::api {

std::string media_type_of(std::string_view content_type) {
  std::string type = ascii_lower(content_type.substr(0, content_type.find(';')));
  while (type.ends_with(' ') || type.ends_with('\t')) type.pop_back();
  return type;
}

Result<boost::json::object> read_object(const http::Request& request,
                                        std::initializer_list<std::string_view> media_types,
                                        std::initializer_list<std::string_view> members) {
  const std::string type = media_type_of(request.header("Content-Type"));
  if (std::find(media_types.begin(), media_types.end(), type) == media_types.end())
    return fail(Reason::media_type, fmt::format("the body must be {}", *media_types.begin()),
                fmt::format("send Content-Type: {}", *media_types.begin()));
  boost::json::parse_options options;
  options.max_depth = 16;
  boost::system::error_code error;
  auto value = boost::json::parse(request.body, error, {}, options);
  if (error) return fail(Reason::malformed, "the body is not JSON: " + error.message(), "send a JSON object");
  if (!value.is_object()) return fail(Reason::invalid, "the body is not a JSON object", "send a JSON object");
  for (const auto& member : value.as_object())
    if (std::find(members.begin(), members.end(), std::string_view(member.key())) == members.end())
      return fail(Reason::invalid,
                  fmt::format("the member {} is not known here", std::string_view(member.key())),
                  "see /v1/openapi.json", "/" + std::string(member.key()));
  return std::move(value.as_object());
}

Result<std::optional<std::string>> read_text(const boost::json::object& object, std::string_view member,
                                             std::size_t limit) {
  const auto* found = object.if_contains(member);
  if (found == nullptr) return std::optional<std::string>();
  const std::string pointer = "/" + std::string(member);
  if (!found->is_string()) return fail(Reason::invalid, fmt::format("{} is not a text", member), "", pointer);
  if (found->as_string().size() > limit)
    return fail(Reason::invalid, fmt::format("{} is longer than {} bytes", member, limit), "", pointer);
  return std::optional<std::string>(std::string(found->as_string()));
}

Result<std::string> need_text(const boost::json::object& object, std::string_view member, std::size_t limit) {
  auto text = read_text(object, member, limit);
  if (!text) return fail(text.error());
  if (!*text)
    return fail(Reason::invalid, fmt::format("the member {} is missing", member), "",
                "/" + std::string(member));
  return std::move(**text);
}

}  // namespace restante::api
