// SPDX-License-Identifier: Apache-2.0
#include "request/sealing.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "proxy/envelope.hpp"
#include "request/json.hpp"
#include "request/mailbox.hpp"

#include <algorithm>

namespace restante::request {
namespace {

Result<proxy::PrivateKey> device_key(const Home& home, const Place& place) {
  const std::string file = device_key_file(place.name);
  auto pem = home.read(file);
  if (!pem) return fail(std::move(pem.error()));
  if (!*pem)
    return fail(Reason::storage, home.path() + "/" + file + ", this device's key for the place, is missing",
                "`restante place remove " + place.name + "`, then connect the device anew");
  Secret kept(std::move(**pem));
  return proxy::PrivateKey::from_pem(kept.text);
}

std::vector<Mailbox> mailboxes_of(const Home& home, const json::bj::array& said) {
  constexpr std::size_t most = 8;
  std::vector<Mailbox> out;
  for (const auto& value : said) {
    const auto* one = value.if_object();
    if (one == nullptr || out.size() == most) continue;
    Mailbox box;
    const std::string kind = json::text(*one, "kind");
    if (kind != "mail" && kind != "webdav") continue;
    box.kind = kind == "mail" ? Mailbox::Kind::mail : Mailbox::Kind::webdav;
    box.address = json::text(*one, kind == "mail" ? "address" : "url");
    box.user = json::text(*one, "user");
    if (Secret password(json::text(*one, "password")); !password.text.empty()) {
      auto sealed = seal_password(home, password.text);
      if (!sealed) continue;
      box.sealed_password = std::move(*sealed);
    }
    if (!check_mailbox(box)) continue;
    out.push_back(std::move(box));
  }
  return out;
}

}  // namespace

const char* media_type_of(std::string_view document) {
  if (document.starts_with('{'))
    return proxy::looks_sealed(document) ? "application/vnd.restante.sealed+json"
                                         : "application/vnd.restante.proxy+json";
  return "application/jose";
}

Result<proxy::KeySet> keys_of(const Place& place) {
  if (place.keys.empty())
    return fail(Reason::not_found, place.name + " has not told this device its keys yet",
                "let this device reach it once: `restante list --place " + place.name + "`");
  return proxy::verify_key_set(place.keys, place.jkt);
}

Result<std::string> sign_request(const Home& home, const Place& place, std::string_view core) {
  auto key = device_key(home, place);
  if (!key) return fail(std::move(key.error()));
  return proxy::sign_document(*key, core);
}

Result<std::string> seal_request(const Home& home, const Place& place, std::string_view core,
                                 std::int64_t exp, proxy::SealedForm form) {
  auto keys = keys_of(place);
  if (!keys) return fail(std::move(keys.error()));
  auto inner = sign_request(home, place, core);
  if (!inner) return fail(std::move(inner.error()));
  const Secret kept(std::move(*inner));
  return proxy::seal_for(keys->keys.front(), kept.text, exp, form);
}

const Place* place_of(const std::vector<Place>& places, std::string_view kid) {
  for (const Place& place : places) {
    const auto keys = keys_of(place);
    if (keys && std::any_of(keys->keys.begin(), keys->keys.end(),
                            [&](const auto& key) { return proxy::names_key(kid, key.thumbprint()); }))
      return &place;
  }
  return nullptr;
}

std::string job_id_of(const Place& place, std::string_view request_id) {
  std::string text("restante-job\0", 13);
  text += place.device_jkt;
  text += '\0';
  text += request_id;
  const Digest256 digest = sha256(text);
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

Result<void> take_place(const Home& home, Place& place, const boost::json::object& said, Instant now) {
  if (const std::string keys = json::text(said, "keys"); !keys.empty() && keys != place.keys) {
    auto fresh = proxy::verify_key_set(keys, place.jkt);
    if (!fresh) {
      fresh.error().message =
          place.name + " told keys that are not its own, and they were not taken: " + fresh.error().message;
      return fail(std::move(fresh.error()));
    }
    if (const auto known = keys_of(place); known && known->issued > fresh->issued)
      return fail(Reason::bad_signature,
                  place.name + " told older keys than it did before, and they were not taken",
                  "is its clock right, or was an old backup restored there?");
    place.keys = keys;
  }
  if (const std::string zone = json::text(said, "tz"); !zone.empty()) place.tz = zone;
  if (const auto* boxes = json::array(said, "mailboxes")) place.mailboxes = mailboxes_of(home, *boxes);
  place.looked = now;
  return {};
}

Result<void> look_again(const Home& home, Calls& calls, Place& place, Instant now) {
  auto said = calls.place_now();
  if (!said && said.error().reason == Reason::not_found) said = boost::json::object();
  if (!said) return fail(std::move(said.error()));
  Place next = place;
  if (auto taken = take_place(home, next, *said, now); !taken) return taken;
  auto lock = home.lock("lock", Home::Wait::no);
  if (!lock) return fail(std::move(lock.error()));
  if (*lock) {
    auto places = load_places(home);
    if (!places) return fail(std::move(places.error()));
    for (Place& one : *places)
      if (one.name == place.name && one.jkt == place.jkt) one = next;
    if (auto saved = save_places(home, *places); !saved) return saved;
  }
  place = std::move(next);
  return {};
}

}  // namespace restante::request
