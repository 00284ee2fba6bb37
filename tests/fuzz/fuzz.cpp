// SPDX-License-Identifier: Apache-2.0
#include "fuzz.hpp"

#include <cstdio>
#include <cstdlib>

namespace restante::fuzz {

void check(bool holds, std::string_view property) {
  if (holds) return;
  std::fprintf(stderr, "this must hold, and does not: %.*s\n", static_cast<int>(property.size()),
               property.data());
  std::abort();
}

std::vector<std::string_view> lines(std::string_view input, std::size_t most) {
  std::vector<std::string_view> out;
  while (out.size() + 1 < most) {
    const std::size_t end = input.find('\n');
    if (end == std::string_view::npos) break;
    out.push_back(input.substr(0, end));
    input.remove_prefix(end + 1);
  }
  out.push_back(input);
  out.resize(most);
  return out;
}

std::vector<std::size_t> cuts(std::size_t size) {
  constexpr std::size_t short_text = 300, places = 40;
  std::vector<std::size_t> out;
  const std::size_t step = size <= short_text ? 1 : size / places;
  for (std::size_t at = 1; at < size; at += step) out.push_back(at);
  return out;
}

}  // namespace restante::fuzz
