// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "capture/understand.hpp"
#include "fuzz.hpp"
#include "proxy/policy.hpp"

#include <string>

// What people paste: addresses, curl commands, recordings, Metalinks, aria2's lists, documents (FORMATS.md
// §8).
namespace restante::fuzz {

namespace {

/// Text that may be shown: UTF-8 on one line.
void check_shown(const std::string& text) {
  check(is_utf8(text), "what is shown is text");
  check(text.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos, "what is shown is one line");
}

void check_request(const capture::Request& one) {
  const Instant now{Seconds(1'800'000'000)};
  const auto document =
      capture::address_to(one.document, {std::string(43, 'A'), "https://place.example"}, now);
  const auto parsed = proxy::parse(proxy::to_json(document));
  check(parsed.has_value(), "what was understood is a document");
  check(proxy::check_supported(*parsed).has_value(), "this place can do it");
  check(proxy::check_times(*parsed, now).has_value(), "it is of now");

  check_shown(one.url);
  check_shown(one.name);
  for (const auto& note : one.notes) check_shown(note);
  const auto query = one.url.find('?');
  check(query == std::string::npos || one.url.substr(query) == "?\u2026", "no query is shown");
  const auto path = one.url.find('/', one.url.find("//") + 2);
  check(one.url.substr(0, path).find('@') == std::string::npos, "no user information is shown");
  check(one.secrets.empty() == document.access.empty(), "every secret is named");
  for (const auto& file : parsed->files)
    for (const auto& source : file.sources)
      for (const auto& id : source.credential_ids)
        for (const auto& credential : parsed->access)
          check(credential.id != id || !credential.scope.empty(), "every secret has a scope");
}

void check_understood(std::string_view input, const capture::Hint& hint) {
  const auto found = capture::understand(input, hint);
  if (!found) {
    check(!found.error().message.empty(), "a refusal has words");
    check(is_utf8(found.error().message), "a refusal is text");
    return;
  }
  check(!found->requests.empty() || !found->left_out.empty(), "something is told");
  check(capture::kind_named(capture::name(found->kind)) == found->kind, "its kind has a name");
  check(found->requests.size() <= hint.limits.requests, "no more than allowed");
  check(found->left_out.size() <= hint.limits.left_out + 2, "no more is told than allowed");
  for (const auto& one : found->requests) check_request(one);
  for (const auto& [what, why] : found->left_out) {
    check(!what.empty() && !why.empty(), "what is left out has a reason");
    check_shown(what);
    check_shown(why);
  }
}

}  // namespace

void pasted(std::string_view input) {
  capture::Hint hint;
  hint.limits = {.requests = 16, .left_out = 4, .notes = 4, .words = 256};
  check_understood(input, hint);
  constexpr capture::Kind kinds[] = {capture::Kind::urls,     capture::Kind::curl,  capture::Kind::har,
                                     capture::Kind::metalink, capture::Kind::aria2, capture::Kind::request};
  hint.kind = kinds[input.size() % std::size(kinds)];
  check_understood(input, hint);
}

}  // namespace restante::fuzz
