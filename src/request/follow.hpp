// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "request/calls.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace restante::request {

/// One event of a place: job.state, job.progress or file.done; what it does not carry is empty.
struct Update {
  std::string type, job, name, from, to, cause, reason;
  std::uint64_t received_bytes = 0;
  std::optional<std::uint64_t> size_bytes, bytes_per_s;
  std::string json;  ///< the event's data with "event" added, on one line
};

struct FollowLimits {
  std::chrono::seconds give_up{120};      ///< without reaching the place
  std::chrono::milliseconds retry{3000};  ///< unless the place says otherwise
  std::chrono::milliseconds longest_retry{15000};
  std::chrono::seconds silence{60};  ///< the place sends a heartbeat every 15 s
};

/// Reads `GET /v1/events` until `take` or `connected` says no; after a cut it connects again and goes on
/// after the last event that it got. `connected` is called at the beginning of each connection, when nothing
/// can be missed any more: the present state is asked for there, with another client. Errors: the place's
/// refusal; no connection for `give_up`.
struct Follow {
  std::optional<std::string> job;  ///< none: all of the account
  std::function<bool(const Update&)> take;
  std::function<bool()> connected;
  std::function<void(const Error&)> cut;  ///< told once a cut; may be empty
  FollowLimits limits{};
};
Result<void> follow(Calls& calls, const Follow& what);

}  // namespace restante::request
