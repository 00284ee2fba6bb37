// SPDX-License-Identifier: Apache-2.0
#include "http/target.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace restante::http {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

tl::unexpected<Error> refuse(std::string why) {
  return fail(Reason::invalid, "the request's address " + std::move(why));
}

Result<void> split_path(Target& target) {
  if (target.path == "/") return {};
  std::string_view rest = std::string_view(target.path).substr(1);
  for (;;) {
    const auto slash = rest.find('/');
    auto segment = percent_decode(rest.substr(0, slash));
    if (!segment) return refuse("has a broken percent sign");
    if (*segment == "." || *segment == "..") return refuse("has a dot segment");
    if (segment->find('/') != std::string::npos) return refuse("has an encoded slash");
    if (segment->find('\\') != std::string::npos) return refuse("has a backslash");
    if (has_control(*segment)) return refuse("has an encoded control character");
    if (!is_utf8(*segment)) return refuse("is not UTF-8");
    target.segments.push_back(std::move(*segment));
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

Result<void> split_query(std::string_view query, Target& target) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional<std::string>(std::string())
                                                  : percent_decode(pair.substr(equals + 1), true);
    if (!name || !value) return refuse("has a broken percent sign in its query");
    if (!is_utf8(*name) || !is_utf8(*value) || value->find('\0') != std::string::npos)
      return refuse("has a query that is not text");
    target.query.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

bool valid_host(std::string_view host) {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    const auto inside = host.substr(1, end - 1);
    if (!std::all_of(inside.begin(), inside.end(),
                     [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; }))
      return false;
    host.remove_prefix(end + 1);
    if (host.empty()) return true;
    if (!host.starts_with(':')) return false;
  } else {
    const auto colon = host.find(':');
    const auto name = host.substr(0, colon);
    const auto allowed = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
             c == '.' || c == '_';
    };
    if (name.empty() || !std::all_of(name.begin(), name.end(), allowed)) return false;
    if (colon == std::string_view::npos) return true;
    host.remove_prefix(colon);
  }
  host.remove_prefix(1);
  return host.size() <= 5 &&
         std::all_of(host.begin(), host.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<Target> parse_target(std::string_view raw) {
  Target target;
  if (!std::all_of(raw.begin(), raw.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
    return refuse("has bytes that must be percent-encoded");
  if (raw.find('#') != std::string_view::npos) return refuse("has a fragment");
  if (raw == "*") {
    target.path = "*";
    return target;
  }
  for (std::string_view scheme : {"http://", "https://"}) {
    if (raw.size() < scheme.size() || !iequals(raw.substr(0, scheme.size()), scheme)) continue;
    raw.remove_prefix(scheme.size());
    const auto end = std::min(raw.find_first_of("/?"), raw.size());
    target.authority = raw.substr(0, end);
    raw.remove_prefix(end);
    if (!valid_host(target.authority)) return refuse("has a host that is not one");
    break;
  }
  if (target.authority.empty() && !raw.starts_with('/')) return refuse("does not begin with a slash");
  const auto question = raw.find('?');
  target.path = raw.substr(0, question);
  if (target.path.empty()) target.path = "/";
  if (auto done = split_path(target); !done) return fail(std::move(done.error()));
  if (question != std::string_view::npos)
    if (auto done = split_query(raw.substr(question + 1), target); !done)
      return fail(std::move(done.error()));
  return target;
}

}  // namespace restante::http
