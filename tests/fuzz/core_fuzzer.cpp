// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "fuzz.hpp"
#include "proxy/document.hpp"
#include "proxy/policy.hpp"

#include <string>

// The proxy document (FORMATS.md §1.4, §1.5).
namespace restante::fuzz {

using proxy::Document;
using proxy::Part;

void core(std::string_view input) {
  const auto document = proxy::parse(input);
  if (!document) {
    check(!document.error().message.empty(), "a refusal has words");
    check(is_utf8(document.error().message) && is_utf8(document.error().pointer), "a refusal is text");
    check(document.error().pointer.empty() || document.error().pointer.front() == '/',
          "a pointer is one of RFC 6901");
    return;
  }

  const std::string whole = proxy::to_json(*document);
  const auto again = proxy::parse(whole);
  check(again.has_value(), "what is written is read");
  check(proxy::to_json(*again) == whole, "reading what was written changes nothing");

  const std::string open = proxy::to_json(*document, Part::without_secrets);
  const std::string secret = proxy::to_json(*document, Part::only_secrets);
  auto joined = proxy::parse(open);
  check(joined.has_value(), "the document without its secrets is read");
  check(joined->access.empty() || secret.empty(), "no secret is in the readable part");
  if (!secret.empty()) {
    check(proxy::restore_secrets(*joined, secret).has_value(), "the secrets are put back");
    check(proxy::to_json(*joined) == whole, "both parts together are the document");
  }

  for (const auto& file : document->files) {
    for (const auto& source : file.sources) {
      check(proxy::origin_of(source.url).has_value(), "every source has an origin");
      const auto authority = source.url.find("//") + 2;
      const auto behind = source.url.find_first_of("/?#", authority);
      check(source.url.substr(authority, behind - authority).find('@') == std::string::npos,
            "no source has user information in its address");
      for (const auto& [name, value] : source.request.headers)
        check(
            (name + value).find_first_of("\r\n") == std::string::npos && name.find('\0') == std::string::npos,
            "no header breaks its line");
    }
    check(file.name.find('/') == std::string::npos, "a name has no folder");
  }
  static_cast<void>(proxy::check_supported(*document));
  static_cast<void>(proxy::check_times(*document, Instant(Seconds(document->iat))));
}

}  // namespace restante::fuzz
