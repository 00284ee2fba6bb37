// SPDX-License-Identifier: Apache-2.0
#include "capture/form_body.hpp"

#include <fmt/format.h>

namespace restante::capture {
namespace {

/// What stands before the next ';', or within quotes. Takes it off `text`.
std::string take_value(std::string_view& text) {
  std::string out;
  if (!text.starts_with('"')) {
    const auto end = std::min(text.find(';'), text.size());
    out = text.substr(0, end);
    text.remove_prefix(end);
    return out;
  }
  text.remove_prefix(1);
  while (!text.empty() && text.front() != '"') {
    if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
    out += text.front();
    text.remove_prefix(1);
  }
  text.remove_prefix(std::min(text.find(';'), text.size()));
  return out;
}

/// A quoted parameter of Content-Disposition, escaped as browsers do (RFC 7578 §2, WHATWG HTML).
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"')
      out += "%22";
    else if (c == '\r')
      out += "%0D";
    else if (c == '\n')
      out += "%0A";
    else
      out += c;
  }
  return out + "\"";
}

}  // namespace

Result<FormField> read_form_option(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0) return fail(Reason::invalid, "a field of -F has no name");
  FormField out;
  out.name = text.substr(0, equals);
  text.remove_prefix(equals + 1);
  if (text.starts_with('@') || text.starts_with('<'))
    return fail(Reason::invalid, "-F sends a file of your device (@ or <); it cannot be sent from here");
  out.value = take_value(text);
  while (text.starts_with(';')) {
    text.remove_prefix(1);
    while (text.starts_with(' ')) text.remove_prefix(1);
    const auto name = text.substr(0, std::min(text.find('='), text.size()));
    text.remove_prefix(std::min(name.size() + 1, text.size()));
    auto value = take_value(text);
    if (name == "type") out.media_type = std::move(value);
    if (name == "filename") out.file_name = std::move(value);
  }
  if (out.media_type.find_first_of("\r\n") != std::string::npos) out.media_type.clear();
  return out;
}

std::string multipart_body(const std::vector<FormField>& fields, std::string& type) {
  std::string boundary;
  const auto is_inside = [&] {
    for (const auto& field : fields)
      if (field.value.find(boundary) != std::string::npos) return true;
    return false;
  };
  int number = 0;
  do boundary = fmt::format("------------------------restante{:08}", ++number);
  while (is_inside());
  type = "multipart/form-data; boundary=" + boundary;
  std::string out;
  for (const auto& field : fields) {
    out += "--" + boundary + "\r\nContent-Disposition: form-data; name=" + in_quotes(field.name);
    if (!field.file_name.empty()) out += "; filename=" + in_quotes(field.file_name);
    if (!field.media_type.empty()) out += "\r\nContent-Type: " + field.media_type;
    out += "\r\n\r\n" + field.value + "\r\n";
  }
  return out + "--" + boundary + "--\r\n";
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain)
      out += c;
    else if (c == ' ')
      out += '+';
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace restante::capture
