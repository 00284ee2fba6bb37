// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "files/names.hpp"
#include "fuzz.hpp"
#include "http/ranges.hpp"
#include "transfer/naming.hpp"

#include <algorithm>
#include <string>

// Content-Disposition and what becomes of the name in it; the input is the field's value, and a name as well.
namespace restante::fuzz {

namespace {

void check_segment(const std::string& segment) {
  check(!segment.empty() && segment.size() <= 255, "a name has 1 to 255 bytes");
  check(is_utf8(segment), "a name is UTF-8");
  check(segment != "." && segment != "..", "no name climbs");
  check(segment.front() != '.' && segment.back() != '.' && segment.back() != ' ', "no name hides");
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const auto byte = static_cast<unsigned char>(segment[i]);
    check(byte >= 0x20 && byte != 0x7f &&
              std::string_view("/\\:*?\"<>|").find(segment[i]) == std::string_view::npos,
          "a name has no control characters, and none that a system forbids");
    const std::string_view rest = std::string_view(segment).substr(i);
    if (byte < 0x80) continue;
    check(!(byte == 0xc2 && static_cast<unsigned char>(rest[1]) < 0xa0),
          "a name has no C1 control characters");
    for (std::string_view bidi : {"\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
                                  "\u2066", "\u2067", "\u2068", "\u2069", "\u061c", "\u200b", "\ufeff"})
      check(!rest.starts_with(bidi), "a name does not turn the direction of writing");
  }
}

void check_name(std::string_view raw) {
  const std::string clean = files::clean_name(raw);
  check(files::clean_name(clean) == clean, "cleaning a clean name changes nothing");
  check(clean.size() <= 2048, "a path has at most 2048 bytes");
  const auto segments = files::split_path(clean);
  check(!segments.empty() && segments.size() <= 32, "a path has 1 to 32 segments");
  check(clean.front() != '/' && clean.find("//") == std::string::npos, "a path is relative");
  std::for_each(segments.begin(), segments.end(), check_segment);
  // One of them may be the name itself, if that is as long as can be and ends with such a number.
  check(files::numbered(clean, 1) != files::numbered(clean, 12345), "a numbered name is another one");
  for (const int number : {1, 12345}) {
    const std::string next = files::numbered(clean, number);
    const std::string last = files::split_path(next).back();
    check(files::clean_segment(last) == last, "a numbered name is clean");
  }

  const std::string segment = files::clean_segment(raw);
  if (!segment.empty()) check_segment(segment);
  check(files::clean_segment(segment) == segment, "cleaning a clean segment changes nothing");
}

}  // namespace

void disposition(std::string_view input) {
  const std::string name = transfer::disposition_name(input);
  check(name.size() <= 1024 && is_utf8(name), "a name is text of bounded length");
  static_cast<void>(transfer::is_attachment(input));
  check_name(name);
  check_name(input);

  // Our own writer, read by our own reader.
  const std::string ours = files::clean_segment(input);
  if (ours.empty()) return;
  const std::string field = http::content_disposition("attachment", ours);
  check(transfer::is_attachment(field), "an attachment is one");
  check(field.find_first_of("\r\n") == std::string::npos, "a name does not break its line");
  check(transfer::disposition_name(field) == ours, "a name that is written is read");
}

}  // namespace restante::fuzz
