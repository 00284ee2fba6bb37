// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "proxy/document.hpp"
#include "request/place.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::request {

/// What a person asks for, as the options of `restante send` give it.
struct Wish {
  std::string url;
  std::vector<std::string> mirrors;
  std::string at, by;                ///< proxy::parse_person_time; empty: now, no deadline
  std::vector<std::string> windows;  ///< proxy::parse_person_window
  std::string every;                 ///< proxy::parse_person_recurrence; empty: once
  std::string tz;                    ///< "": the place's zone; "here": this machine's
  std::string name, folder;
  std::vector<std::string> checksums;  ///< "sha-256=HEX"
  std::vector<std::string> headers;    ///< "Name: value"
  std::string referer;
  std::string user;
  std::optional<std::string> secret;             ///< the password, or without a user a bearer token
  std::string host_key;                          ///< of an SFTP server, for `user`; may be empty
  bool digest = false;                           ///< the password itself is never sent (RFC 7616)
  std::optional<proxy::Credential> certificate;  ///< request::certificate_credential
  std::vector<proxy::Credential> logins;         ///< stored ones, of any origin
  std::optional<std::string> cookies_file;       ///< its content, Netscape format
  std::string limit_rate, max_size;              ///< parse_size
  std::optional<int> max_attempts;
  bool allow_empty = false;
  bool probe = true;
  std::string keep;  ///< proxy::parse_duration
};

/// A UUID version 7 (RFC 9562): sorts by time.
std::string new_request_id(Instant now);

/// The request as a document for this place (patent: PG 310). Plain headers go with the source; Cookie,
/// Authorization and other headers that look like secrets become credentials, as does user information in the
/// URL, which leaves the URL. Secrets are bound to the origin of `url`; mirrors elsewhere do not get them.
/// Stored logins are used for their own origins, except where the wish itself says how to sign in; their ids
/// begin with `login_id`.
/// Errors: usage, invalid, scheme.
inline constexpr std::string_view login_id = "login-";
Result<proxy::Document> compose(const Wish& wish, const Place& place, Instant now);

/// The same with what was captured elsewhere (capture::understand) instead of the URL: options that say
/// nothing leave it as it is, --folder goes before its own folders, and a sign-in or cookies that are given
/// stand instead of captured ones for the first source's origin. Errors: as compose, and invalid (no file in
/// it).
Result<proxy::Document> compose_captured(proxy::Document document, const Wish& wish, const Place& place,
                                         Instant now);

/// A changed plan as a JSON merge patch (RFC 7396) for PATCH /v1/jobs/J; absent options change nothing, and
/// an empty one removes what was set. Errors: usage.
struct Change {
  std::optional<std::string> at, by, tz, name, folder, limit_rate;
  std::optional<std::vector<std::string>> windows;
  std::optional<std::string> url;  ///< a new link to the same content
};
Result<std::string> compose_change(const Change& change, const Place& place, Instant now);

}  // namespace restante::request
