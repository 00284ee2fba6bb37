// SPDX-License-Identifier: Apache-2.0
#include "transfer/percent.hpp"

#include "base/text.hpp"
#include "base/unicode.hpp"

namespace restante::transfer {

namespace {

constexpr std::size_t max_name_bytes = 1024;

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '%' ? from_hex(text.substr(i + 1, 2)) : std::nullopt;
    if (byte && byte->size() == 1) {
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string bounded_name(std::string_view name) {
  std::string out(whole_characters(name, max_name_bytes));
  for (char& c : out)
    if ((c >= 0 && c < 0x20) || c == 0x7f) c = '_';
  return out;
}

}  // namespace restante::transfer
