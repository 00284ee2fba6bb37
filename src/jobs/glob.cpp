// SPDX-License-Identifier: Apache-2.0
#include "jobs/glob.hpp"

#include "base/text.hpp"

namespace restante::jobs {

namespace {

bool is_letter(unsigned byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

}  // namespace

Result<Glob> Glob::parse(std::string_view pattern) {
  if (pattern.empty() || pattern.size() > longest || !is_utf8(pattern))
    return fail(Reason::invalid, "a pattern must be a text of at most 255 bytes", "as in *.mp4 or slides/**");
  auto table = std::make_shared<Table>();
  table->whole = pattern.find('/') != std::string_view::npos;
  std::size_t state = 0;
  const auto step_on = [&](unsigned byte) { table->step[byte].set(state); };
  while (!pattern.empty()) {
    const char c = pattern.front();
    if (c == '*') {
      const bool any = pattern.starts_with("**");
      while (pattern.starts_with('*')) pattern.remove_prefix(1);
      for (unsigned byte = 0; byte < 256; ++byte)
        if (any || byte != '/') table->stay[byte].set(state);
      const bool at_segment = state == 0 || table->step[static_cast<unsigned>('/')].test(state - 1);
      if (any && at_segment && pattern.starts_with('/')) table->skip.set(state);
      continue;
    }
    pattern.remove_prefix(1);
    const auto own = static_cast<unsigned char>(c);
    if (c == '?') {
      for (unsigned byte = 0; byte < 256; ++byte)
        if (byte != '/' && (byte & 0xc0) != 0x80) step_on(byte);
      ++state;
      for (unsigned byte = 0x80; byte < 0xc0; ++byte)
        table->stay[byte].set(state);  // the rest of a character
      continue;
    }
    step_on(own);
    if (is_letter(own)) step_on(own ^ 0x20U);
    ++state;
  }
  table->end = state;
  Glob out;
  out.table_ = std::move(table);
  return out;
}

void Glob::feed(const Table& table, States& states, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    States fresh = (states & table.step[byte]) << 1;
    fresh |= (fresh & table.skip) << 1;
    states = fresh | (states & table.stay[byte]);
    if (states.none()) return;
  }
}

bool Glob::matches(std::string_view folder, std::string_view name) const {
  const Table& table = *table_;
  States states;
  states.set(0);
  states |= (states & table.skip) << 1;
  if (table.whole && !folder.empty()) {
    feed(table, states, folder);
    feed(table, states, "/");
  }
  feed(table, states, name);
  return states.test(table.end);
}

}  // namespace restante::jobs
