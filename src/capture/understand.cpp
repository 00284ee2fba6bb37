// SPDX-License-Identifier: Apache-2.0
#include "capture/understand.hpp"

#include "base/text.hpp"
#include "capture/draft.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace restante::capture {
namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 6> kinds{{{Kind::urls, "urls"},
                                                                  {Kind::curl, "curl"},
                                                                  {Kind::har, "har"},
                                                                  {Kind::metalink, "metalink"},
                                                                  {Kind::aria2, "aria2"},
                                                                  {Kind::request, "request"}}};

/// The beginning of a recording names its log before anything else could be called so.
bool looks_like_har(std::string_view json) {
  const auto log = json.find("\"log\"");
  return log != json.npos && log < 4096 && json.find("\"entries\"", log) != json.npos;
}

/// Three or five parts of base64url between dots: a document that is signed or sealed (RFC 7515, RFC 7516).
bool is_compact_jose(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  const auto dots = std::count(text.begin(), text.end(), '.');
  return text.starts_with("eyJ") && (dots == 2 || dots == 4) && text.find_first_not_of(alphabet) == text.npos;
}

Kind kind_of(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n";
  auto content = text.substr(std::min(text.find_first_not_of(spaces), text.size()));
  content = content.substr(0, content.find_last_not_of(spaces) + 1);
  if (content.starts_with('{')) return looks_like_har(content) ? Kind::har : Kind::request;
  if (content.starts_with("web+restante:") || is_compact_jose(content)) return Kind::request;
  if (content.starts_with('<') && content.substr(0, 4096).find("metalink") != text.npos)
    return Kind::metalink;
  if (looks_like_curl(text)) return Kind::curl;
  if (looks_like_aria2(text)) return Kind::aria2;
  return Kind::urls;
}

}  // namespace

std::string_view name(Kind kind) {
  return kinds.at(static_cast<std::size_t>(kind)).second;
}

std::optional<Kind> kind_named(std::string_view name) {
  for (const auto& [kind, word] : kinds)
    if (word == name) return kind;
  return std::nullopt;
}

Result<Understood> understand(std::string_view text, const Hint& hint) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (!is_utf8(text) || text.find('\0') != text.npos)
    return fail(Reason::invalid, "this is not a text",
                "give a list of addresses, a curl command, a HAR or a Metalink file, in UTF-8");
  switch (hint.kind ? *hint.kind : kind_of(text)) {
    case Kind::curl:
      return understand_curl(text, hint.limits);
    case Kind::har:
      return understand_har(text, hint.limits);
    case Kind::metalink:
      return understand_metalink(text, hint.limits);
    case Kind::aria2:
      return understand_aria2(text, hint.limits);
    case Kind::request:
      return understand_request(text, hint.limits);
    case Kind::urls:
      break;
  }
  return understand_urls(text, hint.limits);
}

}  // namespace restante::capture
