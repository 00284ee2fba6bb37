// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "proxy/document.hpp"
#include "request/calls.hpp"
#include "request/place.hpp"
#include "request/state.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Copies of requests that wait at a place, so that they can be moved to another one: the place never gives
// their secrets back.
namespace restante::request {

struct Sent {
  std::string id;  ///< of the request
  std::string place;
  std::string label, name;  ///< as they may be shown
  Instant created{}, over{};
  bool by_trip = false;  ///< it went there by `--to trip`
  std::string core;      ///< with its secrets
};

inline constexpr std::size_t most_sent = 1000;
inline constexpr Seconds sent_kept_after{30 * 86400};  ///< beyond the time in which it could be handed in

/// Sealed under the outbox's key. Of too many the oldest goes. Errors: storage, disk-full.
Result<void> remember_sent(const Home& home, const Sent& sent, Instant now);
/// Oldest first; what is over is erased on the way. Errors: storage.
Result<std::vector<Sent>> all_sent(const Home& home, Instant now);
/// It has ended, was cancelled or moved. Repeating it is safe.
Result<void> forget_sent(const Home& home, std::string_view id);

/// Of downloads as a place tells them: the copies of those that have ended go. Errors: storage.
Result<void> forget_ended(const Home& home, const std::vector<Job>& jobs);

/// The same request for another place: with an id of its own, and times that are meant on the clocks of the
/// first place on those of the other. Errors: invalid.
Result<proxy::Document> for_other_place(const Sent& sent, const Place& from, const Place& to, Instant now);

}  // namespace restante::request
