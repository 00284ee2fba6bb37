// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "fuzz.hpp"
#include "net/curl_url.hpp"
#include "proxy/document.hpp"
#include "proxy/url.hpp"
#include "transfer/naming.hpp"
#include "transfer/redirects.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>
#include <curl/curl.h>

#include <algorithm>
#include <arpa/inet.h>
#include <clocale>
#include <memory>
#include <string>

// Addresses and redirects: what we vet is what libcurl connects to (THREATS.md A11). The first line is an
// address, the second a Location that answers it.
namespace restante::fuzz {

namespace {

std::string bare(std::string host) {
  host = ascii_lower(host);
  if (host.size() > 2 && host.front() == '[') return host.substr(1, host.size() - 2);
  return host;
}

/// As libcurl's own transfer code reads the address that it is given.
std::string host_for_libcurl(const std::string& text, std::string& port) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  const unsigned flags = CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS;
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), flags) != CURLUE_OK) return "(refused)";
  char* host = nullptr;
  char* number = nullptr;
  if (curl_url_get(url.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK) return "(none)";
  std::string out = bare(host);
  curl_free(host);
  if (curl_url_get(url.get(), CURLUPART_PORT, &number, CURLU_DEFAULT_PORT) == CURLUE_OK) port = number;
  curl_free(number);
  return out;
}

/// "user@" in a reference. Boost.URL 1.81 finds none in "//[::0]:@h/", which is no reference by RFC 3986.
bool has_user(std::string_view reference) {
  const auto slashes = reference.find("//");
  if (slashes == std::string_view::npos) return false;
  const auto authority = reference.substr(slashes + 2);
  return authority.substr(0, authority.find_first_of("/?#")).find('@') != std::string_view::npos;
}

bool is_ip(const std::string& host) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

void check_url(const net::HttpUrl& url) {
  check(url.scheme == "http" || url.scheme == "https", "only the web");
  check(!url.host.empty() && url.port != 0, "an address has a host and a port");
  check(url.path.starts_with('/'), "a path begins with a slash");
  check(url.text.starts_with(url.origin + "/"), "the text begins with its origin");
  check(url.text.find_first_of("\r\n\t \\#") == std::string::npos && url.text.find('\0') == std::string::npos,
        "nothing in it breaks a request");

  const auto again = net::parse_url(url.text);
  check(again && again->text == url.text && again->host == url.host && again->port == url.port &&
            again->origin == url.origin && again->path == url.path,
        "a canonical address is read as itself");
  std::string port;
  check(host_for_libcurl(url.text, port) == url.host, "libcurl connects to the host that we vet");
  check(port == std::to_string(url.port), "libcurl connects to the port that we vet");
  const auto boost = boost::urls::parse_uri(url.text);
  check(boost && bare(std::string(boost->encoded_host())) == url.host, "Boost.URL sees the same host");
  if (const auto parts = proxy::split_url(url.text)) {
    check(bare(std::string(parts->host)) == url.host, "the document's reader sees the same host");
    check(proxy::origin_of(url.text) == url.origin, "credentials are scoped to the same origin");
  }
  const std::string name = transfer::url_name(url);
  check(is_utf8(name) && name.size() <= 1024, "the name in an address is text");
  for (const char* type : {"", "text/plain", "application/zip; x=y", "Text/HTML"}) {
    const std::string suggested = transfer::suggested_name("", url, type);
    check(!suggested.empty() && is_utf8(suggested), "every content has a name");
    check(transfer::suggested_name("attachment; filename=\"n.bin\"", url, type) == "n.bin",
          "a name that is given wins");
  }
}

void check_reading(std::string_view text) {
  const auto url = net::parse_url(text);
  if (url) check_url(*url);
  // The document's reader first, as at a place: both accept, both see one host. libcurl writes numbers as
  // IPv4.
  const auto parts = proxy::split_url(text);
  if (url && parts) {
    const std::string host = bare(std::string(parts->host));
    check(host == url->host || is_ip(url->host), "the document's reader and libcurl see one host");
    check(ascii_lower(parts->scheme) == url->scheme, "the document's reader and libcurl see one scheme");
  }
  if (const auto tidy = proxy::tidy_url(text)) {
    check(proxy::tidy_url(*tidy) == *tidy, "a tidy address stays as it is");
    check(proxy::split_url(*tidy).has_value(), "a tidy address is an address");
  }
  if (const auto decoded = proxy::percent_decode(text))
    check(decoded->size() <= text.size(), "decoding makes nothing longer");
}

}  // namespace

void url(std::string_view input) {
  // As in the worker: names beyond ASCII are turned into xn-- by the character set of the locale.
  static const char* const locale = std::setlocale(LC_CTYPE, "C.UTF-8");
  check(locale != nullptr, "the locale is there");
  const auto both = lines(input, 2);
  check_reading(both[0]);
  const auto base = net::parse_url(both[0]);
  if (!base || both[1].data() == nullptr) return;

  const std::string_view location = both[1];
  const auto target = net::resolve_url(*base, location);
  if (target) check_url(*target);
  // A third opinion where the Location is a reference by RFC 3986.
  const auto reference = boost::urls::parse_uri_reference(location);
  const auto boost_base = boost::urls::parse_uri(base->text);
  if (target && reference && boost_base) {
    boost::urls::url resolved;
    const auto done = boost::urls::resolve(*boost_base, *reference, resolved);
    if (done && !has_user(location)) {
      // libcurl takes percent-encoding off a host, and writes names beyond ASCII as xn--.
      const std::string host = bare(resolved.host());
      const bool beyond_ascii =
          std::any_of(host.begin(), host.end(), [](unsigned char byte) { return byte >= 0x80; });
      check(host == target->host || is_ip(target->host) || beyond_ascii,
            "both resolve a Location to one host");
      check(ascii_lower(std::string(resolved.scheme())) == target->scheme,
            "both resolve a Location to one scheme");
    }
  }
  transfer::RedirectTrail short_trail(0);
  check(short_trail.enter({*base, "GET", false}).has_value() &&
            !short_trail.enter({*base, "HEAD", false}).has_value(),
        "a way has an end");
  for (const int status : {301, 302, 303, 307, 308}) {
    for (const char* method : {"GET", "HEAD", "POST"}) {
      const transfer::Hop from{*base, method, std::string_view(method) == "POST"};
      const auto next = transfer::next_hop(from, status, location);
      if (!next) continue;
      check(base->scheme != "https" || next->url.scheme == "https", "nothing goes from https to http");
      check(!next->with_body || next->url.origin == base->origin, "a body stays at its origin");
      check(next->method == method || next->method == "GET", "a method stays or becomes GET");
      transfer::RedirectTrail trail(10);
      static_cast<void>(trail.enter(from));
      check(trail.enter(*next).has_value() != (next->method == method && next->url.text == base->text),
            "a redirect to itself is a loop");
      check(trail.way() == base->origin + " > " + next->url.origin, "the way is told by its origins");
    }
  }
}

}  // namespace restante::fuzz
