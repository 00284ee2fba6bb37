// SPDX-License-Identifier: Apache-2.0
#include "fuzz.hpp"
#include "intake/mime.hpp"

#include <set>
#include <string>

// Mails of strangers (RFC 5322, RFC 2045).
namespace restante::fuzz {

void mime(std::string_view input) {
  const intake::MimeLimits limits{
      .message_bytes = 4000, .head_bytes = 500, .parts = 8, .depth = 3, .documents = 3};
  const auto found = intake::documents_in(input, limits);
  if (!found) {
    check(!found.error().message.empty(), "a refusal has words");
    check(input.size() <= limits.message_bytes || found.error().reason == Reason::too_large,
          "what is too large is refused for that");
    return;
  }
  check(input.size() <= limits.message_bytes, "nothing is found in what is too large");
  check(!found->empty() && found->size() <= limits.documents, "as many as allowed");
  std::set<std::string> different;
  for (const auto& one : *found) {
    check(!one.empty() && one.size() <= input.size(), "a document is a piece of the message");
    check(different.insert(one).second, "each document is told once");
  }
}

}  // namespace restante::fuzz
