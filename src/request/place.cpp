// SPDX-License-Identifier: Apache-2.0
#include "request/place.hpp"

#include "base/text.hpp"
#include "request/json.hpp"
#include "request/trips.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace restante::request {
namespace {

constexpr const char* places_file = "places.json";

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos);
}

std::string_view parameter(std::string_view fragment, std::string_view name) {
  while (!fragment.empty()) {
    const auto end = std::min(fragment.find('&'), fragment.size());
    const std::string_view part = fragment.substr(0, end);
    if (part.starts_with(name)) return part.substr(name.size());
    fragment.remove_prefix(std::min(end + 1, fragment.size()));
  }
  return {};
}

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= 256 &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
             text.npos;
}

}  // namespace

Result<std::vector<Place>> load_places(const Home& home) {
  std::vector<Place> places;
  auto text = home.read(places_file);
  if (!text) return fail(std::move(text.error()));
  if (!*text) return places;
  auto root = json::parse_object(**text, home.path() + "/" + places_file);
  if (!root) return fail(std::move(root.error()));
  const auto* list = json::array(*root, "places");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto* entry = (*list)[i].if_object();
    if (entry == nullptr) continue;
    Place place;
    place.name = json::text(*entry, "name");
    place.url = json::text(*entry, "url");
    place.jkt = json::text(*entry, "jkt");
    place.token = json::text(*entry, "token");
    place.tz = json::text(*entry, "tz");
    place.account = json::text(*entry, "account");
    place.device_id = json::text(*entry, "device_id");
    place.device_jkt = json::text(*entry, "device_jkt");
    place.by_name = json::truth(*entry, "by_name");
    place.roots_pem = json::text(*entry, "roots_pem");
    place.keys = json::text(*entry, "keys");
    place.looked = from_rfc3339(json::text(*entry, "looked")).value_or(Instant());
    if (const auto* boxes = json::array(*entry, "mailboxes"))
      for (const auto& box : *boxes)
        if (const auto* one = box.if_object())
          place.mailboxes.push_back(
              {json::text(*one, "kind") == "webdav" ? Mailbox::Kind::webdav : Mailbox::Kind::mail,
               json::text(*one, "address"), json::text(*one, "user"), json::text(*one, "sealed_password")});
    places.push_back(std::move(place));
  }
  return places;
}

Result<void> save_places(const Home& home, const std::vector<Place>& places) {
  boost::json::array list;
  for (const Place& place : places) {
    boost::json::object entry;
    entry["name"] = place.name;
    entry["url"] = place.url;
    entry["jkt"] = place.jkt;
    entry["token"] = place.token;
    entry["tz"] = place.tz;
    entry["account"] = place.account;
    entry["device_id"] = place.device_id;
    entry["device_jkt"] = place.device_jkt;
    if (place.by_name) entry["by_name"] = true;
    if (!place.roots_pem.empty()) entry["roots_pem"] = place.roots_pem;
    if (!place.keys.empty()) entry["keys"] = place.keys;
    if (place.looked != Instant()) entry["looked"] = to_rfc3339(place.looked);
    boost::json::array boxes;
    for (const Mailbox& one : place.mailboxes) {
      boost::json::object box;
      box["kind"] = one.kind == Mailbox::Kind::mail ? "mail" : "webdav";
      box["address"] = one.address;
      if (!one.user.empty()) box["user"] = one.user;
      if (!one.sealed_password.empty()) box["sealed_password"] = one.sealed_password;
      boxes.push_back(std::move(box));
    }
    if (!boxes.empty()) entry["mailboxes"] = std::move(boxes);
    list.push_back(std::move(entry));
  }
  boost::json::object root;
  root["v"] = 1;
  root["places"] = std::move(list);
  return home.write(places_file, boost::json::serialize(root) + "\n");
}

Result<Place> find_place(const std::vector<Place>& places, std::string_view name) {
  for (const Place& place : places)
    if (name.empty() || place.name == name) return place;
  constexpr const char* hint =
      "at the place `restanted pair USER` prints a URL; here `restante place add NAME URL` connects this "
      "device";
  if (places.empty()) return fail(Reason::not_found, "this device is not connected to any place yet", hint);
  return fail(Reason::not_found, "there is no place named " + std::string(name),
              "`restante place list` shows the places");
}

Result<void> check_place_name(std::string_view name) {
  constexpr std::string_view first = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const bool good = !name.empty() && name.size() <= 64 && first.find(name[0]) != first.npos &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return first.find(c) != first.npos || c == '.' || c == '_' || c == '-';
                    });
  if (good && name == trip_name)
    return fail(Reason::usage, "a place cannot be named trip: `--to trip` means the place of a trip",
                "choose another name such as `hotel`");
  if (good) return {};
  return fail(Reason::usage, "a place's name is 1 to 64 letters, digits, '.', '_' or '-'",
              "choose a short name such as `home`");
}

Result<PairingUrl> parse_pairing_url(std::string_view text) {
  const auto wrong = [] {
    return fail(Reason::usage, "that is not the URL that connects a device",
                "paste the whole line that `restanted pair` or `invite` printed, in quotes: "
                "'https://HOST:PORT/pair#k=..&c=..'");
  };
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const auto scheme_end = text.find("://");
  if (scheme_end == text.npos) return wrong();
  const std::string scheme = ascii_lower(text.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return wrong();
  const std::string_view rest = text.substr(scheme_end + 3);
  const auto slash = rest.find('/');
  const auto hash = rest.find('#');
  if (slash == rest.npos || hash == rest.npos || rest.substr(slash, hash - slash) != "/pair") return wrong();
  const std::string authority = ascii_lower(rest.substr(0, slash));
  if (authority.empty() || authority.find_first_of("@?# \\\t\r\n") != authority.npos) return wrong();
  const std::string_view fragment = rest.substr(hash + 1);
  PairingUrl out{scheme + "://" + authority, std::string(parameter(fragment, "k=")),
                 std::string(parameter(fragment, "c=")), from_rfc3339(parameter(fragment, "from=")),
                 from_rfc3339(parameter(fragment, "until="))};
  if (out.jkt.size() != 43 || !is_token(out.jkt) || !is_token(out.code)) return wrong();
  const auto bracket = authority.find(']');
  const auto colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  if (scheme == "http" && !is_loopback(std::string_view(authority).substr(0, colon)))
    return fail(Reason::insecure, "plain http to " + authority + " would show the requests to the network",
                "let the place listen on that address itself (it then speaks TLS), and pair again");
  return out;
}

std::string device_key_file(std::string_view place_name) {
  return "keys/" + std::string(place_name) + ".pem";
}

}  // namespace restante::request
