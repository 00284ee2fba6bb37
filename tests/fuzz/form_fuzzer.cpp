// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "fuzz.hpp"
#include "http/form.hpp"

#include <string>
#include <vector>

// Forms with files, and plain ones. The first line is the Content-Type, the rest the body.
namespace restante::fuzz {

namespace {

constexpr http::FormLimits limits{.parts = 8, .head_bytes = 200};

/// The same parts between boundaries of our own.
std::string written(const std::vector<http::FormPart>& parts, const std::string& boundary) {
  std::string out;
  for (const auto& part : parts) {
    const auto quoted = [](const std::string& name) {
      std::string text;
      for (const char c : name) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
      }
      return text;
    };
    out += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + quoted(part.name) + "\"";
    if (part.file_name) out += "; filename=\"" + quoted(*part.file_name) + "\"";
    out += "\r\n\r\n";
    out += part.content;
    out += "\r\n";
  }
  return out + "--" + boundary + "--\r\n";
}

bool has_break(const std::string& text) {
  return text.find_first_of(std::string_view("\r\n\0%", 4)) != std::string::npos;
}

void check_multipart(std::string_view type, std::string_view body) {
  const auto parts = http::read_multipart(type, body, limits);
  if (!parts) {
    check(!parts.error().message.empty(), "a refusal has words");
    return;
  }
  check(parts->size() <= limits.parts, "no more parts than allowed");
  bool plain = true;
  for (const auto& part : *parts) {
    check(part.content.data() >= body.data() &&
              part.content.data() + part.content.size() <= body.data() + body.size(),
          "a content lies in the body");
    check(is_utf8(part.name) && (!part.file_name || is_utf8(*part.file_name)), "names are UTF-8");
    plain = plain && !has_break(part.name) && !has_break(part.file_name.value_or(""));
  }
  if (!plain) return;
  std::string boundary = "restante";
  while (body.find(boundary) != std::string_view::npos) boundary += boundary.size() % 7 == 0 ? 'x' : 'y';
  if (boundary.size() > 70) return;
  const std::string again = written(*parts, boundary);
  const auto read = http::read_multipart("multipart/form-data; boundary=" + boundary, again,
                                         {.parts = limits.parts, .head_bytes = 4096});
  check(read.has_value() && read->size() == parts->size(), "what is written is read");
  for (std::size_t i = 0; i < parts->size(); ++i)
    check(read->at(i).name == parts->at(i).name && read->at(i).file_name == parts->at(i).file_name &&
              read->at(i).content == parts->at(i).content,
          "and says the same");
}

}  // namespace

void form(std::string_view input) {
  const auto parts = lines(input, 2);
  check_multipart(parts[0], parts[1]);
  const auto fields = http::read_urlencoded(parts[1], limits);
  if (!fields) return;
  check(fields->size() <= limits.parts, "no more fields than allowed");
  for (const auto& field : *fields) check(is_utf8(field.name) && is_utf8(field.value), "fields are UTF-8");
}

}  // namespace restante::fuzz
