// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace restante::http {

/// What a representation is compared by.
struct Validators {
  std::string_view etag;  ///< strong, with quotes
  std::int64_t modified_s = 0;
  std::int64_t now_s = 0;  ///< a date is a strong validator only when it lies in the past (RFC 9110 §8.8.2.2)
};

enum class Condition { go_on, not_modified, failed };

/// RFC 9110 §13.2.2, in its order: If-Match, else If-Unmodified-Since; If-None-Match, else If-Modified-Since
/// (GET and HEAD). A date or list that cannot be read counts as absent.
Condition judge_conditions(const Request& request, const Validators& is);

/// §13.1.5: true without If-Range; an ETag must be strong and equal, a date exactly equal.
bool if_range_holds(const Request& request, const Validators& is);

struct ByteRange {
  std::uint64_t first = 0, last = 0;  ///< inclusive
  bool operator==(const ByteRange&) const = default;
};
enum class RangeVerdict { whole, some, unsatisfiable };
struct RangeRequest {
  RangeVerdict verdict = RangeVerdict::whole;
  std::vector<ByteRange> ranges;  ///< in the order asked
};

inline constexpr std::size_t max_ranges = 32;

/// RFC 9110 §14.1.2. Not bytes, not well-formed, more than max_ranges, or together more than the whole
/// (§14.2: overlapping ranges are a client gone wrong or an attack): the whole is sent, as if Range was
/// absent.
RangeRequest parse_range(std::string_view header, std::uint64_t size);

}  // namespace restante::http
