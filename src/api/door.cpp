// SPDX-License-Identifier: Apache-2.0
#include "api/door.hpp"

#include "api/body.hpp"
#include "base/text.hpp"
#include "http/target.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace restante::api {

namespace {

using Kind = accounts::Principal::Kind;

constexpr std::string_view csrf_context{"restante-csrf\0", 14};
constexpr std::string_view form_type = "application/x-www-form-urlencoded";

/// Where a browser sends cookies that nobody else reads or sets: over TLS, or without leaving the machine.
const char* cookie_name(const http::Peer& peer) {
  if (peer.tls) return "__Host-restante";
  return peer.both_loopback ? "restante" : nullptr;
}

/// The value of the only cookie of this name; "" when there is none, or several.
std::string cookie_value(const http::Request& request, std::string_view name) {
  std::string found;
  int count = 0;
  for (const auto& [key, value] : request.headers) {
    if (!iequals(key, "Cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      auto pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      found = std::string(pair.substr(equals + 1));
      ++count;
    }
  }
  return count == 1 ? found : std::string();
}

/// Whether the browser says that a page of another origin asks; "none" is the person at the address bar.
bool begun_elsewhere(const http::Request& request) {
  const auto site = request.header("Sec-Fetch-Site");
  return !site.empty() && site != "same-origin" && site != "none";
}

Credential basic_credential(std::string_view value) {
  Credential out;
  const auto decoded = from_base64(value);
  const auto colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos) return out;
  out.how = Credential::How::basic;
  out.name = decoded->substr(0, colon);
  out.token = decoded->substr(colon + 1);
  return out;
}

/// The media types that a form of any site sends without asking first (Fetch Standard, CORS-safelisted).
bool is_form_type(std::string_view content_type) {
  const auto type = media_type_of(content_type);
  return type == form_type || type == "multipart/form-data" || type == "text/plain";
}

}  // namespace

Credential credential_of(const http::Request& request) {
  Credential out;
  const auto authorization = request.header("Authorization");
  if (!authorization.empty()) {
    constexpr std::string_view basic = "Basic ";
    if (authorization.size() > basic.size() && iequals(authorization.substr(0, basic.size()), basic))
      return basic_credential(authorization.substr(basic.size()));
    out.token = request.bearer_token();
    if (!out.token.empty()) out.how = Credential::How::bearer;
    return out;
  }
  const char* name = cookie_name(request.peer);
  if (name == nullptr || begun_elsewhere(request)) return out;
  out.token = cookie_value(request, name);
  if (!out.token.empty()) out.how = Credential::How::cookie;
  return out;
}

std::optional<accounts::Principal> principal_of(const Credential& credential, const http::Request& request,
                                                const accounts::Snapshot& snapshot, Instant now) {
  if (credential.how == Credential::How::nothing) return std::nullopt;
  auto who = snapshot.by_token(credential.token, now);
  if (!who) return who;
  if (credential.how == Credential::How::cookie && who->kind != Kind::session) return std::nullopt;
  if (credential.how == Credential::How::basic &&
      (who->kind != Kind::app_password || who->name != credential.name || !check_private(request.peer)))
    return std::nullopt;
  return who;
}

Result<void> check_private(const http::Peer& peer) {
  if (peer.tls || peer.both_loopback || peer.unix_socket) return {};
  return fail(Reason::insecure, "secrets may not travel over a connection without TLS", "use https");
}

bool changes_something(std::string_view method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

namespace {

/// Browser extensions are programs that the person installed; they tell an Origin that no page can have.
bool is_extension(std::string_view origin) {
  return origin.starts_with("chrome-extension://") || origin.starts_with("moz-extension://");
}

}  // namespace

Origin origin_of(const http::Request& request, const ApiOptions& options) {
  auto out = Origin::none;
  const std::string asked =
      fmt::format("{}://{}", request.peer.tls ? "https" : "http", request.header("Host"));
  for (const auto& [name, value] : request.headers) {
    if (!iequals(name, "Origin") || is_extension(value)) continue;
    const bool configured = (!options.public_url.empty() && iequals(value, options.public_url)) ||
                            (!options.lan_url.empty() && iequals(value, options.lan_url));
    const bool untold = value == "null" && request.header("Sec-Fetch-Site") == "same-origin";
    if (!configured && !untold && !iequals(value, asked)) return Origin::foreign;
    out = Origin::ours;
  }
  return out;
}

Result<void> check_change(const http::Request& request, const Credential& credential,
                          const ApiOptions& options) {
  const auto origin = origin_of(request, options);
  if (origin == Origin::foreign)
    return fail(Reason::forbidden, "a page of another site may not change anything here",
                "use this place's own pages or programs");
  if (credential.how == Credential::How::cookie) {
    std::string shown(request.header("X-CSRF-Token"));
    if (shown.empty() && media_type_of(request.header("Content-Type")) == form_type)
      shown = form_field(request.body, "csrf").value_or("");
    if (origin != Origin::ours || !equal_in_constant_time(shown, csrf_token(credential.token)))
      return fail(Reason::forbidden, "with a cookie only this place's own pages may change something",
                  "send Origin and X-CSRF-Token, or use a token in Authorization");
  }
  return {};
}

Result<void> check_body_type(const http::Request& request) {
  // Without a body there is nothing that a form could say; some clients name its type all the same.
  if (request.path.starts_with("/v1/") && !request.body.empty() &&
      is_form_type(request.header("Content-Type")))
    return fail(Reason::media_type, "forms are not taken here", "send application/json");
  return {};
}

Result<void> check_form(const Credential& credential) {
  if (credential.how != Credential::How::basic) return {};
  return fail(Reason::forbidden, "a form that comes with a name and password could be anybody's",
              "send the app password as Authorization: Bearer");
}

std::string csrf_token(std::string_view session_token) {
  const auto digest = sha256(std::string(csrf_context) + std::string(session_token));
  return to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string session_cookie(const http::Peer& peer, std::string_view token, Seconds lasts) {
  const char* name = cookie_name(peer);
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}",
                     name == nullptr ? "restante" : name, token, lasts.count(), peer.tls ? "; Secure" : "");
}

std::optional<std::string> form_field(std::string_view body, std::string_view name) {
  while (!body.empty()) {
    const auto pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    if (http::percent_decode(pair.substr(0, equals), true) != name) continue;
    return http::percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
  }
  return std::nullopt;
}

std::string browser_name(std::string_view user_agent) {
  // In this order: each names those that come after it, too.
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> browsers{{{"Edg", "Edge"},
                                                                                   {"OPR/", "Opera"},
                                                                                   {"Firefox/", "Firefox"},
                                                                                   {"Chromium/", "Chromium"},
                                                                                   {"Chrome/", "Chrome"},
                                                                                   {"Safari/", "Safari"}}};
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> systems{{{"Android", "Android"},
                                                                                  {"iPhone", "iPhone"},
                                                                                  {"iPad", "iPad"},
                                                                                  {"Windows", "Windows"},
                                                                                  {"Mac OS X", "macOS"},
                                                                                  {"Linux", "Linux"}}};
  std::string out;
  for (const auto& [mark, shown] : browsers)
    if (out.empty() && user_agent.find(mark) != std::string_view::npos) out = shown;
  if (out.empty()) return "a browser";
  for (const auto& [mark, shown] : systems)
    if (user_agent.find(mark) != std::string_view::npos) return fmt::format("{} on {}", out, shown);
  return out;
}

}  // namespace restante::api
