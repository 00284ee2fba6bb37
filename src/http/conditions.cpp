// SPDX-License-Identifier: Apache-2.0
#include "http/conditions.hpp"

#include "base/text.hpp"
#include "http/head.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace restante::http {

namespace {

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// All lines of a header joined as RFC 9110 §5.3 says; nullopt if there is none.
std::optional<std::string> joined(const Request& request, std::string_view name) {
  std::optional<std::string> out;
  for (const auto& [key, value] : request.headers) {
    if (!iequals(key, name)) continue;
    out = out ? *out + ", " + value : value;
  }
  return out;
}

enum class Compare { strong, weak };

/// Whether the list of entity tags holds `etag`. "*" holds every one. nullopt: not a list of entity tags.
std::optional<bool> list_holds(std::string_view list, std::string_view etag, Compare how) {
  list = trim(list);
  if (list == "*") return true;
  bool held = false, any = false;
  while (!list.empty()) {
    if (list.front() == ',' || list.front() == ' ' || list.front() == '\t') {
      list.remove_prefix(1);
      continue;
    }
    const bool weak = list.starts_with("W/");
    if (weak) list.remove_prefix(2);
    if (!list.starts_with('"')) return std::nullopt;
    const auto end = list.find('"', 1);
    if (end == std::string_view::npos) return std::nullopt;
    const auto tag = list.substr(0, end + 1);
    list.remove_prefix(end + 1);
    list = trim(list);
    if (!list.empty() && list.front() != ',') return std::nullopt;
    any = true;
    held = held || (tag == etag && (how == Compare::weak || !weak));
  }
  if (!any) return std::nullopt;
  return held;
}

std::optional<std::uint64_t> digits(std::string_view text) {
  if (text.empty()) return std::nullopt;
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (most - digit) / 10 ? most : value * 10 + digit;
  }
  return value;
}

}  // namespace

Condition judge_conditions(const Request& request, const Validators& is) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (const auto match = joined(request, "If-Match")) {
    if (!list_holds(*match, is.etag, Compare::strong).value_or(false)) return Condition::failed;
  } else if (const auto since = parse_http_date(request.header("If-Unmodified-Since"), is.now_s)) {
    if (is.modified_s > *since) return Condition::failed;
  }
  if (const auto none = joined(request, "If-None-Match")) {
    if (list_holds(*none, is.etag, Compare::weak).value_or(false))
      return reads ? Condition::not_modified : Condition::failed;
  } else if (reads) {
    const auto since = parse_http_date(request.header("If-Modified-Since"), is.now_s);
    if (since && is.modified_s <= *since) return Condition::not_modified;
  }
  return Condition::go_on;
}

bool if_range_holds(const Request& request, const Validators& is) {
  const std::string_view value = trim(request.header("If-Range"));
  if (value.empty()) return true;
  if (value.starts_with('"')) return value == is.etag;
  const auto date = parse_http_date(value, is.now_s);
  return date && *date == is.modified_s && is.modified_s < is.now_s;
}

RangeRequest parse_range(std::string_view header, std::uint64_t size) {
  const RangeRequest whole;
  const auto equals = header.find('=');
  if (equals == std::string_view::npos || !iequals(trim(header.substr(0, equals)), "bytes")) return whole;
  std::string_view list = header.substr(equals + 1);
  std::vector<ByteRange> ranges;
  std::size_t specs = 0;
  for (bool last = false; !last;) {
    const auto comma = list.find(',');
    last = comma == std::string_view::npos;
    const auto spec = trim(list.substr(0, comma));
    if (!last) list.remove_prefix(comma + 1);
    if (spec.empty()) continue;  // RFC 9110 §5.6.1.2: empty list elements are ignored
    if (++specs > max_ranges) return whole;
    const auto dash = spec.find('-');
    if (dash == std::string_view::npos) return whole;
    if (dash == 0) {
      const auto suffix = digits(spec.substr(1));
      if (!suffix) return whole;
      if (*suffix > 0 && size > 0) ranges.push_back({size - std::min(*suffix, size), size - 1});
      continue;
    }
    const auto from = digits(spec.substr(0, dash));
    const auto until = digits(spec.substr(dash + 1));
    if (!from || (!until && dash + 1 != spec.size()) || (until && *until < *from)) return whole;
    if (*from < size) ranges.push_back({*from, until ? std::min(*until, size - 1) : size - 1});
  }
  if (specs == 0) return whole;
  if (ranges.empty()) return {RangeVerdict::unsatisfiable, {}};
  std::uint64_t left = size;
  for (const auto& range : ranges) {
    const std::uint64_t length = range.last - range.first + 1;
    if (length > left) return whole;
    left -= length;
  }
  return {RangeVerdict::some, std::move(ranges)};
}

}  // namespace restante::http
