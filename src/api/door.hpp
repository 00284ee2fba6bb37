// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/service.hpp"
#include "api/api.hpp"

#include <optional>
#include <string>
#include <string_view>

// Who comes in, and from where: decided from a request's head, before anything is looked up
// (docs/internals/access.md, THREATS.md D1 to D4). Plain functions; any thread.
namespace restante::api {

/// What a request shows of who asks.
struct Credential {
  enum class How { nothing, bearer, basic, cookie };
  How how = How::nothing;
  std::string token;
  std::string name;  ///< of Basic
};

/// Authorization counts before a cookie. A cookie counts only where it cannot have been set or sent by
/// another site: one of our name, once, over TLS with the prefix __Host- or between loopback addresses, and
/// in a request that no page of another origin began (Sec-Fetch-Site).
Credential credential_of(const http::Request& request);

/// Whose it is. App passwords by Basic must come with their account's name, where nobody listens; a cookie
/// must be a session's.
std::optional<accounts::Principal> principal_of(const Credential& credential, const http::Request& request,
                                                const accounts::Snapshot& snapshot, Instant now);

/// Passwords, codes and tokens travel only where nobody listens. Error insecure.
Result<void> check_private(const http::Peer& peer);

bool changes_something(std::string_view method);

/// A page tells its Origin with every changing request; programs send none, and an extension's counts as
/// none. Whether it is one of ours: the host that was asked for, [listen] public_url or lan_url. Under our
/// pages' Referrer-Policy browsers tell "null" and say in Sec-Fetch-Site who asks (Fetch Standard, "append a
/// request `Origin` header").
enum class Origin { none, ours, foreign };
Origin origin_of(const http::Request& request, const ApiOptions& options);

/// What every changing request must fulfil: no foreign Origin, and with a cookie our own Origin and
/// `csrf_token` in X-CSRF-Token or in the form's field `csrf`. Error forbidden.
Result<void> check_change(const http::Request& request, const Credential& credential,
                          const ApiOptions& options);

/// Below /v1 no body is one that a plain form of any page could have sent. Error media-type.
Result<void> check_body_type(const http::Request& request);
/// The same for the routes that take forms: only with what no page of another site can add to one, a token in
/// Authorization or (check_change) X-CSRF-Token. A browser adds a Basic name by itself. Error forbidden.
Result<void> check_form(const Credential& credential);

/// What a page of ours shows beside the cookie; another site can neither read nor guess it.
std::string csrf_token(std::string_view session_token);

/// Set-Cookie of a session that lasts so long; zero ends it.
std::string session_cookie(const http::Peer& peer, std::string_view token, Seconds lasts);

/// A field of an application/x-www-form-urlencoded body; the first of that name.
std::optional<std::string> form_field(std::string_view body, std::string_view name);

/// "Firefox on Android" from a User-Agent, for the list of sessions; "a browser" if it is none that is known.
std::string browser_name(std::string_view user_agent);

}  // namespace restante::api
