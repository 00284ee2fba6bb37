// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/backoff.hpp"
#include "api/api.hpp"
#include "api/door.hpp"
#include "intake/submit_limit.hpp"

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::api {

/// What every handler works with; lives as long as the API.
struct Context {
  ApiParts parts;
  ApiOptions options;
  intake::SubmitLimit submits;        ///< control loop
  intake::SubmitLimit token_submits;  ///< of submit tokens, so that theirs never use up the account's own
  LinkDoor link_door{LinkDoorLimits{}};
  accounts::Backoff refused_senders{{}};  ///< control loop; of documents that come without a session
  std::atomic<bool> refused_any = false;  ///< whether a document has to be asked about beforehand
  std::atomic<bool> closed = false;
  Instant started{};
};

/// One request on its way through a handler: who asks, and the values of the path's parameters in order.
struct Call {
  http::Request request;
  /// Always there on routes that are not open. On open ones a cookie counts for a change only with its
  /// X-CSRF-Token: without, nobody is known.
  std::optional<accounts::Principal> who;
  Credential credential;  ///< what `who` was known by
  std::vector<std::string> parameters;
};

using HandlerFunction = Task<http::Response> (*)(Context&, Call);

/// RFC 9457 with the header fields that belong to the status. A not-found answer names nothing of the
/// request, so that a foreign id and an unknown one are answered alike, byte for byte.
http::Response refuse(const Error& error, const http::Request& request);

/// What may be told of a path in logs and errors: below /v1 all of it, because things are named by ids there;
/// else the first segment, because tokens and people's own names follow.
std::string shown_path(std::string_view path);

http::Response no_content();

/// "there is no such job here" (or file, device, ...): the one answer for foreign and unknown ids.
Error nothing_there(std::string_view what);

/// `error`, or nothing_there(what) if it is a not-found of whatever wording.
Error hide_foreign(Error error, std::string_view what);

}  // namespace restante::api
