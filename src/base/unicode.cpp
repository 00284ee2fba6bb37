// SPDX-License-Identifier: Apache-2.0
#include "base/unicode.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utf8proc.h>

namespace restante {

namespace {

using Options = utf8proc_option_t;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

std::string mapped(std::string_view text, int options) {
  utf8proc_uint8_t* raw = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &raw, static_cast<Options>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(raw, std::free);
  if (size < 0) return std::string(text);
  return {reinterpret_cast<const char*>(raw), static_cast<std::size_t>(size)};
}

void append_escape(std::string& out, std::uint32_t unit) {
  static constexpr char digits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += digits[unit >> shift & 15];
}

}  // namespace

std::optional<std::uint32_t> take_point(std::string_view& text) {
  utf8proc_int32_t point = -1;
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &point);
  text.remove_prefix(size > 0 ? static_cast<std::size_t>(size) : 1);
  if (size <= 0) return std::nullopt;
  return static_cast<std::uint32_t>(point);
}

void append_point(std::string& out, std::uint32_t point) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(point), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

bool is_unprintable(std::uint32_t point) {
  if (point < 0x7f) return point < 0x20;
  if ((point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) == 0xfffe) return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(point))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return true;
    default:
      return point >= 0xe0000 && point <= 0xe007f;  // tags, the unassigned ones too
  }
}

bool is_blank(std::uint32_t point) {
  if (point < 0x80) return point == ' ' || point == '\t';
  if (point == 0x115f || point == 0x1160 || point == 0x2800 || point == 0x3164 || point == 0xffa0)
    return true;
  return utf8proc_category(static_cast<utf8proc_int32_t>(point)) == UTF8PROC_CATEGORY_ZS;
}

std::string nfc(std::string_view text) {
  if (is_ascii(text) || !is_utf8(text)) return std::string(text);
  return mapped(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
}

std::string folded(std::string_view text) {
  if (is_ascii(text)) return ascii_lower(text);
  if (!is_utf8(text)) return std::string(text);
  // Folding can undo a normal form, so it is made again.
  return nfc(mapped(text, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD));
}

std::string_view whole_characters(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t cluster_end = 0, point_end = 0;
  utf8proc_int32_t state = 0;
  std::optional<std::uint32_t> before;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t at = text.size() - rest.size();
    const auto point = take_point(rest);
    if (!before || !point ||
        utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(*before),
                                         static_cast<utf8proc_int32_t>(*point), &state))
      cluster_end = at;
    point_end = at;
    if (text.size() - rest.size() > most) break;
    before = point;
  }
  return text.substr(0, cluster_end > 0 ? cluster_end : point_end);
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto point = take_point(text);
    if (point && !is_unprintable(*point))
      append_point(out, *point);
    else
      out += '?';
  }
  return out;
}

std::string printable_json(std::string_view json) {
  std::string out;
  while (!json.empty()) {
    const auto point = take_point(json);
    if (!point) {
      out += "\\ufffd";
    } else if (*point == '\n' || *point == '\t' || *point == '\r' || !is_unprintable(*point)) {
      append_point(out, *point);  // white space between the members
    } else if (*point > 0xffff) {
      append_escape(out, 0xd800 + ((*point - 0x10000) >> 10));
      append_escape(out, 0xdc00 + ((*point - 0x10000) & 0x3ff));
    } else {
      append_escape(out, *point);
    }
  }
  return out;
}

}  // namespace restante
