// SPDX-License-Identifier: Apache-2.0
#include "fuzz.hpp"
#include "http/head.hpp"
#include "transfer/header_block.hpp"

#include <string>

// The small values in headers of content servers: Content-Range, lengths, dates, Retry-After, entity tags.
namespace restante::fuzz {

namespace {

std::string written(const transfer::ContentRange& range) {
  const std::string total = range.total ? std::to_string(*range.total) : "*";
  if (!range.satisfied) return "bytes */" + total;
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" + total;
}

}  // namespace

void content_range(std::string_view input) {
  if (const auto range = transfer::parse_content_range(input)) {
    check(range->satisfied || range->total, "a range or a total is said");
    check(!range->satisfied || range->first <= range->last, "a range does not end before it begins");
    check(!range->satisfied || !range->total || range->last < *range->total, "a range ends inside the whole");
    check(range->last <= std::uint64_t{INT64_MAX}, "no position is beyond all files");
    const auto again = transfer::parse_content_range(written(*range));
    check(again && again->satisfied == range->satisfied && again->first == range->first &&
              again->last == range->last && again->total == range->total,
          "a range that is written is read");
  }
  if (const auto value = transfer::parse_digits(input)) {
    check(input.ends_with(std::to_string(*value)) || *value == 0, "digits are digits");
  }

  const Instant now(Seconds(1'795'335'600));
  const Seconds cap(24 * 3600);
  if (const auto wait = transfer::parse_retry_after(input, now, cap))
    check(*wait >= Seconds(0) && *wait <= cap, "a wait is between nothing and its cap");
  const auto date = transfer::parse_http_date(input);
  const auto other = http::parse_http_date(input, now.time_since_epoch() / Seconds(1));
  if (other) {
    check(date.has_value(), "both readers know the date");
    const bool fixed = input.size() == 29;  // of two digits for a year each reader makes its own century
    check(!fixed || *date == Instant(Seconds(*other)), "both readers read the same date");
    const auto again = http::parse_http_date(http::http_date(*other), 0);
    check(again == other, "a date that is written is read");
  }
  transfer::HeaderBlock block;
  block.fields = {{"etag", std::string(input)}, {"date", "Sun, 22 Nov 2026 10:00:00 GMT"}};
  const std::string validator = transfer::strong_validator(block);
  check(validator.empty() || (transfer::is_strong_etag(validator) && validator == input),
        "only a strong tag is a validator");
  check(validator.find_first_of("\r\n") == std::string::npos, "a validator does not break its line");
  block.fields[0].first = "last-modified";
  if (const std::string modified = transfer::strong_validator(block); !modified.empty())
    check(date && *date < Instant(Seconds(1'795'341'600)), "only a date before the answer is a validator");
}

}  // namespace restante::fuzz
