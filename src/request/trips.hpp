// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "request/state.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace restante::request {

/// A stay of this person near a place: what `send --to trip` goes by. An invitation fills it in.
struct Trip {
  std::string place;  ///< as this device calls it
  Instant from{}, until{};
};

/// What may be given instead of a place's name.
inline constexpr std::string_view trip_name = "trip";

/// In the order in which they begin. Errors: storage, malformed.
Result<std::vector<Trip>> load_trips(const Home& home);
/// What is over at `now` is left out.
Result<void> save_trips(const Home& home, std::vector<Trip> trips, Instant now);

/// Errors: usage (it ends before it begins, or is over).
Result<void> check_trip(const Trip& trip, Instant now);

/// Puts it in; another one of the same place that overlaps gives way to it.
void put_trip(std::vector<Trip>& trips, Trip trip);

/// How long what is asked for at `now` is kept when nobody says: until some days after the trip, and at least
/// as long as everywhere.
Seconds kept_for(const Trip& trip, Instant now);

/// The trip under way at `now` (of several the one that began last), else the next one. Error not-found.
Result<Trip> trip_at(const std::vector<Trip>& trips, Instant now);

}  // namespace restante::request
