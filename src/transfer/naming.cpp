// SPDX-License-Identifier: Apache-2.0
#include "transfer/naming.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace restante::transfer {

namespace {

constexpr std::size_t max_name_bytes = 1024;
constexpr std::size_t max_field_bytes = 16 * 1024;

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high && low) {
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::string latin1_to_utf8(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return out;
}

std::string as_utf8(std::string text) {
  return is_utf8(text) ? text : latin1_to_utf8(text);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// At most max_name_bytes, not in the middle of a UTF-8 sequence.
std::string bounded(std::string name) {
  if (name.size() <= max_name_bytes) return name;
  std::size_t end = max_name_bytes;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
  name.resize(end);
  return name;
}

/// charset'language'percent-encoded (RFC 8187 §3.2.1); nullopt: not that form or another charset.
std::optional<std::string> extended_value(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  const std::size_t first = text.find('\'');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find('\'', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string charset = ascii_lower(text.substr(0, first));
  std::string decoded = percent_decoded(text.substr(second + 1));
  if (charset == "utf-8") return is_utf8(decoded) ? std::optional(decoded) : std::nullopt;
  if (charset == "iso-8859-1") return latin1_to_utf8(decoded);
  return std::nullopt;
}

/// Parameters one after the other; a quoted value may hold semicolons and escapes.
class Parameters {
public:
  explicit Parameters(std::string_view text) : rest_(text) {}

  bool next(std::string& name, std::string& value, bool& quoted) {
    while (!rest_.empty()) {
      rest_ = trimmed(rest_);
      while (!rest_.empty() && (rest_.front() == ';' || rest_.front() == ' ')) rest_.remove_prefix(1);
      const std::size_t end = rest_.find_first_of("=;");
      if (end == std::string_view::npos || rest_[end] == ';') {  // the disposition itself, or a flag
        rest_.remove_prefix(std::min(rest_.size(), end == std::string_view::npos ? rest_.size() : end + 1));
        continue;
      }
      name = ascii_lower(trimmed(rest_.substr(0, end)));
      if (const std::size_t space = name.rfind(' '); space != std::string::npos) name.erase(0, space + 1);
      rest_ = trimmed(rest_.substr(end + 1));
      quoted = !rest_.empty() && rest_.front() == '"';
      value = quoted ? quoted_string() : bare();
      return true;
    }
    return false;
  }

private:
  std::string quoted_string() {
    std::string out;
    std::size_t i = 1;
    for (; i < rest_.size() && rest_[i] != '"'; ++i) {
      // Only quote and backslash are escaped: Windows paths come with single backslashes.
      if (rest_[i] == '\\' && i + 1 < rest_.size() && (rest_[i + 1] == '"' || rest_[i + 1] == '\\')) ++i;
      out += rest_[i];
    }
    rest_.remove_prefix(std::min(rest_.size(), i + 1));
    return out;
  }
  std::string bare() {
    const std::size_t end = std::min(rest_.find(';'), rest_.size());
    std::string out(trimmed(rest_.substr(0, end)));
    rest_.remove_prefix(end);
    return out;
  }

  std::string_view rest_;
};

}  // namespace

std::string disposition_name(std::string_view field) {
  if (field.size() > max_field_bytes) return {};
  std::optional<std::string> plain, extended;
  std::string name, value;
  bool quoted = false;
  for (Parameters parameters(field); parameters.next(name, value, quoted);) {
    if (name == "filename*" && !extended) extended = extended_value(value);
    if (name == "filename" && !plain) plain = value;
  }
  if (extended && !extended->empty()) return bounded(std::move(*extended));
  if (!plain) return {};
  // Many servers percent-encode the plain form too, and every browser but one decodes it.
  std::string decoded = percent_decoded(*plain);
  return bounded(as_utf8(is_utf8(decoded) ? std::move(decoded) : std::move(*plain)));
}

bool is_attachment(std::string_view field) {
  return ascii_lower(trimmed(field.substr(0, field.find(';')))) == "attachment";
}

std::string url_name(const net::HttpUrl& url) {
  return bounded(as_utf8(percent_decoded(url.path.substr(url.path.rfind('/') + 1))));
}

}  // namespace restante::transfer
