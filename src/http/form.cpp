// SPDX-License-Identifier: Apache-2.0
#include "http/form.hpp"

#include "base/text.hpp"
#include "http/target.hpp"

#include <algorithm>
#include <utility>

namespace restante::http {

namespace {

constexpr std::size_t longest_boundary = 70;  // RFC 2046 §5.1.1

tl::unexpected<Error> broken(std::string message) {
  return fail(Reason::malformed, std::move(message), "send the form as a browser does");
}

tl::unexpected<Error> too_many(std::size_t parts) {
  return fail(Reason::too_large, "the form has more than " + std::to_string(parts) + " parts",
              "send it in several forms");
}

struct Parameter {
  std::string name;  ///< lower case
  std::string value;
};

/// "type; a=b; c=\"d\"": the lower-case type and its parameters; nullopt if it is not of that form. A
/// backslash escapes a quote or a backslash only: browsers send the others as they are.
struct Value {
  std::string first;
  std::vector<Parameter> parameters;

  const std::string* find(std::string_view name) const {
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&](const Parameter& one) { return one.name == name; });
    return found == parameters.end() ? nullptr : &found->value;
  }
};

std::optional<std::string> take_quoted(std::string_view& rest) {
  std::string out;
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() != '"') {
    const bool escaped = rest.size() > 1 && rest[0] == '\\' && (rest[1] == '"' || rest[1] == '\\');
    if (escaped) rest.remove_prefix(1);
    out += rest.front();
    rest.remove_prefix(1);
  }
  if (rest.empty()) return std::nullopt;
  rest.remove_prefix(1);
  return out;
}

std::optional<Value> read_value(std::string_view text) {
  Value out;
  auto end = std::min(text.find(';'), text.size());
  out.first = ascii_lower(trimmed(text.substr(0, end), " \t"));
  auto rest = trimmed(text.substr(end), " \t");
  while (!rest.empty()) {
    if (rest.front() != ';') return std::nullopt;
    rest = trimmed(rest.substr(1), " \t");
    if (rest.empty()) break;
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    Parameter one;
    one.name = ascii_lower(trimmed(rest.substr(0, equals), " \t"));
    rest = trimmed(rest.substr(equals + 1), " \t");
    if (one.name.empty() || one.name.find(';') != std::string::npos || out.find(one.name) != nullptr)
      return std::nullopt;
    if (rest.starts_with('"')) {
      auto quoted = take_quoted(rest);
      if (!quoted) return std::nullopt;
      one.value = std::move(*quoted);
    } else {
      end = std::min(rest.find(';'), rest.size());
      one.value = trimmed(rest.substr(0, end), " \t");
      rest.remove_prefix(end);
    }
    out.parameters.push_back(std::move(one));
    rest = trimmed(rest, " \t");
  }
  return out;
}

bool is_boundary(std::string_view text) {
  constexpr std::string_view others = "'()+_,-./:=? ";
  return !text.empty() && text.size() <= longest_boundary && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  others.find(c) != std::string_view::npos;
         });
}

/// A name as a browser writes it: quotes and line breaks percent-encoded (HTML, "multipart form data").
std::string plain_name(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto code = name.substr(0, 3);
    const char meant = code == "%22" ? '"' : code == "%0D" ? '\r' : code == "%0A" ? '\n' : '\0';
    out += meant == '\0' ? name.front() : meant;
    name.remove_prefix(meant == '\0' ? 1 : 3);
  }
  return out;
}

/// One header line of a part, without its end.
Result<void> read_head_line(std::string_view line, FormPart& part, bool& named) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line.front() == ' ' || line.front() == '\t')
    return broken("a part of the form has a header line that is none");
  const std::string name = ascii_lower(line.substr(0, colon));
  const auto value = trimmed(line.substr(colon + 1), " \t");
  if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
    return broken("a header line of a part of the form has a line break in it");
  if (name == "content-type") part.media_type = ascii_lower(trimmed(value.substr(0, value.find(';')), " \t"));
  if (name == "content-transfer-encoding") {
    const std::string coding = ascii_lower(value);
    if (coding != "binary" && coding != "8bit" && coding != "7bit")
      return broken("a part of the form is encoded; parts travel as they are");
  }
  if (name != "content-disposition") return {};
  const auto read = read_value(value);
  const std::string* field = read ? read->find("name") : nullptr;
  if (named || !read || read->first != "form-data" || field == nullptr)
    return broken("a part of the form does not say which field it is");
  named = true;
  part.name = plain_name(*field);
  if (const std::string* file = read->find("filename")) part.file_name = plain_name(*file);
  if (!is_utf8(part.name) || (part.file_name && !is_utf8(*part.file_name)))
    return broken("a name in the form is not UTF-8");
  return {};
}

/// The header lines of a part and the empty line behind them; `rest` is then at its content.
Result<FormPart> read_head(std::string_view& rest, const FormLimits& limits) {
  FormPart part;
  bool named = false;
  std::size_t used = 0;
  for (;;) {
    const auto end = rest.find("\r\n");
    if (end == std::string_view::npos) return broken("a part of the form ends in its head");
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    used += end + 2;
    if (used > limits.head_bytes)
      return fail(Reason::too_large, "a part of the form has a head of more than " +
                                         std::to_string(limits.head_bytes) + " bytes");
    if (line.empty()) break;
    if (auto read = read_head_line(line, part, named); !read) return fail(std::move(read.error()));
  }
  if (!named) return broken("a part of the form does not say which field it is");
  return part;
}

/// What stands behind a boundary: another part, or the end of the form.
enum class Behind { part, end, nonsense };

Behind take_line_end(std::string_view& rest) {
  const bool last = rest.starts_with("--");
  if (last) rest.remove_prefix(2);
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
  if (rest.starts_with("\r\n"))
    rest.remove_prefix(2);
  else if (!last || !rest.empty())
    return Behind::nonsense;
  return last ? Behind::end : Behind::part;
}

}  // namespace

Result<std::vector<FormPart>> read_multipart(std::string_view content_type, std::string_view body,
                                             const FormLimits& limits) {
  const auto type = read_value(content_type);
  const std::string* boundary = type ? type->find("boundary") : nullptr;
  if (!type || type->first != "multipart/form-data" || boundary == nullptr || !is_boundary(*boundary))
    return broken("the form does not say what stands between its parts");
  const std::string first = "--" + *boundary, further = "\r\n" + first;
  if (!body.starts_with(first)) return broken("the form does not begin with its boundary");
  std::string_view rest = body.substr(first.size());
  std::vector<FormPart> parts;
  for (;;) {
    const auto behind = take_line_end(rest);
    if (behind == Behind::nonsense) return broken("something stands behind a boundary of the form");
    if (behind == Behind::end) {
      if (!rest.empty()) return broken("something stands behind the end of the form");
      return parts;
    }
    if (parts.size() == limits.parts) return too_many(limits.parts);
    auto part = read_head(rest, limits);
    if (!part) return fail(std::move(part.error()));
    // A part without content has its boundary right behind the empty line.
    const bool empty = rest.starts_with(first);
    const auto end = empty ? 0 : rest.find(further);
    if (end == std::string_view::npos) return broken("the form ends within a part");
    part->content = rest.substr(0, end);
    rest.remove_prefix(end + (empty ? first : further).size());
    parts.push_back(std::move(*part));
  }
}

Result<std::vector<FormField>> read_urlencoded(std::string_view body, const FormLimits& limits) {
  std::vector<FormField> out;
  while (!body.empty()) {
    const auto pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    if (pair.empty()) continue;
    if (out.size() == limits.parts) return too_many(limits.parts);
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value || !is_utf8(*name) || !is_utf8(*value))
      return broken("a field of the form is not percent-encoded UTF-8");
    out.push_back({std::move(*name), std::move(*value)});
  }
  return out;
}

}  // namespace restante::http
