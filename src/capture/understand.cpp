// SPDX-License-Identifier: Apache-2.0
#include "capture/understand.hpp"

#include "base/text.hpp"
#include "capture/draft.hpp"

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

Kind kind_of(std::string_view text) {
  if (looks_like_curl(text)) return Kind::curl;
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
    default:
      return understand_urls(text, hint.limits);
  }
}

}  // namespace restante::capture
