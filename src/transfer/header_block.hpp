// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace restante::transfer {

/// The header of one final answer, field by field as it came; nothing is merged.
struct HeaderBlock {
  int status = 0;
  std::string phrase;
  std::vector<std::pair<std::string, std::string>> fields;  ///< names in lower case, values trimmed
  bool http2 = false;  ///< libcurl writes "HTTP/2" in the status line that such an answer has not

  std::vector<std::string_view> all(std::string_view lower_name) const;
  /// The first value, or "".
  std::string_view first(std::string_view lower_name) const;
  bool has(std::string_view lower_name) const;
  /// Comma-separated values of all fields of that name, in order, lower case.
  std::vector<std::string> tokens(std::string_view lower_name) const;
  /// Of Content-Type, lower case, without parameters.
  std::string media_type() const;
};

/// Puts raw lines together. Interim answers (1xx) are dropped; what follows the final header's empty line is
/// a trailer, which never changes the header (RFC 9110 §6.5.1).
class HeaderReader {
public:
  struct Limits {
    std::size_t bytes = 0, lines = 0;
    int interim_answers = 0;
  };
  enum class Step { more, complete, malformed, too_much };

  explicit HeaderReader(Limits limits) : limits_(limits) {}
  /// `complete` once, at the empty line of the final header.
  Step line(std::string_view raw);
  bool is_complete() const { return complete_; }
  const HeaderBlock& block() const { return block_; }
  /// Fields behind the body, as `HeaderBlock::fields`; they count as nothing but what is asked of them.
  const std::vector<std::pair<std::string, std::string>>& trailers() const { return trailers_; }

private:
  Step status_line(std::string_view text);
  Step field(std::string_view text);

  Limits limits_;
  HeaderBlock block_;
  std::vector<std::pair<std::string, std::string>> trailers_;
  bool folds_into_ = true;  ///< the last field was kept: what is folded belongs to it
  std::size_t bytes_ = 0, lines_ = 0;
  int interim_ = 0;
  bool complete_ = false;
};

struct ContentRange {
  bool satisfied = false;  ///< "bytes FIRST-LAST/TOTAL"; else "bytes */TOTAL"
  std::uint64_t first = 0, last = 0;
  std::optional<std::uint64_t> total;
};
/// RFC 9110 §14.4; nullopt: not understood or impossible.
std::optional<ContentRange> parse_content_range(std::string_view value);

/// 1*DIGIT that fits; nullopt otherwise.
std::optional<std::uint64_t> parse_digits(std::string_view text);

/// The three forms of RFC 9110 §5.6.7.
std::optional<Instant> parse_http_date(std::string_view text);

/// Seconds from now (RFC 9110 §10.2.3): 0 for a date in the past, at most `cap`; nullopt: not understood.
std::optional<Seconds> parse_retry_after(std::string_view value, Instant now, Seconds cap);

/// What may stand in If-Range (RFC 9110 §13.1.5): a strong entity tag, else a Last-Modified that is strong by
/// §8.8.2.2; "" if there is none.
std::string strong_validator(const HeaderBlock& block);
bool is_strong_etag(std::string_view text);

}  // namespace restante::transfer
