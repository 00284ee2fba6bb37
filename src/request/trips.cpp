// SPDX-License-Identifier: Apache-2.0
#include "request/trips.hpp"

#include "base/text.hpp"
#include "request/json.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace restante::request {
namespace {

constexpr const char* trips_file = "trips.json";
constexpr Seconds usual_keep{30 * 86400};  ///< of a place (DESIGN.md §6)
constexpr Seconds spare_days{7 * 86400};   ///< for whoever takes the files home after the trip

}  // namespace

Result<std::vector<Trip>> load_trips(const Home& home) {
  std::vector<Trip> trips;
  auto text = home.read(trips_file);
  if (!text) return fail(std::move(text.error()));
  if (!*text) return trips;
  auto root = json::parse_object(**text, home.path() + "/" + trips_file);
  if (!root) return fail(std::move(root.error()));
  const auto* list = json::array(*root, "trips");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto* entry = (*list)[i].if_object();
    if (entry == nullptr) continue;
    const auto from = from_rfc3339(json::text(*entry, "from")),
               until = from_rfc3339(json::text(*entry, "until"));
    if (from && until) put_trip(trips, {json::text(*entry, "place"), *from, *until});
  }
  return trips;
}

Result<void> save_trips(const Home& home, std::vector<Trip> trips, Instant now) {
  boost::json::array list;
  for (const Trip& trip : trips) {
    if (trip.until <= now) continue;
    boost::json::object entry;
    entry["place"] = trip.place;
    entry["from"] = to_rfc3339(trip.from);
    entry["until"] = to_rfc3339(trip.until);
    list.push_back(std::move(entry));
  }
  boost::json::object root;
  root["v"] = 1;
  root["trips"] = std::move(list);
  return home.write(trips_file, boost::json::serialize(root) + "\n");
}

Result<void> check_trip(const Trip& trip, Instant now) {
  if (trip.until <= trip.from)
    return fail(Reason::usage, "the trip ends before it begins", "give --until after --from");
  if (trip.until <= now)
    return fail(Reason::usage, "the trip is over already", "give an --until that is to come");
  return {};
}

void put_trip(std::vector<Trip>& trips, Trip trip) {
  std::erase_if(trips, [&](const Trip& other) {
    return other.place == trip.place && other.from < trip.until && trip.from < other.until;
  });
  const auto at = std::upper_bound(trips.begin(), trips.end(), trip,
                                   [](const Trip& a, const Trip& b) { return a.from < b.from; });
  trips.insert(at, std::move(trip));
}

Seconds kept_for(const Trip& trip, Instant now) {
  return std::max(usual_keep, std::chrono::ceil<Seconds>(trip.until - now) + spare_days);
}

Result<Trip> trip_at(const std::vector<Trip>& trips, Instant now) {
  const Trip* found = nullptr;
  for (const Trip& trip : trips) {
    if (trip.until <= now) continue;
    if (trip.from > now && found != nullptr) break;
    found = &trip;
    if (trip.from > now) break;
  }
  if (found != nullptr) return *found;
  return fail(Reason::not_found, "no trip is under way or to come",
              "`restante trip add PLACE --from DATE --until DATE` adds one; an invitation does it by itself");
}

}  // namespace restante::request
