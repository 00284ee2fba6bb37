// SPDX-License-Identifier: Apache-2.0
#include "net/curl_url.hpp"

#include "base/text.hpp"
#include "net/curl_parts.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <curl/curl.h>

#include <array>
#include <charconv>
#include <memory>
#include <optional>

namespace restante::net {

namespace {

constexpr std::size_t max_url_bytes = 16 * 1024;

/// The part behind "//" up to the path; nullopt: there is none.
std::optional<std::string_view> authority_of(std::string_view text) {
  const std::size_t slashes = text.find("//");
  const bool leads = slashes == 0 || (slashes != std::string_view::npos && text[slashes - 1] == ':' &&
                                      text.find_first_of("/?#") == slashes);
  if (!leads) return std::nullopt;
  const std::string_view rest = text.substr(slashes + 2);
  return rest.substr(0, rest.find_first_of("/?#"));
}

/// Characters that no URL may have but many have (spaces, UTF-8) are percent-encoded behind the authority.
/// nullopt: what readers disagree about: control characters, no host at all (libcurl takes the path for it),
/// a backslash before the path (browsers take it for a slash).
std::optional<std::string> encode_strays(std::string_view text) {
  constexpr std::string_view strays = " \"<>\\^`{|}";
  const auto authority = authority_of(text);
  if (authority && (authority->empty() || authority->find('\\') != std::string_view::npos))
    return std::nullopt;
  const auto* end = authority ? authority->data() + authority->size() : text.data();
  const auto authority_end = static_cast<std::size_t>(end - text.data());
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return std::nullopt;
    if (i >= authority_end && (byte >= 0x80 || strays.find(text[i]) != std::string_view::npos)) {
      constexpr std::string_view digits = "0123456789ABCDEF";
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += text[i];
    }
  }
  return out;
}

/// "data:x" and "mailto:x" have one too, which libcurl takes for relative paths; "" if there is none.
std::string scheme_of(std::string_view text) {
  const std::size_t end = text.find_first_of(":/?#");
  if (end == std::string_view::npos || end == 0 || text[end] != ':') return {};
  return ascii_lower(text.substr(0, end));
}

enum class Family { web, ftp };

struct Scheme {
  std::string_view name;
  std::uint16_t port;
  Family family;
};
constexpr std::array<Scheme, 5> schemes = {{{"http", 80, Family::web},
                                            {"https", 443, Family::web},
                                            {"ftp", 21, Family::ftp},
                                            {"ftps", 990, Family::ftp},
                                            {"sftp", 22, Family::ftp}}};

const Scheme* find_scheme(std::string_view name, Family family) {
  for (const Scheme& scheme : schemes)
    if (scheme.name == name && scheme.family == family) return &scheme;
  return nullptr;
}

tl::unexpected<Error> other_scheme(std::string_view scheme) {
  return fail(Reason::scheme,
              "addresses of the kind " + std::string(scheme.substr(0, 20)) + ": are not supported");
}

bool plain_host(std::string_view host) {
  return !host.empty() &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_:") == std::string_view::npos;
}

tl::unexpected<Error> not_a_url(std::string why) {
  return fail(Reason::invalid, "the address cannot be understood: " + std::move(why));
}

std::string without_brackets(std::string host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') return host.substr(1, host.size() - 2);
  return host;
}

/// The way to a file as libcurl is to take it: nothing in it is a parameter.
Result<std::string> ftp_path(std::string path) {
  const auto type = path.size() < 7 ? std::string::npos : path.size() - 7;
  if (type != std::string::npos && iequals(std::string_view(path).substr(type, 6), ";type="))
    path.resize(type);
  std::string out;
  for (const char c : path) out += c == ';' ? std::string("%3B") : std::string(1, c);
  // "/~/" is the home of who signs in; libcurl had "/~x" for something else (CVE-2023-27534).
  if (out.starts_with("/~") && out != "/~" && !out.starts_with("/~/"))
    return not_a_url("the home of somebody else cannot be named");
  return out;
}

Result<HttpUrl> from_parsed(CURLU* url, Family family) {
  HttpUrl out;
  const auto scheme = part(url, CURLUPART_SCHEME);
  auto host = part(url, CURLUPART_HOST, CURLU_PUNYCODE);
  const auto port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const auto path = part(url, CURLUPART_PATH);
  const auto query = part(url, CURLUPART_QUERY);
  out.scheme = ascii_lower(scheme.value_or(""));
  const Scheme* known = find_scheme(out.scheme, family);
  if (known == nullptr) return other_scheme(out.scheme);
  if (!host || !path) return not_a_url("it has no host");
  out.host = without_brackets(ascii_lower(*host));
  if (!plain_host(out.host)) return not_a_url("its host has characters that no host has");
  const bool v6 = out.host.find(':') != std::string::npos;
  if (part(url, CURLUPART_ZONEID)) return not_a_url("its host has a zone");
  if (!port) return not_a_url("its port is no number");
  std::from_chars(port->data(), port->data() + port->size(), out.port);
  if (out.port == 0) return not_a_url("its port is not between 1 and 65535");
  out.path = path->empty() ? "/" : *path;

  if (family == Family::ftp) {
    if (query) return not_a_url("a '?' in the name of a file is written %3F");
    auto clean = ftp_path(std::move(out.path));
    if (!clean) return fail(std::move(clean.error()));
    out.path = std::move(*clean);
  }

  const bool usual = out.port == known->port;
  out.origin = out.scheme + "://" + (v6 ? "[" + out.host + "]" : out.host) +
               (usual ? std::string() : ":" + std::to_string(out.port));
  out.text = out.origin + out.path + (query ? "?" + *query : std::string());
  if (out.text.size() > max_url_bytes) return not_a_url("it is longer than 16 KiB");
  return out;
}

/// The canonical text must mean the same to both parsers, whatever the original meant to either.
Result<HttpUrl> agreed(HttpUrl url, Family family) {
  const auto boost = boost::urls::parse_uri(url.text);
  if (!boost) return not_a_url(boost.error().message());
  const std::string boost_host = without_brackets(ascii_lower(std::string(boost->encoded_host())));
  const std::string boost_port = std::string(boost->port());
  const CurlUrl curl(curl_url());
  if (curl_url_set(curl.get(), CURLUPART_URL, url.text.c_str(), 0) != CURLUE_OK) {
    return not_a_url("its two readings differ");
  }
  const auto again = from_parsed(curl.get(), family);
  const bool usual = boost_port.empty() && url.port == find_scheme(url.scheme, family)->port;
  if (!again || again->text != url.text || again->host != url.host || again->port != url.port ||
      boost_host != url.host || !(usual || boost_port == std::to_string(url.port)) || boost->has_userinfo()) {
    return not_a_url("its two readings differ");
  }
  return url;
}

Result<HttpUrl> parse(std::string_view text, Family family) {
  if (text.size() > max_url_bytes) return not_a_url("it is longer than 16 KiB");
  const std::string scheme = scheme_of(text);
  if (!scheme.empty() && find_scheme(scheme, family) == nullptr) return other_scheme(scheme);
  // libcurl takes "http:/x" for the host x, a browser for a path; and "ftp.host/x" for FTP.
  if (!authority_of(text) || (scheme.empty() && family == Family::ftp))
    return not_a_url(family == Family::web ? "it does not begin with http:// or https://"
                                           : "it does not begin with ftp://, ftps:// or sftp://");
  const auto clean = encode_strays(text);
  if (!clean) return not_a_url("it has no host, or characters that no address has");
  const CurlUrl url(curl_url());
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, clean->c_str(), 0);
  if (code != CURLUE_OK) return not_a_url(curl_url_strerror(code));
  auto parsed = from_parsed(url.get(), family);
  if (!parsed) return parsed;
  return agreed(std::move(*parsed), family);
}

}  // namespace

Result<HttpUrl> parse_url(std::string_view text) {
  return parse(text, Family::web);
}

Result<HttpUrl> parse_ftp_url(std::string_view text) {
  return parse(text, Family::ftp);
}

Result<HttpUrl> parse_any_url(std::string_view text) {
  return parse(text, find_scheme(scheme_of(text), Family::ftp) != nullptr ? Family::ftp : Family::web);
}

Result<HttpUrl> resolve_url(const HttpUrl& base, std::string_view reference) {
  if (reference.empty() || reference.front() == '#') return base;
  if (!scheme_of(reference).empty()) return parse_url(reference);
  if (reference.size() > max_url_bytes) return not_a_url("it is longer than 16 KiB");
  const auto clean = encode_strays(reference);
  if (!clean) return not_a_url("it has no host, or characters that no address has");
  const CurlUrl url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, base.text.c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, clean->c_str(), 0) != CURLUE_OK) {
    return not_a_url("it does not fit the address that it came from");
  }
  auto parsed = from_parsed(url.get(), Family::web);
  if (!parsed) return parsed;
  return agreed(std::move(*parsed), Family::web);
}

}  // namespace restante::net
