// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "fuzz.hpp"
#include "http/conditions.hpp"
#include "http/head.hpp"
#include "http/ranges.hpp"
#include "transfer/header_block.hpp"

#include <string>

// Ranges and conditions that clients send for our files. Lines: method and size, Range, If-Range, If-Match,
// If-None-Match, If-Modified-Since, If-Unmodified-Since, media type, name.
namespace restante::fuzz {

namespace {

constexpr std::int64_t modified_s = 1'780'308'000;

void check_ranges(const http::RangeRequest& asked, std::uint64_t size) {
  check(asked.ranges.empty() == (asked.verdict != http::RangeVerdict::some), "some are some");
  check(asked.ranges.size() <= http::max_ranges, "ranges are bounded");
  std::uint64_t sum = 0;
  for (const auto& range : asked.ranges) {
    check(range.first <= range.last && range.last < size, "a range lies in the file");
    sum += range.last - range.first + 1;
  }
  check(sum <= size, "no more is sent than there is");
}

void check_response(const http::Request& request, const http::Response& response, std::uint64_t size) {
  http::Framing framing;
  framing.content_length = 0;
  std::string head;
  http::append_head(head, response, framing);
  std::size_t breaks = 0;
  for (const char c : head) breaks += c == '\n' ? 1 : 0;
  std::size_t expected =
      4 + 4;  // status, Date, Content-Length, the empty line; four that are added if missing
  for (const auto& [name, value] : response.headers) {
    const bool added = name == "X-Content-Type-Options" || name == "Content-Security-Policy" ||
                       name == "Referrer-Policy" || name == "Cache-Control";
    expected += added ? 0 : 1;
  }
  check(breaks == expected, "no value makes a line of its own");

  std::string range;
  for (const auto& [name, value] : response.headers)
    if (name == "Content-Range") range = value;
  const auto* file = std::get_if<http::FileBody>(&response.body);
  if (response.status == 206) {
    check(request.method == "GET" && file != nullptr, "parts are for GET");
    for (const auto& part : file->parts)
      check(part.length > 0 && part.offset + part.length <= size, "a part lies in the file");
    if (file->parts.size() == 1) {
      const auto said = transfer::parse_content_range(range);
      check(said && said->satisfied && said->first == file->parts[0].offset &&
                said->last == said->first + file->parts[0].length - 1 && said->total == size,
            "what is said is what is sent");
    } else {
      check(file->length() > 0, "several parts have a length");
    }
  } else if (response.status == 416) {
    const auto said = transfer::parse_content_range(range);
    check(said && !said->satisfied && said->total == size, "416 says how large the file is");
  } else if (response.status == 200) {
    check(file != nullptr && file->length() == size, "the whole is the whole");
  } else {
    check(response.status == 304 || response.status == 412, "an answer is one of five");
  }
}

}  // namespace

void range(std::string_view input) {
  const auto parts = lines(input, 9);
  http::Request request;
  const std::size_t space = std::min(parts[0].find(' '), parts[0].size());
  request.method = parts[0].substr(0, space);
  const std::uint64_t size =
      space < parts[0].size() ? transfer::parse_digits(parts[0].substr(space + 1)).value_or(1000) : 1000;
  static constexpr const char* names[] = {"Range",         "If-Range",          "If-Match",
                                          "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"};
  for (std::size_t i = 0; i < 6; ++i)
    if (!parts[i + 1].empty()) request.headers.emplace_back(names[i], std::string(parts[i + 1]));

  check_ranges(http::parse_range(parts[1], size), size);
  const http::Validators is{"\"f-1\"", modified_s, modified_s + 1000};
  static_cast<void>(http::judge_conditions(request, is));
  check(request.header("If-Range").empty() || !http::if_range_holds(request, is) ||
            parts[2].find_first_not_of(" \t") == std::string_view::npos ||
            parts[2].find("f-1") != std::string_view::npos || parts[2].find(':') != std::string_view::npos,
        "If-Range holds for this file's tag or date only");
  check(!http::status_text(static_cast<int>(size % 1000)).empty(), "every status has words");
  http::Representation file;
  file.size_bytes = size;
  file.etag = "\"f-1\"";
  file.modified_s = modified_s;
  file.media_type = parts[7];
  file.name = parts[8];
  file.sha256_hex = size % 2 == 0 ? std::string(64, 'a') : std::string();
  check_response(request, http::file_response(request, file), size);
}

}  // namespace restante::fuzz
