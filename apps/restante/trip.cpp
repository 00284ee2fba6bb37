// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "context.hpp"
#include "proxy/stay_time.hpp"
#include "proxy/zone.hpp"
#include "request/trips.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace restante::cli {
namespace {

struct TripOptions {
  std::string place, from, until;
};

std::string trip_json(const request::Trip& trip) {
  boost::json::object out;
  out["place"] = trip.place;
  out["from"] = to_rfc3339(trip.from);
  out["until"] = to_rfc3339(trip.until);
  return boost::json::serialize(out);
}

/// What a command works on, read under the lock of this device's state.
struct State {
  request::Home home;
  UniqueFd lock;
  std::vector<request::Place> places;
  std::vector<request::Trip> trips;
  Instant now{};
};

Result<State> open_state() {
  auto home = request::Home::open();
  if (!home) return fail(std::move(home.error()));
  auto lock = home->lock("lock");
  if (!lock) return fail(std::move(lock.error()));
  auto places = request::load_places(*home);
  if (!places) return fail(std::move(places.error()));
  auto trips = request::load_trips(*home);
  if (!trips) return fail(std::move(trips.error()));
  return State{std::move(*home), std::move(*lock), std::move(*places), std::move(*trips),
               SystemClock().now()};
}

int add(const Context& context, const TripOptions& options) {
  auto state = open_state();
  if (!state) return context.refuse(state.error());
  auto place = request::find_place(state->places, options.place);
  if (!place) return context.refuse(place.error());
  auto from = proxy::parse_stay_time(options.from, place->tz, state->now, proxy::StayEdge::from);
  if (!from) return context.refuse(from.error());
  auto until = proxy::parse_stay_time(options.until, place->tz, state->now, proxy::StayEdge::until);
  if (!until) return context.refuse(until.error());
  const request::Trip trip{place->name, *from, *until};
  if (auto good = request::check_trip(trip, state->now); !good) return context.refuse(good.error());
  request::put_trip(state->trips, trip);
  if (auto saved = request::save_trips(state->home, state->trips, state->now); !saved)
    return context.refuse(saved.error());
  context.result(context.json ? trip_json(trip) : trip_line(trip, place->tz));
  return exit_done;
}

int list(const Context& context) {
  auto state = open_state();
  if (!state) return context.refuse(state.error());
  for (const auto& trip : state->trips) {
    if (trip.until <= state->now) continue;
    auto place = request::find_place(state->places, trip.place);
    context.result(context.json ? trip_json(trip) : trip_line(trip, place ? place->tz : "UTC"));
  }
  if (state->trips.empty()) context.note("no trip yet: `restante trip add PLACE --from DATE --until DATE`");
  return exit_done;
}

int remove(const Context& context, const std::string& name) {
  auto state = open_state();
  if (!state) return context.refuse(state.error());
  if (std::erase_if(state->trips, [&](const auto& trip) { return trip.place == name; }) == 0)
    return context.refuse(
        fail(Reason::not_found, "there is no trip to " + name, "`restante trip list` shows them").value());
  if (auto saved = request::save_trips(state->home, state->trips, state->now); !saved)
    return context.refuse(saved.error());
  context.note("the trip to " + name + " is removed; the place stays connected");
  return exit_done;
}

}  // namespace

std::string trip_line(const request::Trip& trip, const std::string& zone) {
  return trip.place + "  from " + proxy::local_text(zone, trip.from) + "  until " +
         proxy::local_text(zone, trip.until);
}

void add_trip_commands(CLI::App& app, Context& context) {
  auto* trip = app.add_subcommand("trip", "When you are near which place: `send --to trip` goes by it");
  trip->require_subcommand(1);
  auto options = std::make_shared<TripOptions>();

  auto* adding = trip->add_subcommand("add", "A stay near a place");
  adding->add_option("PLACE", options->place, "As `restante place list` calls it")->required();
  adding->add_option("--from", options->from, "First day, or a time")->required()->type_name("DATE");
  adding->add_option("--until", options->until, "Last day (it counts to its end), or a time")
      ->required()
      ->type_name("DATE");
  adding->callback(
      [&context, options] { context.run = [&context, options] { return add(context, *options); }; });

  trip->add_subcommand("list", "The trips, in the order in which they begin")->callback([&context] {
    context.run = [&context] { return list(context); };
  });

  auto* removing = trip->add_subcommand("remove", "Forget the trips to a place");
  removing->add_option("PLACE", options->place)->required();
  removing->callback(
      [&context, options] { context.run = [&context, options] { return remove(context, options->place); }; });
}

}  // namespace restante::cli
