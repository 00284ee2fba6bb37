// SPDX-License-Identifier: Apache-2.0
#include "worker/clean.hpp"

#include "base/text.hpp"

namespace restante::worker {

std::string clean(std::string_view text, std::size_t most) {
  std::string out;
  for (char c : text.substr(0, most))
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out += c;
  // The cut may have gone through a character of at most four bytes.
  for (int cut = 0; cut < 3 && text.size() > most && !is_utf8(out) && !out.empty(); ++cut) out.pop_back();
  if (!is_utf8(out))
    for (char& c : out)
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  return out;
}

void clean(jobs::ResponseFacts& facts) {
  facts.final_url = clean(facts.final_url, 8192);
  facts.name_hint = clean(facts.name_hint, 4096);
  facts.media_type = clean(facts.media_type, 256);
  // Opaque bytes that go back to the content server: only what would end a header line is taken out.
  for (std::string* validator : {&facts.etag, &facts.last_modified}) {
    std::erase_if(*validator, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    if (validator->size() > 1024) validator->clear();
  }
}

}  // namespace restante::worker
