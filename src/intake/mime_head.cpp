// SPDX-License-Identifier: Apache-2.0
#include "intake/mime_head.hpp"

#include "base/text.hpp"

#include <array>
#include <charconv>
#include <map>
#include <utility>
#include <vector>

namespace restante::intake {

namespace {

constexpr std::size_t most_parameters = 64;
constexpr unsigned most_sections = 64;  ///< of one parameter (RFC 2231 §3)

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// The words of a structured field one by one, without comments (RFC 5322 §3.2.2).
class FieldReader {
public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  /// Up to one of `ends` (which stays), with quoted strings unquoted.
  std::string until(std::string_view ends) {
    std::string out;
    while (!rest_.empty() && ends.find(rest_.front()) == std::string_view::npos) {
      if (rest_.front() == '(')
        skip_comment();
      else if (rest_.front() == '"')
        quoted(out);
      else
        out += take();
    }
    return std::string(trimmed(out));
  }
  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool done() const { return rest_.empty(); }

private:
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  void quoted(std::string& out) {
    take();
    while (!rest_.empty()) {
      char c = take();
      if (c == '"') return;
      if (c == '\\' && !rest_.empty()) c = take();
      out += c;
    }
  }
  void skip_comment() {
    std::size_t open = 0;
    while (!rest_.empty()) {
      const char c = take();
      if (c == '\\' && !rest_.empty())
        take();
      else if (c == '(')
        ++open;
      else if (c == ')' && --open == 0)
        return;
    }
  }

  std::string_view rest_;
};

struct Field {
  std::string value;                              ///< lower case
  std::map<std::string, std::string> parameters;  ///< names in lower case
};

Field read_field(std::string_view text) {
  FieldReader reader(text);
  Field out;
  out.value = ascii_lower(reader.until(";"));
  while (reader.skip(';') && out.parameters.size() < most_parameters) {
    std::string name = ascii_lower(reader.until("=;"));
    if (!reader.skip('=')) continue;
    out.parameters.emplace(std::move(name), reader.until(";"));
  }
  return out;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

/// "charset'language'value" (RFC 2231 §4).
std::string extended(std::string_view text) {
  const auto first = text.find('\'');
  const auto second = first == std::string_view::npos ? first : text.find('\'', first + 1);
  return percent_decoded(second == std::string_view::npos ? text : text.substr(second + 1));
}

/// A parameter, whole or in numbered sections, encoded or not (RFC 2231).
std::string parameter(const Field& field, const std::string& name) {
  if (const auto found = field.parameters.find(name + "*"); found != field.parameters.end())
    return extended(found->second);
  if (const auto found = field.parameters.find(name); found != field.parameters.end()) return found->second;
  std::string out;
  for (unsigned section = 0; section < most_sections; ++section) {
    const std::string key = name + "*" + std::to_string(section);
    if (const auto plain = field.parameters.find(key); plain != field.parameters.end())
      out += plain->second;
    else if (const auto coded = field.parameters.find(key + "*"); coded != field.parameters.end())
      out += section == 0 ? extended(coded->second) : percent_decoded(coded->second);
    else
      break;
  }
  return out;
}

TransferEncoding encoding_of(std::string_view text) {
  const std::string name = ascii_lower(FieldReader(text).until(";"));
  if (name == "base64") return TransferEncoding::base64;
  if (name == "quoted-printable") return TransferEncoding::quoted_printable;
  if (name.empty() || name == "7bit" || name == "8bit" || name == "binary") return TransferEncoding::identity;
  return TransferEncoding::unknown;
}

using Fields = std::map<std::string, std::string, std::less<>>;

PartHead head_of(const Fields& fields) {
  PartHead out;
  if (const auto type = fields.find("content-type"); type != fields.end()) {
    const Field field = read_field(type->second);
    if (!field.value.empty()) out.type = field.value;
    out.boundary = parameter(field, "boundary");
    out.file_name = parameter(field, "name");
  }
  if (const auto disposition = fields.find("content-disposition"); disposition != fields.end())
    if (auto name = parameter(read_field(disposition->second), "filename"); !name.empty())
      out.file_name = std::move(name);
  if (const auto encoding = fields.find("content-transfer-encoding"); encoding != fields.end())
    out.encoding = encoding_of(encoding->second);
  return out;
}

}  // namespace

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<SplitPart> split_part(std::string_view part, std::size_t head_bytes) {
  Fields fields;
  std::string* last = nullptr;  // the field that a folded line continues
  std::string_view rest = part;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (part.size() - rest.size() > head_bytes + 2) return std::nullopt;
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {
      if (last != nullptr) last->append(line);
      continue;
    }
    last = nullptr;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;  // "From " of a mailbox file, or nonsense
    const std::string name = ascii_lower(trimmed(line.substr(0, colon)));
    if (!name.starts_with("content-")) continue;
    const auto [at, added] = fields.emplace(name, line.substr(colon + 1));
    if (added) last = &at->second;
  }
  return SplitPart{head_of(fields), rest};
}

std::string from_mail_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  unsigned bits = 0, count = 0;
  for (const char c : text) {
    unsigned value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<unsigned>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<unsigned>(c - 'a') + 26;
    else if (c >= '0' && c <= '9')
      value = static_cast<unsigned>(c - '0') + 52;
    else if (c == '+')
      value = 62;
    else if (c == '/')
      value = 63;
    else if (c == '=')
      break;
    else
      continue;
    bits = (bits << 6 | value) & 0xffffff;
    if (++count % 4 == 1) continue;
    const unsigned shift = 6 - 2 * ((count - 1) % 4);
    out += static_cast<char>(bits >> shift & 0xff);
  }
  return out;
}

std::string from_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const bool ended = text.find('\n') != std::string_view::npos;
    std::string_view line = take_line(text);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    const bool soft = line.ends_with('=');
    if (soft) line.remove_suffix(1);
    for (std::size_t i = 0; i < line.size(); ++i) {
      const int high = line[i] == '=' && i + 2 < line.size() ? hex_digit(line[i + 1]) : -1;
      const int low = high >= 0 ? hex_digit(line[i + 2]) : -1;
      if (low < 0) {
        out += line[i];
        continue;
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (!soft && ended) out += '\n';
  }
  return out;
}

}  // namespace restante::intake
