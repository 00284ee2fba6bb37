// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace restante {

namespace {

constexpr std::string_view url_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view plain_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string encode64(std::string_view bytes, std::string_view alphabet, bool pad) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < left ? static_cast<std::uint8_t>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) {
      if (k <= left)
        out += alphabet[group >> (18 - 6 * k) & 63];
      else if (pad)
        out += '=';
    }
  }
  return out;
}

using Values = std::array<std::uint8_t, 256>;
constexpr std::uint8_t no_value = 255;

constexpr Values values_of(std::string_view alphabet) {
  Values out{};
  out.fill(no_value);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    out[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return out;
}
constexpr Values url_values = values_of(url_alphabet), plain_values = values_of(plain_alphabet);

std::optional<std::string> decode64(std::string_view text, const Values& values, bool padded) {
  if (padded) {
    if (text.size() % 4 != 0) return std::nullopt;
    if (text.ends_with('=')) text.remove_suffix(1);
    if (text.ends_with('=')) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t group = 0;
  int bits = 0;
  for (char c : text) {
    const std::uint8_t value = values[static_cast<unsigned char>(c)];
    if (value == no_value) return std::nullopt;
    group = group << 6 | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits & 0xff);
    }
  }
  if ((group & ((1u << bits) - 1)) != 0) return std::nullopt;
  return out;
}

/// Exactly `count` digits at `pos`, moved past; -1 if they are not there.
int digits(std::string_view text, std::size_t& pos, std::size_t count) {
  if (pos + count > text.size()) return -1;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const char c = text[pos + i];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  pos += count;
  return value;
}

bool skip(std::string_view text, std::size_t& pos, char wanted) {
  if (pos >= text.size() || text[pos] != wanted) return false;
  ++pos;
  return true;
}

/// `value`, beginning with its digit of weight `highest` (10: two digits). Answers to large batches are full
/// of times: a format string for each would cost more than what it shows.
void append_digits(std::string& out, int value, int highest) {
  for (; highest > 0; highest /= 10) out += static_cast<char>('0' + value / highest % 10);
}

}  // namespace

std::string to_rfc3339(Instant instant) {
  using namespace std::chrono;
  const auto day = floor<days>(instant);
  const year_month_day date{day};
  const hh_mm_ss time{instant - day};
  std::string out;
  out.reserve(24);
  append_digits(out, static_cast<int>(date.year()), 1000);
  append_digits(out += '-', static_cast<int>(static_cast<unsigned>(date.month())), 10);
  append_digits(out += '-', static_cast<int>(static_cast<unsigned>(date.day())), 10);
  append_digits(out += 'T', static_cast<int>(time.hours().count()), 10);
  append_digits(out += ':', static_cast<int>(time.minutes().count()), 10);
  append_digits(out += ':', static_cast<int>(time.seconds().count()), 10);
  const int millis = static_cast<int>(time.subseconds().count());
  if (millis != 0) append_digits(out += '.', millis, 100);
  out += 'Z';
  return out;
}

std::optional<Instant> from_rfc3339(std::string_view text) {
  using namespace std::chrono;
  std::size_t pos = 0;
  const int y = digits(text, pos, 4);
  if (y < 0 || !skip(text, pos, '-')) return std::nullopt;
  const int mo = digits(text, pos, 2);
  if (mo < 0 || !skip(text, pos, '-')) return std::nullopt;
  const int d = digits(text, pos, 2);
  if (d < 0 || pos >= text.size() || (text[pos] != 'T' && text[pos] != 't' && text[pos] != ' '))
    return std::nullopt;
  ++pos;
  const int h = digits(text, pos, 2);
  if (h < 0 || !skip(text, pos, ':')) return std::nullopt;
  const int mi = digits(text, pos, 2);
  if (mi < 0 || !skip(text, pos, ':')) return std::nullopt;
  const int s = digits(text, pos, 2);
  if (s < 0) return std::nullopt;
  int ms = 0;
  if (skip(text, pos, '.')) {
    int scale = 100, seen = 0;
    while (pos < text.size() && text[pos] >= '0' && text[pos] <= '9') {
      ms += (text[pos] - '0') * scale;
      scale /= 10;
      ++pos, ++seen;
    }
    if (seen == 0) return std::nullopt;
  }
  minutes offset{0};
  if (pos < text.size() && (text[pos] == 'Z' || text[pos] == 'z')) {
    ++pos;
  } else {
    if (pos >= text.size() || (text[pos] != '+' && text[pos] != '-')) return std::nullopt;
    const int sign = text[pos++] == '-' ? -1 : 1;
    const int oh = digits(text, pos, 2);
    if (oh < 0 || !skip(text, pos, ':')) return std::nullopt;
    const int om = digits(text, pos, 2);
    if (om < 0 || oh > 23 || om > 59) return std::nullopt;
    offset = minutes{sign * (oh * 60 + om)};
  }
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
  if (pos != text.size() || !date.ok() || h > 23 || mi > 59 || s > 60) return std::nullopt;
  return Instant{sys_days{date}.time_since_epoch() + hours{h} + minutes{mi} + seconds{s} + milliseconds{ms} -
                 offset};
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (std::uint8_t byte : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", byte);
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    if (error != std::errc{} || end != text.data() + i + 2) return std::nullopt;
    out += static_cast<char>(value);
  }
  return out;
}

std::string to_base64url(std::string_view bytes) {
  return encode64(bytes, url_alphabet, false);
}
std::optional<std::string> from_base64url(std::string_view text) {
  return decode64(text, url_values, false);
}
std::string to_base64(std::string_view bytes) {
  return encode64(bytes, plain_alphabet, true);
}
std::optional<std::string> from_base64(std::string_view text) {
  return decode64(text, plain_values, true);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data() || !(value >= 0)) return std::nullopt;
  std::string unit = ascii_lower({end, static_cast<std::size_t>(text.data() + text.size() - end)});
  while (unit.starts_with(' ')) unit.erase(0, 1);
  if (unit.ends_with('b')) unit.pop_back();
  if (unit.ends_with('i')) unit.pop_back();
  constexpr std::string_view units = "kmgt";
  double factor = 1;
  if (unit.size() == 1 && units.find(unit[0]) != std::string_view::npos)
    factor = std::pow(1024.0, static_cast<double>(units.find(unit[0]) + 1));
  else if (!unit.empty())
    return std::nullopt;
  const double bytes = std::floor(value * factor);
  if (bytes > 9.0e18) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::string human_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) value /= 1024, ++unit;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    std::size_t more;
    std::uint32_t point;
    if (lead < 0x80)
      more = 0, point = lead;
    else if (lead >= 0xc2 && lead <= 0xdf)
      more = 1, point = lead & 0x1fu;
    else if (lead >= 0xe0 && lead <= 0xef)
      more = 2, point = lead & 0x0fu;
    else if (lead >= 0xf0 && lead <= 0xf4)
      more = 3, point = lead & 0x07u;
    else
      return false;
    if (i + more >= text.size()) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<std::uint8_t>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3fu);
    }
    if ((more == 2 && point < 0x800) || (more == 3 && point < 0x10000) || point > 0x10ffff ||
        (point >= 0xd800 && point <= 0xdfff))
      return false;
    i += more + 1;
  }
  return true;
}

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trimmed(std::string_view text, std::string_view blanks) {
  const auto from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

bool iequals(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return lower(x) == lower(y);
  });
}

std::string url_for_logs(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const auto start = scheme + 3;
  const auto path = std::min(url.find('/', start), url.size());
  const auto at = url.substr(0, path).rfind('@');
  if (at == std::string_view::npos || at < start) return std::string(url);
  return std::string(url.substr(0, start)) + std::string(url.substr(at + 1));
}

}  // namespace restante
