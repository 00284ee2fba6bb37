// SPDX-License-Identifier: Apache-2.0
#include "net/small_request.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace restante::net {

namespace {

constexpr std::array<std::string_view, 12> ours{
    "host",       "content-length", "transfer-encoding", "connection",
    "te",         "trailer",        "upgrade",           "expect",
    "keep-alive", "user-agent",     "accept-encoding",   "proxy-authorization"};

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  });
}

bool is_visible(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

Result<HttpUrl> check(const SmallRequest& request, const SmallRequestLimits& limits) {
  auto url = parse_url(request.url);
  if (!url) return url;
  const std::size_t authority = request.url.find("//");
  const std::size_t end = request.url.find_first_of("/?#", authority + 2);
  if (request.url.substr(0, end).find('@') != std::string::npos)
    return fail(Reason::invalid, "an address with a user's name in it is not taken");
  if (request.method != "POST" && request.method != "GET" && request.method != "PUT")
    return fail(Reason::malformed, "a request has an unknown method");
  if (request.deadline < limits.shortest || request.deadline > limits.longest)
    return fail(Reason::malformed, "a request has no sensible deadline");
  std::size_t bytes = 0;
  for (const auto& [name, value] : request.headers) {
    const std::string lower = ascii_lower(name);
    if (!is_token(name) || !is_visible(value) || std::find(ours.begin(), ours.end(), lower) != ours.end())
      return fail(Reason::malformed, "a request has a header field that cannot be sent");
    bytes += name.size() + value.size();
  }
  if (request.headers.size() > limits.headers || bytes > limits.header_bytes ||
      request.body.size() > limits.body_bytes || request.answer_bytes > limits.answer_bytes)
    return fail(Reason::too_large, "a request is larger than allowed");
  return url;
}

}  // namespace restante::net
