// SPDX-License-Identifier: Apache-2.0
#include "parcels.hpp"

#include "base/text.hpp"
#include "proxy/zone.hpp"
#include "request/logins.hpp"
#include "request/sealing.hpp"
#include "secret.hpp"

#include <utility>

namespace restante::cli {

Result<void> use_stored(const Context& context, const Session& session, WishOptions& options) {
  if (options.to == request::trip_name) {
    auto trips = request::load_trips(session.home());
    if (!trips) return fail(std::move(trips.error()));
    const Instant now = SystemClock().now();
    auto trip = request::trip_at(*trips, now);
    if (!trip) return fail(std::move(trip.error()));
    context.note("to " + trip->place);
    if (options.wish.keep.empty()) options.wish.keep = proxy::duration_text(request::kept_for(*trip, now));
  }
  auto logins = request::Logins::open(session.home());
  if (!logins) return fail(std::move(logins.error()));
  auto stored = logins->all();
  if (!stored) return fail(std::move(stored.error()));
  options.wish.logins = std::move(*stored);
  return {};
}

Result<Parcel> parcel_of(proxy::Document document, const Session& session, std::string shown, Instant now) {
  const request::Place& place = session.place();
  const bool sealed = !place.keys.empty();
  Parcel parcel;
  parcel.unsent.id = document.id;
  parcel.unsent.place = place.name;
  parcel.unsent.created = now;
  parcel.unsent.label = shown;
  parcel.unsent.sender = process_id();
  parcel.urls = {std::move(shown)};
  parcel.exp = document.exp;
  parcel.name = document.title.empty() ? document.files.front().name : document.title;
  parcel.start = document.when.start;
  if (parcel.start && *parcel.start < now) parcel.passed = parcel.start;
  if (sealed) {
    document.iss_jkt.clear();
    document.iss_account.clear();
    for (proxy::Recipient& one : document.aud) one.url.clear();
  }
  std::string core = proxy::to_json(document);
  if (!sealed) {
    parcel.unsent.documents.push_back(std::move(core));
    return parcel;
  }
  parcel.core = Secret(std::move(core));
  auto text =
      request::seal_request(session.home(), place, parcel.core.text, parcel.exp, proxy::SealedForm::compact);
  if (!text) return fail(std::move(text.error()));
  parcel.unsent.documents.push_back(std::move(*text));
  parcel.unsent.over = Instant(Seconds(parcel.exp));
  return parcel;
}

}  // namespace restante::cli
