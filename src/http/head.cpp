// SPDX-License-Identifier: Apache-2.0
#include "http/head.hpp"

#include "base/text.hpp"

#include <array>
#include <charconv>
#include <chrono>

namespace restante::http {

namespace {

constexpr std::array<std::string_view, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_day_names{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                         "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// What this loop's answers say as Date; made anew once a second.
const std::string& date_now() {
  thread_local std::int64_t second = -1;
  thread_local std::string text;
  const std::int64_t now = std::time(nullptr);
  if (now != second) {
    second = now;
    text = http_date(now);
  }
  return text;
}

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

/// A line break in a value would begin a line of its own (response splitting); it becomes a space.
void append_value(std::string& out, std::string_view value) {
  for (char c : value) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
}

void two_digits(std::string& out, unsigned value) {
  out += static_cast<char>('0' + value / 10);
  out += static_cast<char>('0' + value % 10);
}

/// Takes `text` apart by a pattern: '#' is a digit, '@' anything, all else stands for itself.
bool matches(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (pattern[i] == '#' ? (text[i] < '0' || text[i] > '9') : (pattern[i] != '@' && text[i] != pattern[i]))
      return false;
  }
  return true;
}

int number(std::string_view text) {
  int value = 0;
  for (char c : text)
    if (c != ' ') value = value * 10 + (c - '0');
  return value;
}

template <std::size_t N>
int index_of(const std::array<std::string_view, N>& names, std::string_view name) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == name) return static_cast<int>(i);
  return -1;
}

std::optional<std::int64_t> instant(int year, int month, int day, std::string_view clock) {
  using namespace std::chrono;
  const int hour = number(clock.substr(0, 2)), minute = number(clock.substr(3, 2)),
            second = number(clock.substr(6, 2));
  const year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month + 1)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (month < 0 || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return sys_days{date}.time_since_epoch() / seconds{1} + hour * 3600 + minute * 60 + second;
}

}  // namespace

std::string http_date(std::int64_t seconds) {
  using namespace std::chrono;
  const sys_seconds when{std::chrono::seconds{seconds}};
  const auto day = floor<days>(when);
  const year_month_day date{day};
  const hh_mm_ss time{when - day};
  std::string out;
  out.reserve(29);
  out += day_names[weekday{day}.c_encoding()];
  out += ", ";
  two_digits(out, static_cast<unsigned>(date.day()));
  out += ' ';
  out += month_names[static_cast<unsigned>(date.month()) - 1];
  out += ' ';
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  two_digits(out, year / 100 % 100);
  two_digits(out, year % 100);
  out += ' ';
  two_digits(out, static_cast<unsigned>(time.hours().count()));
  out += ':';
  two_digits(out, static_cast<unsigned>(time.minutes().count()));
  out += ':';
  two_digits(out, static_cast<unsigned>(time.seconds().count()));
  out += " GMT";
  return out;
}

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now_s) {
  // Sun, 06 Nov 1994 08:49:37 GMT
  if (matches(text, "@@@, ## @@@ #### ##:##:## GMT")) {
    if (index_of(day_names, text.substr(0, 3)) < 0) return std::nullopt;
    return instant(number(text.substr(12, 4)), index_of(month_names, text.substr(8, 3)),
                   number(text.substr(5, 2)), text.substr(17, 8));
  }
  // Sun Nov  6 08:49:37 1994 (asctime)
  if (text.size() == 24 && index_of(day_names, text.substr(0, 3)) >= 0) {
    std::string filled(text);
    if (filled[8] == ' ') filled[8] = '0';
    if (!matches(filled, "@@@ @@@ ## ##:##:## ####")) return std::nullopt;
    return instant(number(text.substr(20, 4)), index_of(month_names, text.substr(4, 3)),
                   number(std::string_view(filled).substr(8, 2)), text.substr(11, 8));
  }
  // Sunday, 06-Nov-94 08:49:37 GMT (RFC 850); a year more than 50 ahead is of the century before
  const auto comma = text.find(',');
  if (comma == std::string_view::npos || index_of(long_day_names, text.substr(0, comma)) < 0)
    return std::nullopt;
  const auto rest = text.substr(comma);
  if (!matches(rest, ", ##-@@@-## ##:##:## GMT")) return std::nullopt;
  using namespace std::chrono;
  const int this_year =
      static_cast<int>(year_month_day{floor<days>(sys_seconds{std::chrono::seconds{now_s}})}.year());
  int year = this_year / 100 * 100 + number(rest.substr(9, 2));
  if (year > this_year + 50) year -= 100;
  return instant(year, index_of(month_names, rest.substr(5, 3)), number(rest.substr(2, 2)),
                 rest.substr(12, 8));
}

std::string_view status_text(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

void append_head(std::string& out, const Response& response, const Framing& framing) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(response.status));
  out += ' ';
  out += status_text(response.status);
  out += "\r\nDate: ";
  out += date_now();
  out += "\r\n";

  bool sniff = false, policy = false, referrer = false, cache = false;
  for (const auto& [name, value] : response.headers) {
    out += name;
    out += ": ";
    append_value(out, value);
    out += "\r\n";
    sniff = sniff || iequals(name, "X-Content-Type-Options");
    policy = policy || iequals(name, "Content-Security-Policy");
    referrer = referrer || iequals(name, "Referrer-Policy");
    cache = cache || iequals(name, "Cache-Control");
  }
  if (!sniff) out += "X-Content-Type-Options: nosniff\r\n";
  if (!policy) out += "Content-Security-Policy: frame-ancestors 'none'\r\n";
  if (!referrer) out += "Referrer-Policy: no-referrer\r\n";
  if (!cache) out += "Cache-Control: no-store\r\n";

  if (framing.content_length) {
    out += "Content-Length: ";
    append_number(out, *framing.content_length);
    out += "\r\n";
  } else if (framing.chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  }
  if (!framing.keep_alive)
    out += "Connection: close\r\n";
  else if (framing.http_1_0)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

}  // namespace restante::http
