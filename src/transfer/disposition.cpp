// SPDX-License-Identifier: Apache-2.0
#include "transfer/disposition.hpp"

#include "base/text.hpp"
#include "base/unicode.hpp"
#include "transfer/charsets.hpp"
#include "transfer/percent.hpp"

#include <algorithm>
#include <optional>

namespace restante::transfer {

namespace {

constexpr std::size_t max_field_bytes = 16 * 1024;
constexpr std::string_view white = " \t\r\n";

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
  });
}

/// The text before the next semicolon that is not in quotes; `rest` goes on behind it.
std::string_view take_part(std::string_view& rest) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size() && (quoted || rest[end] != ';'); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (rest[end] == '\\' && quoted) ++end;
  }
  end = std::min(end, rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), end + 1));
  return trimmed(part, white);
}

/// A quoted-string without its quotes and escapes; a quote that is never closed is left out.
std::string unquoted(std::string_view value) {
  if (!value.starts_with('"')) return std::string(value);
  value.remove_prefix(1);
  if (!value.ends_with('"')) return std::string(value);
  value.remove_suffix(1);
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && ++i == value.size()) break;
    out += value[i];
  }
  return out;
}

std::optional<std::string> q_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '_') {
      out += ' ';
    } else if (c == '=') {
      const auto byte = from_hex(text.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      out += *byte;
      i += 2;
    } else if (c > 0x20 && c < 0x7f) {
      out += c;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

/// One word of a `filename` value.
struct Word {
  bool encoded = false;             ///< an encoded word: white space around it is not part of the name
  std::optional<std::string> text;  ///< nothing: it spoils the whole value
};

/// RFC 2047 §2: =?charset?encoding?text?=
Word encoded_word(std::string_view word) {
  Word out{true, std::nullopt};
  std::string_view inner = word.substr(2);
  const auto first = inner.find('?');
  if (first == std::string_view::npos) return out;
  const std::string_view charset = inner.substr(0, first);
  inner.remove_prefix(first + 1);
  const auto second = inner.find('?');
  const std::string encoding = ascii_lower(inner.substr(0, second));
  if (encoding != "b" && encoding != "q") return Word{false, std::string(word)};
  if (second == std::string_view::npos || !inner.ends_with("?=")) return out;
  inner.remove_prefix(second + 1);
  if (inner.size() < 2) return out;
  inner.remove_suffix(2);
  if (inner.find('?') != std::string_view::npos) return out;
  const auto bytes = encoding == "b" ? from_base64(inner) : q_decoded(inner);
  if (bytes) out.text = to_utf8(*bytes, charset);
  return out;
}

Word decoded_word(std::string_view word) {
  if (!is_ascii(word)) return Word{false, is_utf8(word) ? std::string(word) : to_utf8(word, "windows-1252")};
  if (word.starts_with("=?"))
    if (Word encoded = encoded_word(word); encoded.encoded) return encoded;
  std::string decoded = percent_decoded(word);
  if (!is_utf8(decoded)) return Word{};
  return Word{false, std::move(decoded)};
}

/// "" if the value cannot be read.
std::string plain_value(std::string_view value) {
  std::string out;
  bool swallow_space = true;
  while (!value.empty()) {
    const auto end = std::min(value.find_first_of(white), value.size());
    if (end == 0) {
      if (!swallow_space) out += ' ';
      value.remove_prefix(1);
      continue;
    }
    Word word = decoded_word(value.substr(0, end));
    if (!word.text) return {};
    swallow_space = word.encoded;
    out += *word.text;
    value.remove_prefix(end);
  }
  return out;
}

/// charset'language'percent-encoded (RFC 8187 §3.2.1); "" if it is not that.
std::string extended_value(std::string_view value) {
  if (!is_ascii(value) || value.find('"') != std::string_view::npos) return {};
  const auto first = value.find('\'');
  if (first == std::string_view::npos) return {};
  const auto second = value.find('\'', first + 1);
  if (second == std::string_view::npos || value.find('\'', second + 1) != std::string_view::npos) return {};
  const auto charset = value.substr(0, first);
  const std::string bytes = percent_decoded(value.substr(second + 1));
  const std::string label = ascii_lower(charset);
  if ((label == "utf-8" || label == "utf8") && !is_utf8(bytes)) return {};
  return nfc(to_utf8(bytes, charset).value_or(""));
}

}  // namespace

std::string disposition_name(std::string_view field) {
  if (field.size() > max_field_bytes) return {};
  std::string plain, extended;
  std::string_view rest = field;
  if (is_token(trimmed(field.substr(0, field.find(';')), white))) take_part(rest);
  while (!rest.empty()) {
    const std::string_view part = take_part(rest);
    if (part.empty()) continue;
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) break;  // what follows a fault is not trusted
    const std::string name = ascii_lower(trimmed(part.substr(0, equals), white));
    const std::string_view value = trimmed(part.substr(equals + 1), white);
    if (name.empty()) break;
    if (name == "filename" && plain.empty()) plain = plain_value(unquoted(value));
    if (name == "filename*" && extended.empty()) extended = extended_value(value);
  }
  return bounded_name(extended.empty() ? plain : extended);
}

bool is_attachment(std::string_view field) {
  return ascii_lower(trimmed(field.substr(0, field.find(';')), white)) == "attachment";
}

}  // namespace restante::transfer
