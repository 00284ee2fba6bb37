// SPDX-License-Identifier: Apache-2.0
#include "request/cookies.hpp"

#include "base/text.hpp"
#include "proxy/url.hpp"

#include <array>
#include <charconv>

namespace restante::request {
namespace {

/// RFC 6265 §5.1.3.
bool domain_fits(std::string_view host, std::string_view domain, bool subdomains) {
  if (host == domain) return true;
  return subdomains && host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.';
}

/// RFC 6265 §5.1.4.
bool path_fits(std::string_view path, std::string_view cookie_path) {
  if (!path.starts_with(cookie_path)) return false;
  return path.size() == cookie_path.size() || cookie_path.ends_with('/') || path[cookie_path.size()] == '/';
}

/// Of a cookie's name or value: what cannot stand in a Cookie header.
bool has_bad_character(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == ';') return true;
  return false;
}

bool split(std::string_view line, std::array<std::string_view, 7>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto tab = line.find('\t');
    if ((tab == line.npos) != (i + 1 == fields.size())) {
      if (i == 5 && tab == line.npos) {  // an empty value whose tab was cut off
        fields[5] = line;
        fields[6] = {};
        return true;
      }
      return false;
    }
    fields[i] = line.substr(0, tab);
    if (tab != line.npos) line.remove_prefix(tab + 1);
  }
  return true;
}

}  // namespace

Result<std::vector<proxy::Cookie>> cookies_for(std::string_view file, std::string_view url, Instant now) {
  std::vector<proxy::Cookie> out;
  const auto parts = proxy::split_url(url);
  if (!parts) return fail(parts.error());
  const std::string host = ascii_lower(parts->host);
  const std::string_view rest = parts->rest.substr(0, parts->rest.find_first_of("?#"));
  const std::string path(rest.empty() ? "/" : rest);
  const bool secure_connection = iequals(parts->scheme, "https");
  const auto now_s = std::chrono::floor<Seconds>(now).time_since_epoch().count();

  for (std::size_t number = 1; !file.empty(); ++number) {
    const auto end = std::min(file.find('\n'), file.size());
    std::string_view line = file.substr(0, end);
    file.remove_prefix(std::min(end + 1, file.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    constexpr std::string_view http_only = "#HttpOnly_";
    if (line.starts_with(http_only))
      line.remove_prefix(http_only.size());
    else if (line.empty() || line.starts_with('#') || line.find_first_not_of(" \t") == line.npos)
      continue;
    std::array<std::string_view, 7> field;
    std::int64_t expires = 0;
    const auto wrong = [&](const char* what) {
      return fail(Reason::invalid, "line " + std::to_string(number) + " of the cookies file " + what,
                  "export it in Netscape format (cookies.txt)");
    };
    if (!split(line, field)) return wrong("does not have seven fields between tabs");
    const char* last = field[4].data() + field[4].size();
    // Browsers' extensions write fractions of a second.
    const auto [at, error] = std::from_chars(field[4].data(), last, expires);
    if (error != std::errc{} || (at != last && *at != '.')) return wrong("has no expiry time");
    if (has_bad_character(field[5]) || has_bad_character(field[6]) || field[5].empty())
      return wrong("has a name or value that no Cookie header can carry");

    std::string domain = ascii_lower(field[0]);
    const bool subdomains = iequals(field[1], "TRUE") || domain.starts_with('.');
    if (domain.starts_with('.')) domain.erase(0, 1);
    const bool secure = iequals(field[3], "TRUE");
    if (!domain_fits(host, domain, subdomains) || !path_fits(path, field[2]) ||
        (secure && !secure_connection) || (expires != 0 && expires <= now_s))
      continue;
    proxy::Cookie cookie;
    cookie.name = field[5];
    cookie.value = field[6];
    cookie.host = host;
    if (subdomains) cookie.domain = domain;
    cookie.path = field[2].empty() ? "/" : std::string(field[2]);
    cookie.secure = secure;
    if (expires != 0) cookie.expires = expires;
    out.push_back(std::move(cookie));
  }
  return out;
}

}  // namespace restante::request
