// SPDX-License-Identifier: Apache-2.0
#include "proxy/rules.hpp"

#include "base/text.hpp"
#include "proxy/url.hpp"
#include "proxy/zone.hpp"

#include <algorithm>

namespace restante::proxy {

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_alnum(char c) {
  return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z');
}
bool is_lower_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

template <class Test>
bool each(std::string_view text, Test test) {
  return std::all_of(text.begin(), text.end(), test);
}
bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

/// Whether text has U+0080 to U+009F, U+2028 or U+2029 in it: programs behind us may take them for a line's
/// end.
bool has_unicode_break(std::string_view utf8) {
  for (std::size_t i = 0; i + 1 < utf8.size(); ++i) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(utf8[at]); };
    if (byte(i) == 0xc2 && byte(i + 1) < 0xa0) return true;
    if (byte(i) == 0xe2 && i + 2 < utf8.size() && byte(i + 1) == 0x80 && (byte(i + 2) | 1) == 0xa9)
      return true;
  }
  return false;
}

bool is_any(std::string_view) {
  return true;
}
bool is_line(std::string_view text) {
  return each(text, [](char c) { return !is_control(c); }) && !has_unicode_break(text);
}
bool is_nonempty_line(std::string_view text) {
  return !text.empty() && is_line(text);
}

/// RFC 9562 §4, version 4 or 7, lower case.
bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < 36; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_lower_hex(text[i])) return false;
  }
  return (text[14] == '4' || text[14] == '7') && is_one_of(text[19], "89ab");
}

bool is_thumbprint(std::string_view text) {
  return text.size() == 43 && each(text, [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

bool is_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         each(text, [](char c) { return c != '/' && c != '\\'; }) && is_line(text);
}

bool is_folder(std::string_view text) {
  std::size_t segments = 0;
  for (;;) {
    const auto slash = text.find('/');
    const auto segment = text.substr(0, slash);
    if (!is_name(segment) || count_characters(segment) > 255 || ++segments > max_folder_depth) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

bool is_visible_or_space(std::string_view text) {
  return !text.empty() && each(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}
bool is_visible(std::string_view text) {
  return !text.empty() && each(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && each(text, [](char c) { return is_alnum(c) || is_one_of(c, "!#$%&'*+.^_`|~-"); });
}

bool is_header_value(std::string_view text) {
  return each(text, [](char c) { return c == '\t' || !is_control(c); }) && !has_unicode_break(text);
}

bool is_url(std::string_view text) {
  return split_url(text).has_value();
}
bool is_place_url(std::string_view text) {
  const auto parts = split_url(text);
  return parts && !parts->has_userinfo && (iequals(parts->scheme, "https") || iequals(parts->scheme, "http"));
}
bool is_origin(std::string_view text) {
  const auto parts = split_url(text);
  return parts && !parts->has_userinfo && parts->rest.empty() && !text.ends_with(':');
}

bool is_method(std::string_view text) {
  return !text.empty() && each(text, is_upper);
}
bool is_base64(std::string_view text) {
  return from_base64(text).has_value();
}
bool is_credential_id(std::string_view text) {
  return !text.empty() && each(text, [](char c) { return is_alnum(c) || is_one_of(c, "._-"); });
}
/// RFC 7617 §2: the user name ends at the first colon.
bool is_user(std::string_view text) {
  return is_line(text) && text.find(':') == std::string_view::npos;
}
bool is_cookie_value(std::string_view text) {
  return is_line(text) && text.find(';') == std::string_view::npos;
}
/// As OpenSSH prints it: base64 without padding (RFC 4648 §4).
bool is_host_key(std::string_view text) {
  constexpr std::string_view begin = "SHA256:";
  return text.starts_with(begin) && text.size() == begin.size() + 43 &&
         each(text.substr(begin.size()), [](char c) { return is_alnum(c) || c == '+' || c == '/'; });
}

bool is_host_name(std::string_view text) {
  return !text.empty() && each(text, [](char c) { return is_alnum(c) || is_one_of(c, ".-_:[]"); });
}
bool is_cookie_path(std::string_view text) {
  return text.starts_with('/') && is_cookie_value(text);
}
bool is_zone_shaped(std::string_view text) {
  return !text.empty() && each(text, [](char c) { return is_alnum(c) || is_one_of(c, "_+/.-"); });
}

/// The shape of a clock time; `last_hour` 24 allows exactly 24:00.
bool is_clock(std::string_view text, bool with_24) {
  if (text.size() != 5 || text[2] != ':' || !is_digit(text[0]) || !is_digit(text[1]) || !is_digit(text[3]) ||
      !is_digit(text[4]))
    return false;
  const int hour = (text[0] - '0') * 10 + (text[1] - '0');
  const int minute = (text[3] - '0') * 10 + (text[4] - '0');
  return (hour < 24 && minute < 60) || (with_24 && hour == 24 && minute == 0);
}
bool is_clock_from(std::string_view text) {
  return is_clock(text, false);
}
bool is_clock_to(std::string_view text) {
  return is_clock(text, true);
}

/// RFC 5545 §3.3.10, its outline: FREQ first, then NAME=VALUE parts.
bool is_repeat(std::string_view text) {
  bool known = false;
  for (std::string_view start : {"FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY"})
    if (text.starts_with(start)) {
      text.remove_prefix(start.size());
      known = true;
      break;
    }
  if (!known) return false;
  while (!text.empty()) {
    if (text.front() != ';') return false;
    text.remove_prefix(1);
    const auto part = text.substr(0, text.find(';'));
    text.remove_prefix(part.size());
    const auto equals = part.find('=');
    if (equals == 0 || equals == std::string_view::npos || equals + 1 == part.size()) return false;
    if (!each(part.substr(0, equals), is_upper)) return false;
    if (!each(part.substr(equals + 1),
              [](char c) { return is_upper(c) || is_digit(c) || c == ',' || c == '+' || c == '-'; }))
      return false;
  }
  return true;
}

bool is_iso_duration(std::string_view text) {
  return text.starts_with('P') && parse_duration(text).has_value();
}

bool is_amount(std::string_view text) {
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  if (whole.empty() || whole.size() > 12 || !each(whole, is_digit)) return false;
  if (point == std::string_view::npos) return true;
  const auto part = text.substr(point + 1);
  return !part.empty() && part.size() <= 8 && each(part, is_digit);
}
bool is_currency(std::string_view text) {
  return text.size() >= 3 && text.size() <= 8 &&
         each(text, [](char c) { return is_upper(c) || is_digit(c); });
}

template <std::size_t Digits>
bool is_hex_of(std::string_view text) {
  return text.size() == Digits && each(text, is_lower_hex);
}
bool is_pem(std::string_view text) {
  return text.starts_with("-----BEGIN ") &&
         each(text, [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t'; });
}
bool is_instant(std::string_view text) {
  return has_ixdtf_shape(text);
}

}  // namespace

namespace rules {

constexpr std::size_t unlimited = static_cast<std::size_t>(-1);
constexpr std::string_view no_controls = "must be text without control characters";

const TextRule any{is_any, unlimited, "must be text", ""};
const TextRule line{is_line, 512, no_controls, ""};
const TextRule uuid{is_uuid, 36, "must be a UUID of version 4 or 7 in lower case",
                    "make a new one, as in 01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a"};
const TextRule thumbprint{is_thumbprint, 43, "must be the thumbprint of a key (RFC 7638, 43 characters)",
                          "it is the part k= of the pairing address"};
const TextRule account{is_nonempty_line, 255, no_controls, ""};
const TextRule name{is_name, 255, "must be a file name, not a path",
                    "leave out '/', '\\', '.' and '..'; folders go into `path`"};
const TextRule folder{is_folder, 4096, "must be a relative folder of at most 32 names, with '/' between them",
                      "leave out '..', '\\' and '/' at the beginning and the end"};
const TextRule media_type{is_visible_or_space, 255, "must be a media type in ASCII", "as in video/mp4"};
const TextRule url{is_url, 8192, "must be an address", "as in https://host/file"};
const TextRule place_url{is_place_url, 8192, "must be an http or https address without user information",
                         "as in https://home.example:8443"};
const TextRule origin{is_origin, unlimited, "must be an origin: scheme, host and port, nothing after it",
                      "as in https://host or https://host:8443, with http, https, ftp, ftps or sftp"};
const TextRule method{is_method, 16, "must be an HTTP method in capitals", "as in GET"};
const TextRule header_name{is_token, 256, "must be the name of a header field", "as in accept"};
const TextRule header_value{is_header_value, 16384,
                            "must be a header value without line breaks and control characters",
                            "put it on one line"};
const TextRule body{is_any, 65536, "must be at most 65,536 characters", ""};
const TextRule base64{is_base64, 87384, "must be base64 with padding (RFC 4648 §4), at most 64 KiB", ""};
const TextRule credential_id{is_credential_id, 64, "must be letters, digits, '.', '_' and '-'", "as in c1"};
const TextRule user{is_user, 1024, "must be a user name without ':' and control characters", ""};
const TextRule secret{is_line, 8192, "must be a text without control characters", ""};
const TextRule token{is_visible, 16384, "must be visible ASCII without spaces", ""};
const TextRule cookie_name{is_token, 1024, "must be the name of a cookie (RFC 6265)", ""};
const TextRule cookie_value{is_cookie_value, 8192,
                            "must be a cookie value without ';' and control characters", ""};
const TextRule host_key{is_host_key, 50, "must be the fingerprint of a host key: SHA256: and 43 characters",
                        "`ssh-keygen -lf` shows it on the server"};
const TextRule host_name{is_host_name, 255, "must be a host name", "as in video.example.edu"};
const TextRule cookie_path{is_cookie_path, 4096, "must begin with '/' and have no ';' and control characters",
                           ""};
const TextRule zone{is_zone_shaped, 64, "must be the name of a time zone", "as in Europe/Paris"};
const TextRule ixdtf{
    is_instant, 128, "must be a date and time with its zone",
    "as in 2026-11-28T01:00:00+01:00 or 2026-11-28T00:00:00Z, optionally with [Europe/Paris] after it"};
const TextRule repeat{is_repeat, 256, "must be an RRULE value with FREQ=DAILY, WEEKLY or MONTHLY (RFC 5545)",
                      "as in FREQ=WEEKLY;BYDAY=MO,TU"};
const TextRule clock_from{is_clock_from, 5, "must be a time of day", "as in 01:00"};
const TextRule clock_to{is_clock_to, 5, "must be a time of day", "as in 06:00; the end of the day is 24:00"};
const TextRule duration{is_iso_duration, 32,
                        "must be a duration in weeks, days, hours, minutes or seconds (ISO 8601)",
                        "as in P30D or PT12H"};
const TextRule amount{is_amount, 21, "must be an amount as decimal digits", "as in 5.00"};
const TextRule currency{is_currency, 8, "must be a currency in capitals", "as in EUR"};
const TextRule hex32{is_hex_of<32>, 32, "must be 32 hexadecimal digits in lower case", ""};
const TextRule hex40{is_hex_of<40>, 40, "must be 40 hexadecimal digits in lower case", ""};
const TextRule hex64{is_hex_of<64>, 64, "must be 64 hexadecimal digits in lower case", ""};
const TextRule hex128{is_hex_of<128>, 128, "must be 128 hexadecimal digits in lower case", ""};
const TextRule email_or_url{is_nonempty_line, 2048, no_controls, ""};
const TextRule code64{is_base64, unlimited, "must be base64 with padding (RFC 4648 §4)", ""};
const TextRule pem{is_pem, 65536, "must be PEM", "it begins with -----BEGIN"};

}  // namespace rules

}  // namespace restante::proxy
