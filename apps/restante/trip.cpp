// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "context.hpp"
#include "proxy/stay_time.hpp"
#include "proxy/zone.hpp"
#include "request/sent.hpp"
#include "request/trips.hpp"
#include "sending.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iostream>

namespace restante::cli {
namespace {

struct TripOptions {
  std::string place, from, until, to;
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

/// Requests that went to `place` by `--to trip` and may wait there still.
Result<std::vector<request::Sent>> waiting_at(const request::Home& home, const std::string& place) {
  auto all = request::all_sent(home, SystemClock().now());
  if (!all) return all;
  std::erase_if(*all, [&](const request::Sent& one) { return !one.by_trip || one.place != place; });
  return all;
}

int move_all(const Context& context, const std::vector<request::Sent>& requests, const std::string& to) {
  int status = exit_done;
  for (const request::Sent& one : requests) status = std::max(status, move_request(context, one, to));
  return status;
}

bool says_yes(const std::string& question) {
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  return std::getline(std::cin, answer) && (answer == "y" || answer == "Y" || answer == "yes");
}

/// After a stay has changed: what waits where the person will not be is offered to go along.
int offer_to_move(const Context& context, const std::string& from, const std::string& to) {
  if (from == to) return exit_done;
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto waiting = waiting_at(*home, from);
  if (!waiting) return context.refuse(waiting.error());
  if (waiting->empty()) return exit_done;
  for (const request::Sent& one : *waiting)
    context.note("waits at " + from + ": " + request::shown(one.label));
  const std::string count =
      std::to_string(waiting->size()) + (waiting->size() == 1 ? " request" : " requests");
  if (context.stdin_terminal && context.stderr_terminal && !context.json)
    return says_yes("Move " + count + " to " + to + "?") ? move_all(context, *waiting, to) : exit_done;
  context.note(count + " can go along: `restante trip move " + from + " " + to + "`");
  return exit_done;
}

/// The place of the trip under way or the next one; "" if there is none.
std::string next_place(const std::vector<request::Trip>& trips, Instant now) {
  const auto trip = request::trip_at(trips, now);
  return trip ? trip->place : std::string();
}

int change(const Context& context, const TripOptions& options) {
  std::string from, to;
  {
    auto state = open_state();
    if (!state) return context.refuse(state.error());
    auto old = std::find_if(state->trips.begin(), state->trips.end(), [&](const request::Trip& trip) {
      return trip.place == options.place && trip.until > state->now;
    });
    if (old == state->trips.end())
      return context.refuse(
          fail(Reason::not_found, "there is no trip to " + options.place, "`restante trip list` shows them")
              .value());
    request::Trip trip = *old;
    from = trip.place;
    if (!options.to.empty()) {
      auto other = request::find_place(state->places, options.to);
      if (!other) return context.refuse(other.error());
      trip.place = other->name;
    }
    auto place = request::find_place(state->places, trip.place);
    const std::string zone = place ? place->tz : "UTC";
    if (!options.from.empty()) {
      auto begin = proxy::parse_stay_time(options.from, zone, state->now, proxy::StayEdge::from);
      if (!begin) return context.refuse(begin.error());
      trip.from = *begin;
    }
    if (!options.until.empty()) {
      auto end = proxy::parse_stay_time(options.until, zone, state->now, proxy::StayEdge::until);
      if (!end) return context.refuse(end.error());
      trip.until = *end;
    }
    if (auto good = request::check_trip(trip, state->now); !good) return context.refuse(good.error());
    state->trips.erase(old);
    request::put_trip(state->trips, trip);
    if (auto saved = request::save_trips(state->home, state->trips, state->now); !saved)
      return context.refuse(saved.error());
    context.result(context.json ? trip_json(trip) : trip_line(trip, zone));
    // Of another place or not: what counts is where the person is next.
    to = options.to.empty() ? next_place(state->trips, state->now) : trip.place;
  }
  return to.empty() ? exit_done : offer_to_move(context, from, to);
}

int move(const Context& context, const TripOptions& options) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto places = request::load_places(*home);
  if (!places) return context.refuse(places.error());
  for (const std::string& name : {options.place, options.to})
    if (!name.empty())
      if (auto known = request::find_place(*places, name); !known) return context.refuse(known.error());
  if (options.place == options.to)
    return context.refuse(fail(Reason::usage, "both are " + options.to, "name another place").value());
  auto waiting = waiting_at(*home, options.place);
  if (!waiting) return context.refuse(waiting.error());
  std::string to = options.to;
  if (to.empty()) {
    auto trips = request::load_trips(*home);
    if (!trips) return context.refuse(trips.error());
    auto trip = request::trip_at(*trips, SystemClock().now());
    if (!trip) return context.refuse(trip.error());
    to = trip->place;
  }
  if (waiting->empty()) context.note("nothing that went there by `--to trip` waits at " + options.place);
  return move_all(context, *waiting, to);
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
  std::string to;
  {
    auto state = open_state();
    if (!state) return context.refuse(state.error());
    if (std::erase_if(state->trips, [&](const auto& trip) { return trip.place == name; }) == 0)
      return context.refuse(
          fail(Reason::not_found, "there is no trip to " + name, "`restante trip list` shows them").value());
    if (auto saved = request::save_trips(state->home, state->trips, state->now); !saved)
      return context.refuse(saved.error());
    context.note("the trip to " + name + " is removed; the place stays connected");
    to = next_place(state->trips, state->now);
  }
  return to.empty() ? exit_done : offer_to_move(context, name, to);
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

  auto* changing =
      trip->add_subcommand("change", "Another time or place; what waits there is offered to go along");
  changing->add_option("PLACE", options->place, "As `trip list` calls it")->required();
  changing->add_option("--from", options->from, "First day, or a time")->type_name("DATE");
  changing->add_option("--until", options->until, "Last day (it counts to its end), or a time")
      ->type_name("DATE");
  changing->add_option("--to", options->to, "Another place instead")->type_name("PLACE");
  changing->callback(
      [&context, options] { context.run = [&context, options] { return change(context, *options); }; });

  auto* moving = trip->add_subcommand("move", "Move what waits at a place to the one where you will be");
  moving->add_option("FROM", options->place)->required();
  moving->add_option("TO", options->to, "Default: the place of the trip under way, or of the next one");
  moving->callback(
      [&context, options] { context.run = [&context, options] { return move(context, *options); }; });

  trip->add_subcommand("list", "The trips, in the order in which they begin")->callback([&context] {
    context.run = [&context] { return list(context); };
  });

  auto* removing = trip->add_subcommand("remove", "Forget the trips to a place");
  removing->add_option("PLACE", options->place)->required();
  removing->callback(
      [&context, options] { context.run = [&context, options] { return remove(context, options->place); }; });
}

}  // namespace restante::cli
