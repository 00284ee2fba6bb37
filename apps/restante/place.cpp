// SPDX-License-Identifier: Apache-2.0
#include "context.hpp"
#include "proxy/keys.hpp"
#include "request/sealing.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace restante::cli {
namespace {

std::string machine_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "a device";
  return name.data();
}

/// The stay that an invitation tells; of another place's URL there is none.
std::optional<request::Trip> trip_of(const request::PairingUrl& url, const std::string& name) {
  if (!url.until) return std::nullopt;
  const Instant now = SystemClock().now();
  const request::Trip trip{name, url.from.value_or(now), *url.until};
  return request::check_trip(trip, now) ? std::optional(trip) : std::nullopt;
}

std::string place_json(const request::Place& place, bool first) {
  boost::json::object out;
  out["name"] = place.name;
  out["url"] = place.url;
  out["jkt"] = place.jkt;
  out["account"] = place.account;
  out["tz"] = place.tz;
  out["device"] = place.device_id;
  out["default"] = first;
  return boost::json::serialize(out);
}

std::string place_line(const request::Place& place, bool first) {
  return place.name + "  " + place.url + "  " + request::shown(place.account) + (first ? "  (default)" : "");
}

/// By its key; where another key answers (given certificates, a reverse proxy), by its certificate's name,
/// once it has proven that it holds the key of the URL. The code is shown to nobody else.
Result<request::Place> connect(const request::PairingUrl& url, const proxy::PrivateKey& key,
                               const std::string& roots_pem) {
  request::Place known;
  known.url = url.url;
  known.jkt = url.jkt;
  auto by_key = client_for(known);
  auto place = request::enrol(by_key, url, key, machine_name());
  if (place || place.error().reason != Reason::tls || !known.tls()) return place;
  known.by_name = true;
  known.roots_pem = roots_pem;
  auto by_name = client_for(known);
  auto second = request::enrol(by_name, url, key, machine_name());
  if (!second && second.error().reason == Reason::tls)
    second.error().message =
        place.error().message + "; nor is it known by its name: " + second.error().message;
  if (!second) return second;
  second->by_name = true;
  second->roots_pem = roots_pem;
  return second;
}

Result<std::string> read_roots(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream in(path, std::ios::binary);
  std::string out{std::istreambuf_iterator<char>(in), {}};
  if (!in || out.find("-----BEGIN CERTIFICATE-----") == out.npos)
    return fail(Reason::invalid, path + " holds no certificate", "give a PEM file with --ca");
  return out;
}

/// Its keys and mailboxes, for when it cannot be reached. A place of an earlier version has none to tell.
void take_what_it_tells(const Context& context, const request::Home& home, request::Place& place) {
  auto client = client_for(place);
  request::Calls calls(client, place);
  auto said = calls.place_now();
  if (!said) return;
  if (auto taken = request::take_place(home, place, *said, SystemClock().now()); !taken)
    context.note("restante: " + taken.error().message);
}

int add(const Context& context, const std::string& name, const std::string& pasted, const std::string& ca) {
  if (auto good = request::check_place_name(name); !good) return context.refuse(good.error());
  auto url = request::parse_pairing_url(pasted);
  if (!url) return context.refuse(url.error());
  auto roots = read_roots(ca);
  if (!roots) return context.refuse(roots.error());
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  // Made before the lock is held, which its making takes.
  if (auto key = request::outbox_key(*home); !key) return context.refuse(key.error());
  auto lock = home->lock("lock");
  if (!lock) return context.refuse(lock.error());
  auto places = request::load_places(*home);
  if (!places) return context.refuse(places.error());
  if (std::any_of(places->begin(), places->end(), [&](const auto& one) { return one.name == name; }))
    return context.refuse(fail(Reason::in_use, "there is a place named " + name + " already",
                               "choose another name, or `restante place remove " + name + "` first")
                              .value());

  // The key is on the disk before the place knows it: a full disk is noticed while the code is still good.
  const auto key = proxy::PrivateKey::generate();
  const std::string key_file = request::device_key_file(name);
  if (auto kept = home->write(key_file, key.pem()); !kept) return context.refuse(kept.error());
  auto place = connect(*url, key, *roots);
  if (!place) {
    home->remove(key_file);
    if (request::is_unauthorised(place.error()) || place.error().reason == Reason::not_found)
      place.error().hint =
          "a URL is good once and for 15 minutes; get a new one at the place: `restanted pair USER`";
    return context.refuse(place.error());
  }
  place->name = name;
  take_what_it_tells(context, *home, *place);
  places->push_back(*place);
  if (auto saved = request::save_places(*home, *places); !saved) return context.refuse(saved.error());
  const bool first = places->size() == 1;
  context.note("this device is connected to " + name + " as " + request::shown(place->account));
  if (const auto trip = trip_of(*url, name)) {
    auto trips = request::load_trips(*home);
    if (!trips) return context.refuse(trips.error());
    request::put_trip(*trips, *trip);
    if (auto saved = request::save_trips(*home, *trips, SystemClock().now()); !saved)
      return context.refuse(saved.error());
    context.note("trip: " + trip_line(*trip, place->tz) + "; `restante send --to trip` sends there");
  }
  context.result(context.json ? place_json(*place, first) : place_line(*place, first));
  return exit_done;
}

int list(const Context& context) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto places = request::load_places(*home);
  if (!places) return context.refuse(places.error());
  for (const auto& place : *places) {
    const bool first = &place == &places->front();
    context.result(context.json ? place_json(place, first) : place_line(place, first));
  }
  if (places->empty())
    context.note("no place yet: `restanted pair USER` there, then `restante place add NAME URL` here");
  return exit_done;
}

int remove(const Context& context, const std::string& name) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto outbox = request::Outbox::open(*home);
  if (!outbox) return context.refuse(outbox.error());
  auto lock = home->lock("lock");
  if (!lock) return context.refuse(lock.error());
  auto places = request::load_places(*home);
  if (!places) return context.refuse(places.error());
  auto place = request::find_place(*places, name);
  if (!place) return context.refuse(place.error());
  auto unsent = outbox->all();
  if (!unsent) return context.refuse(unsent.error());
  const auto waiting =
      std::count_if(unsent->begin(), unsent->end(), [&](const auto& one) { return one.place == name; });
  if (waiting > 0)
    return context.refuse(fail(Reason::conflict,
                               std::to_string(waiting) + " requests for " + name + " wait in the outbox",
                               "send them with `restante outbox flush`, or drop them first")
                              .value());

  auto client = client_for(*place);
  request::Calls calls(client, *place);
  if (auto revoked = calls.revoke_device(place->device_id);
      !revoked && !request::is_unauthorised(revoked.error()))
    context.note("the place could not be told (" + request::shown(revoked.error().message) +
                 "); there, this device stays connected until `device revoke`");
  auto trips = request::load_trips(*home);
  if (!trips) return context.refuse(trips.error());
  if (std::erase_if(*trips, [&](const auto& trip) { return trip.place == name; }) > 0)
    if (auto saved = request::save_trips(*home, *trips, SystemClock().now()); !saved)
      return context.refuse(saved.error());
  std::erase_if(*places, [&](const auto& one) { return one.name == name; });
  if (auto saved = request::save_places(*home, *places); !saved) return context.refuse(saved.error());
  if (auto gone = home->remove(request::device_key_file(name)); !gone) return context.refuse(gone.error());
  context.note(name + " is removed; its downloads and files stay there");
  return exit_done;
}

}  // namespace

void add_place_commands(CLI::App& app, Context& context) {
  auto* place = app.add_subcommand("place", "Connect this device to places that download for you");
  place->require_subcommand(1);

  auto name = std::make_shared<std::string>(), url = std::make_shared<std::string>(),
       ca = std::make_shared<std::string>();
  auto* adding = place->add_subcommand(
      "add", "Connect with the URL that `restanted pair` or `invite` printed at the place");
  adding->add_option("NAME", *name, "What you call it")->required();
  adding->add_option("URL", *url, "The whole line, in quotes")->required();
  adding
      ->add_option("--ca", *ca, "Roots (PEM) that vouch for the place's certificate, instead of the system's")
      ->type_name("FILE");
  adding->callback([&context, name, url, ca] {
    context.run = [&context, name, url, ca] { return add(context, *name, *url, *ca); };
  });

  place->add_subcommand("list", "The places; the first is the default")->callback([&context] {
    context.run = [&context] { return list(context); };
  });

  auto* removing = place->add_subcommand("remove", "Disconnect this device from a place");
  removing->add_option("NAME", *name)->required();
  removing->callback([&context, name] { context.run = [&context, name] { return remove(context, *name); }; });
}

}  // namespace restante::cli
