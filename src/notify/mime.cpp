// SPDX-License-Identifier: Apache-2.0
#include "notify/mime.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "base/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace restante::notify {
namespace {

constexpr std::size_t longest_line = 76;        ///< RFC 2045 §6.7 (5)
constexpr std::size_t encoded_word_bytes = 42;  ///< before base64: 75 characters at most (RFC 2047 §2)
constexpr std::size_t longest_address = 254, longest_local = 64, longest_label = 63;

bool is_plain(char c) {
  return c >= 0x20 && c < 0x7f;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// atext of RFC 5322 §3.2.3.
bool is_atom(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter_or_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
  });
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= longest_label && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

template <class Test>
bool dotted(std::string_view text, Test test) {
  for (;;) {
    const auto dot = text.find('.');
    if (!test(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

std::string part(std::string_view type, std::string_view text) {
  return fmt::format(
      "Content-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n", type,
      quoted_printable(text));
}

/// For a quoted-string (RFC 5322 §3.2.4).
std::string quoted_phrase(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// Only a token of RFC 5322 (no space, no bracket) may stand in a Message-ID or in an angle bracket.
std::string without_breaks(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (is_plain(c) && c != '<' && c != '>') out += c;
  return out;
}

}  // namespace

bool is_mail_address(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || text.size() > longest_address || at > longest_local) return false;
  return dotted(text.substr(0, at), is_atom) && dotted(text.substr(at + 1), is_label);
}

std::string header_text(std::string_view text) {
  const std::string clean = printable(text);
  if (std::all_of(clean.begin(), clean.end(), is_plain) && clean.find("=?") == std::string::npos)
    return clean;
  std::string out;
  std::string_view rest = clean;
  while (!rest.empty()) {
    const auto piece = whole_characters(rest, encoded_word_bytes);
    if (!out.empty()) out += "\r\n ";
    out += "=?utf-8?B?" + to_base64(piece) + "?=";
    rest.remove_prefix(piece.size());
  }
  return out;
}

std::string quoted_printable(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    std::size_t column = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      const bool last = i + 1 == line.size();
      // Some servers change lines that begin with "From " or a dot.
      const bool plain =
          is_plain(c) && c != '=' && !(c == ' ' && last) && !(column == 0 && (c == 'F' || c == '.'));
      const std::size_t width = plain ? 1 : 3;
      if (column + width > longest_line - 1) {
        out += "=\r\n";
        column = 0;
        --i;  // looked at again as the first of its line
        continue;
      }
      if (plain) {
        out += c;
      } else {
        const auto byte = static_cast<unsigned char>(c);
        out += '=';
        out += digits[byte >> 4];
        out += digits[byte & 15];
      }
      column += width;
    }
    out += "\r\n";
  }
  return out;
}

std::string mail_date(Instant at) {
  static constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<Seconds>(at - day));
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", days[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

std::string to_mime(const Mail& mail) {
  const std::string id = without_breaks(mail.message_id);
  const Digest256 digest = sha256(id);
  const std::string boundary = "restante-" + to_hex(std::span(digest).first(16));
  std::string out;
  const auto field = [&out](std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  };
  const std::string name = header_text(mail.from_name);
  field("From", name.starts_with("=?")
                    ? name + "\r\n <" + without_breaks(mail.from) + ">"
                    : fmt::format("\"{}\" <{}>", quoted_phrase(name), without_breaks(mail.from)));
  field("To", "<" + without_breaks(mail.to) + ">");
  field("Subject", header_text(mail.subject));
  field("Date", mail_date(mail.date));
  field("Message-ID", "<" + id + ">");
  for (const auto& [key, value] : mail.fields) field(key, header_text(value));
  field("MIME-Version", "1.0");
  field("Content-Type", "multipart/alternative; boundary=\"" + boundary + "\"");
  out += "\r\n";
  out += "--" + boundary + "\r\n" + part("text/plain", mail.text);
  out += "--" + boundary + "\r\n" + part("text/html", mail.html);
  out += "--" + boundary + "--\r\n";
  return out;
}

}  // namespace restante::notify
