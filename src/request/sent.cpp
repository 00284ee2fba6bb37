// SPDX-License-Identifier: Apache-2.0
#include "request/sent.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "proxy/zone.hpp"
#include "request/compose.hpp"
#include "request/json.hpp"
#include "request/outbox.hpp"
#include "request/seal.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace restante::request {
namespace {

constexpr const char* sent_folder = "sent";
constexpr std::string_view sent_suffix = ".sealed";

std::string file_of(std::string_view id) {
  return std::string(sent_folder) + "/" + std::string(id) + std::string(sent_suffix);
}

std::optional<Sent> from_text(const std::string& id, std::string_view text) {
  auto root = json::parse_object(text, "a copy of a request");
  if (!root) return std::nullopt;
  Sent out;
  out.id = id;
  out.place = json::text(*root, "place");
  out.label = json::text(*root, "label");
  out.name = json::text(*root, "name");
  out.created = from_rfc3339(json::text(*root, "created")).value_or(Instant());
  out.over = from_rfc3339(json::text(*root, "over")).value_or(Instant());
  out.by_trip = json::truth(*root, "by_trip");
  out.core = json::text(*root, "core");
  return out.core.empty() ? std::nullopt : std::optional(std::move(out));
}

/// What the clocks of one zone show at this instant, as an instant by the clocks of the other.
Result<Instant> same_clock(Instant at, std::string_view from, std::string_view to) {
  return proxy::to_instant(to, proxy::to_local(from, at));
}

}  // namespace

Result<void> remember_sent(const Home& home, const Sent& sent, Instant now) {
  auto known = all_sent(home, now);
  if (!known) return fail(std::move(known.error()));
  for (std::size_t i = 0; i + most_sent <= known->size(); ++i)
    if (auto gone = forget_sent(home, (*known)[i].id); !gone) return gone;
  for (Sent& one : *known) wipe(one.core);
  auto key = outbox_key(home);
  if (!key) return fail(std::move(key.error()));
  boost::json::object root;
  root["v"] = 1;
  root["place"] = sent.place;
  root["label"] = sent.label;
  root["name"] = sent.name;
  root["created"] = to_rfc3339(sent.created);
  root["over"] = to_rfc3339(sent.over);
  root["by_trip"] = sent.by_trip;
  root["core"] = sent.core;
  const Secret plain(boost::json::serialize(root));
  return home.write(file_of(sent.id), seal(*key, plain.text, "sent-" + sent.id));
}

Result<std::vector<Sent>> all_sent(const Home& home, Instant now) {
  std::vector<Sent> out;
  auto names = home.list(sent_folder);
  if (!names) return fail(std::move(names.error()));
  if (names->empty()) return out;
  auto key = outbox_key(home);
  if (!key) return fail(std::move(key.error()));
  for (const std::string& name : *names) {
    if (!name.ends_with(sent_suffix)) continue;
    const std::string id = name.substr(0, name.size() - sent_suffix.size());
    auto sealed = home.read(std::string(sent_folder) + "/" + name);
    if (!sealed) return fail(std::move(sealed.error()));
    if (!*sealed) continue;  // another process has just erased it
    auto plain = unseal(*key, **sealed, "sent-" + id);
    auto sent = plain ? from_text(id, *plain) : std::nullopt;
    if (plain) wipe(*plain);
    if (!sent || sent->over + sent_kept_after <= now) {
      if (auto gone = forget_sent(home, id); !gone) return fail(std::move(gone.error()));
      continue;
    }
    out.push_back(std::move(*sent));
  }
  std::sort(out.begin(), out.end(), [](const Sent& a, const Sent& b) { return a.created < b.created; });
  return out;
}

Result<void> forget_sent(const Home& home, std::string_view id) {
  return home.remove(file_of(id));
}

Result<void> forget_ended(const Home& home, const std::vector<Job>& jobs) {
  auto names = home.list(sent_folder);
  if (!names) return fail(std::move(names.error()));
  for (const Job& job : jobs) {
    const std::string name = job.proxy + std::string(sent_suffix);
    if (!job.ended() || !std::binary_search(names->begin(), names->end(), name)) continue;
    if (auto gone = forget_sent(home, job.proxy); !gone) return gone;
  }
  return {};
}

Result<proxy::Document> for_other_place(const Sent& sent, const Place& from, const Place& to, Instant now) {
  auto document = proxy::parse(sent.core);
  if (!document) return fail(std::move(document.error()));
  document->id = new_request_id(now);
  document->rev = 0;
  document->iss_jkt.clear();
  document->iss_account.clear();
  const std::int64_t lasts = document->exp - document->iat;
  document->iat = std::chrono::floor<Seconds>(now).time_since_epoch().count();
  document->exp = document->iat + lasts;
  document->aud = {{to.jkt, {}}};
  auto& when = document->when;
  // "02:00" was meant at the place. A zone that the person named stays.
  if (when.tz != from.tz || from.tz == to.tz) return document;
  for (auto [at, text] : {std::pair{&when.start, &when.start_text}, std::pair{&when.by, &when.by_text}}) {
    if (!*at) continue;
    auto there = same_clock(**at, from.tz, to.tz);
    if (!there) return fail(std::move(there.error()));
    *at = *there;
    *text = proxy::to_ixdtf(to.tz, *there);
  }
  when.tz = to.tz;
  return document;
}

}  // namespace restante::request
