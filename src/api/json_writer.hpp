// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unicode.hpp"

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace restante::api {

/// Appends JSON text (RFC 8259) to a string without building a tree: answers of 100,000 lines are made by it.
/// Bytes that are no UTF-8 become U+FFFD: one damaged text must not make a whole answer unreadable.
/// The caller opens and closes what belongs together.
class JsonWriter {
public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& open(char bracket) {  ///< '{' or '['
    separate();
    out_ += bracket;
    first_ = true;
    return *this;
  }
  JsonWriter& close(char bracket) {  ///< '}' or ']'
    out_ += bracket;
    first_ = false;
    return *this;
  }
  JsonWriter& key(std::string_view name) {  ///< a name of our own: never needs escaping
    separate();
    out_ += '"';
    out_ += name;
    out_ += "\":";
    first_ = true;
    return *this;
  }
  JsonWriter& text(std::string_view value) {
    separate();
    out_ += '"';
    escape(value);
    out_ += '"';
    return *this;
  }
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  JsonWriter& number(T value) {
    separate();
    const fmt::format_int digits(value);
    out_.append(digits.data(), digits.size());
    return *this;
  }
  JsonWriter& yes_no(bool value) {
    separate();
    out_ += value ? "true" : "false";
    return *this;
  }
  JsonWriter& raw(std::string_view json) {  ///< a value that is JSON already
    separate();
    out_ += json;
    return *this;
  }

private:
  void separate() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  void escape(std::string_view value) {
    std::size_t plain = 0;  // where the text begins that is not yet written and needs no escaping
    for (std::size_t at = 0; at < value.size(); ++at) {
      const char c = value[at];
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x80) {
        std::string_view rest = value.substr(at);
        const bool character = take_point(rest).has_value();
        const std::size_t length = value.size() - at - rest.size();
        if (!character) {
          out_.append(value, plain, at - plain).append("\\ufffd");
          plain = at + length;
        }
        at += length - 1;
        continue;
      }
      if (byte >= 0x20 && c != '"' && c != '\\') continue;
      out_.append(value, plain, at - plain);
      plain = at + 1;
      if (byte >= 0x20)
        (out_ += '\\') += c;
      else
        fmt::format_to(std::back_inserter(out_), "\\u{:04x}", byte);
    }
    out_.append(value, plain, value.size() - plain);
  }

  std::string& out_;
  bool first_ = true;
};

}  // namespace restante::api
