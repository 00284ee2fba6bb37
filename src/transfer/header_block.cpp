// SPDX-License-Identifier: Apache-2.0
#include "transfer/header_block.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace restante::transfer {

namespace {

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

bool decides_about_body(std::string_view lower_name) {
  for (std::string_view one : {"content-length", "transfer-encoding", "content-encoding", "content-range",
                               "content-type", "location", "etag"}) {
    if (lower_name == one) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string_view> HeaderBlock::all(std::string_view lower_name) const {
  std::vector<std::string_view> values;
  for (const auto& [name, value] : fields) {
    if (name == lower_name) values.push_back(value);
  }
  return values;
}

std::string_view HeaderBlock::first(std::string_view lower_name) const {
  const auto values = all(lower_name);
  return values.empty() ? std::string_view() : values.front();
}

bool HeaderBlock::has(std::string_view lower_name) const {
  return !all(lower_name).empty();
}

std::vector<std::string> HeaderBlock::tokens(std::string_view lower_name) const {
  std::vector<std::string> out;
  for (std::string_view value : all(lower_name)) {
    while (!value.empty()) {
      const std::size_t comma = value.find(',');
      const std::string_view token = trimmed(value.substr(0, comma));
      if (!token.empty()) out.push_back(ascii_lower(token));
      if (comma == std::string_view::npos) break;
      value.remove_prefix(comma + 1);
    }
  }
  return out;
}

std::string HeaderBlock::media_type() const {
  const std::string_view type = first("content-type").substr(0, 200);
  return ascii_lower(trimmed(type.substr(0, type.find(';'))));
}

HeaderReader::Step HeaderReader::line(std::string_view raw) {
  bytes_ += raw.size();
  ++lines_;
  if (bytes_ > limits_.bytes || lines_ > limits_.lines) return Step::too_much;

  const bool folded = !raw.empty() && (raw.front() == ' ' || raw.front() == '\t');
  std::string_view text = raw;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (has_control(text)) return Step::malformed;
  if (complete_) {
    if (!folded && !text.empty()) return field(text);
    return Step::more;
  }

  if (block_.status == 0) return status_line(text);
  if (text.empty()) {
    const bool interim = block_.status < 200 && block_.status != 101;
    if (!interim) {
      complete_ = true;
      return Step::complete;
    }
    block_ = {};
    return ++interim_ > limits_.interim_answers ? Step::too_much : Step::more;
  }
  if (folded) {  // obs-fold: one space instead (RFC 9112 §5.2)
    if (block_.fields.empty() && folds_into_) return Step::malformed;
    if (folds_into_) block_.fields.back().second += " " + std::string(trimmed(text));
    return Step::more;
  }
  return field(text);
}

HeaderReader::Step HeaderReader::status_line(std::string_view text) {
  if (!text.starts_with("HTTP/")) return Step::malformed;
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || text.size() < space + 4) return Step::malformed;
  const auto status = parse_digits(text.substr(space + 1, 3));
  if (!status || *status < 100 || (text.size() > space + 4 && text[space + 4] != ' ')) return Step::malformed;
  block_.status = static_cast<int>(*status);
  block_.http2 = text.starts_with("HTTP/2 ");
  block_.phrase = trimmed(text.substr(space + 4).substr(0, 100));
  return Step::more;
}

HeaderReader::Step HeaderReader::field(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return Step::malformed;
  const std::string_view name = text.substr(0, colon);
  folds_into_ = is_token(name);
  if (!folds_into_) {
    // A space before the colon is how answers are smuggled (RFC 9112 §5.1): where it decides about the body
    // nothing is guessed; any other field of a broken name is left out, as browsers do.
    return decides_about_body(ascii_lower(trimmed(name))) ? Step::malformed : Step::more;
  }
  auto& fields = complete_ ? trailers_ : block_.fields;
  fields.emplace_back(ascii_lower(name), trimmed(text.substr(colon + 1)));
  return Step::more;
}

std::optional<std::uint64_t> parse_digits(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value > std::uint64_t{INT64_MAX}) return std::nullopt;
  return value;
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  value = trimmed(value);
  if (value.size() < 6 || !iequals(value.substr(0, 5), "bytes")) return std::nullopt;
  if (value[5] != ' ' && value[5] != '\t' && value[5] != '=') return std::nullopt;  // "=": old servers
  value = trimmed(value.substr(6));
  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view range = trimmed(value.substr(0, slash)), total = trimmed(value.substr(slash + 1));

  ContentRange out;
  if (total != "*") {
    out.total = parse_digits(total);
    if (!out.total) return std::nullopt;
  }
  if (range == "*") return out.total ? std::optional(out) : std::nullopt;
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_digits(trimmed(range.substr(0, dash)));
  const auto last = parse_digits(trimmed(range.substr(dash + 1)));
  if (!first || !last || *last < *first || (out.total && *last >= *out.total)) return std::nullopt;
  out.satisfied = true;
  out.first = *first;
  out.last = *last;
  return out;
}

std::optional<Instant> parse_http_date(std::string_view text) {
  const std::string copy(trimmed(text));
  for (const char* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm parts{};
    const char* end = ::strptime(copy.c_str(), form, &parts);
    if (end == nullptr || *end != '\0') continue;
    return Instant(Seconds(::timegm(&parts)));
  }
  return std::nullopt;
}

std::optional<Seconds> parse_retry_after(std::string_view value, Instant now, Seconds cap) {
  value = trimmed(value);
  if (!value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos) {
    const auto seconds = parse_digits(value);
    if (!seconds || *seconds > static_cast<std::uint64_t>(cap.count())) return cap;
    return Seconds(static_cast<std::int64_t>(*seconds));
  }
  const auto date = parse_http_date(value);
  if (!date) return std::nullopt;
  if (*date <= now) return Seconds(0);
  return std::min(cap, std::chrono::ceil<Seconds>(*date - now));
}

bool is_strong_etag(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' &&
         text.substr(1, text.size() - 2).find('"') == std::string_view::npos && !has_control(text);
}

std::string strong_validator(const HeaderBlock& block) {
  const std::string_view etag = block.first("etag");
  if (is_strong_etag(etag)) return std::string(etag);
  if (!etag.empty()) return {};  // weak: a date is weaker still
  const auto modified = parse_http_date(block.first("last-modified"));
  const auto date = parse_http_date(block.first("date"));
  if (!modified || !date || *date - *modified < Seconds(1)) return {};
  return std::string(block.first("last-modified"));
}

}  // namespace restante::transfer
