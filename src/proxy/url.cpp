// SPDX-License-Identifier: Apache-2.0
#include "proxy/url.hpp"

#include "base/text.hpp"
#include "proxy/document.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <array>
#include <string_view>

namespace restante::proxy {

namespace {

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
int hex_value(char c) {
  return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}
bool is_in(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

// RFC 3986: unreserved, sub-delims and what else the part allows.
constexpr std::string_view userinfo_marks = "-._~!$&'()*+,;=:";
constexpr std::string_view path_marks = "-._~!$&'()*+,;=:@/";
constexpr std::string_view query_marks = "-._~!$&'()*+,;=:@/?";

/// Percent-encoded NUL, LF or CR. Nothing that people fetch is named so, and some program on the way may
/// decode it into the middle of a header (THREATS.md C3).
bool is_encoded_break(char high, char low) {
  return high == '0' && (low == '0' || low == 'A' || low == 'a' || low == 'D' || low == 'd');
}

/// The first byte that may not stand there, or npos.
std::size_t first_bad(std::string_view text, std::string_view marks) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_alnum(text[i]) || is_in(text[i], marks)) continue;
    if (text[i] == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2]) &&
        !is_encoded_break(text[i + 1], text[i + 2])) {
      i += 2;
      continue;
    }
    return i;
  }
  return std::string_view::npos;
}

struct Scheme {
  std::string_view name;
  std::uint16_t port;
};
constexpr std::array<Scheme, 5> schemes = {
    {{"http", 80}, {"https", 443}, {"ftp", 21}, {"ftps", 990}, {"sftp", 22}}};

const Scheme* scheme_of(std::string_view name) {
  for (const Scheme& scheme : schemes)
    if (iequals(scheme.name, name)) return &scheme;
  return nullptr;
}

std::string shown(char c) {
  if (c == '%') return "a '%' without two hexadecimal digits";
  const auto byte = static_cast<unsigned char>(c);
  if (byte == ' ') return "a space";
  if (byte < 0x20 || byte == 0x7f) return "a control character";
  if (byte >= 0x80) return "a letter that is not ASCII";
  return fmt::format("'{}'", c);
}

tl::unexpected<Error> bad_url(std::string message, std::string hint) {
  return fail(Reason::invalid, std::move(message), std::move(hint));
}

bool good_host(std::string_view host) {
  if (host.size() > 255) return false;
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || host.size() > 50) return false;
    const std::string inside(host.substr(1, host.size() - 2));
    in6_addr address;
    return inside.find_first_not_of("0123456789abcdefABCDEF:.") == std::string::npos &&
           inet_pton(AF_INET6, inside.c_str(), &address) == 1;
  }
  for (char c : host)
    if (!is_alnum(c) && !is_in(c, "-._~")) return false;
  return !host.empty();
}

}  // namespace

Result<UrlParts> split_url(std::string_view url) {
  UrlParts out;
  const auto colon = url.find(':');
  out.scheme = colon == std::string_view::npos ? std::string_view() : url.substr(0, colon);
  if (scheme_of(out.scheme) == nullptr)
    return fail(Reason::scheme, "the address does not begin with http:// or https:// (or ftp, ftps, sftp)",
                "give the whole address, as in https://host/file");
  std::string_view left = url.substr(colon + 1);
  if (!left.starts_with("//"))
    return bad_url("'//' is missing after the scheme of the address", "write it as https://host/file");
  left.remove_prefix(2);

  const auto end = left.find_first_of("/?#");
  std::string_view authority = left.substr(0, end);
  out.rest = end == std::string_view::npos ? std::string_view() : left.substr(end);
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    out.has_userinfo = true;
    out.userinfo = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    if (first_bad(out.userinfo, userinfo_marks) != std::string_view::npos)
      return bad_url("the user name or password in the address has a character that cannot stand there",
                     "leave it out of the address and give it as a credential (--user, --secret-stdin)");
  }
  const auto port =
      authority.starts_with('[') ? authority.find(':', authority.find(']')) : authority.find(':');
  out.host = authority.substr(0, port);
  if (port != std::string_view::npos) {
    const auto digits = authority.substr(port + 1);
    unsigned number = 0;
    for (char c : digits) {
      if (c < '0' || c > '9' || number > 65535)
        return bad_url("the port in the address is not a number up to 65535", "correct it or leave it out");
      number = number * 10 + static_cast<unsigned>(c - '0');
    }
    if (number > 65535 || digits.size() > 5)
      return bad_url("the port in the address is not a number up to 65535", "correct it or leave it out");
    if (!digits.empty()) out.port = static_cast<std::uint16_t>(number);
  }
  if (!good_host(out.host))
    return bad_url(
        out.host.empty() ? "the address has no host name" : "the host name in the address is not valid",
        "write it as https://host/file; names beyond ASCII in their xn-- form");

  const auto hash = out.rest.find('#');
  const auto before_hash = out.rest.substr(0, hash);
  const auto question = before_hash.find('?');
  const std::pair<std::string_view, std::string_view> parts[] = {
      {before_hash.substr(0, question), path_marks},
      {question == std::string_view::npos ? std::string_view() : before_hash.substr(question + 1),
       query_marks},
      {hash == std::string_view::npos ? std::string_view() : out.rest.substr(hash + 1), query_marks}};
  for (const auto& [part, marks] : parts)
    if (const auto bad = first_bad(part, marks); bad != std::string_view::npos) {
      if (bad + 2 < part.size() && part[bad] == '%' && is_hex(part[bad + 1]) && is_hex(part[bad + 2]))
        return bad_url("the address has a percent-encoded line break or NUL in it", "leave it out");
      return bad_url("the address has " + shown(part[bad]) + " in it", "percent-encode it (RFC 3986)");
    }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return std::nullopt;
    out += static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

std::optional<std::string> origin_of(std::string_view url) {
  const auto parts = split_url(url);
  if (!parts) return std::nullopt;
  const Scheme* scheme = scheme_of(parts->scheme);
  std::string out(scheme->name);
  out += "://";
  out += ascii_lower(parts->host);
  if (parts->port && *parts->port != scheme->port) out += ":" + std::to_string(*parts->port);
  return out;
}

Result<std::string> tidy_url(std::string_view text) {
  while (!text.empty() && is_in(text.front(), " \t\r\n")) text.remove_prefix(1);
  while (!text.empty() && is_in(text.back(), " \t\r\n")) text.remove_suffix(1);
  if (text.empty()) return bad_url("the address is empty", "write it as https://host/file");
  if (!is_utf8(text)) return bad_url("the address is not UTF-8", "percent-encode it (RFC 3986)");

  std::string whole(text);
  const auto first_mark = text.find_first_of(":/?#");
  const bool bare_host =
      first_mark == std::string_view::npos || text[first_mark] != ':' ||
      (first_mark + 1 < text.size() && text[first_mark + 1] >= '0' && text[first_mark + 1] <= '9');
  if (bare_host && is_alnum(text.front())) whole.insert(0, "http://");

  const auto start = whole.find("://");
  if (start == std::string::npos) {
    auto parts = split_url(whole);
    if (!parts) return fail(std::move(parts.error()));
    return whole;
  }
  const auto authority_end = std::min(whole.find_first_of("/?#\\", start + 3), whole.size());
  const auto at = std::string_view(whole).substr(0, authority_end).rfind('@');
  const auto host_start = at == std::string_view::npos || at < start + 3 ? start + 3 : at + 1;
  for (std::size_t i = host_start; i < authority_end; ++i)
    if (static_cast<unsigned char>(whole[i]) >= 0x80)
      return bad_url("the host name in the address has letters beyond ASCII",
                     "give its xn-- form, as the browser's developer tools show it");

  std::string out = ascii_lower(std::string_view(whole).substr(0, start + 3));
  out += std::string_view(whole).substr(start + 3, host_start - start - 3);
  out += ascii_lower(std::string_view(whole).substr(host_start, authority_end - host_start));
  bool in_fragment = false;
  for (std::size_t i = authority_end; i < whole.size(); ++i) {
    const char c = whole[i];
    const bool escape = c == '%' && i + 2 < whole.size() && is_hex(whole[i + 1]) && is_hex(whole[i + 2]);
    if (c == '#' && !in_fragment) {
      in_fragment = true;
      out += c;
    } else if (is_alnum(c) || is_in(c, query_marks) || escape) {
      out += c;
    } else if (c == '\\' || static_cast<unsigned char>(c) < 0x20) {
      return bad_url("the address has " + shown(c) + " in it",
                     "correct it; programs disagree about what it means");
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  auto parts = split_url(out);
  if (!parts) return fail(std::move(parts.error()));
  return out;
}

}  // namespace restante::proxy
