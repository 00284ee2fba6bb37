// SPDX-License-Identifier: Apache-2.0
// Moving a request that waits at one place to another one.
#include "base/text.hpp"
#include "proxy/document.hpp"
#include "request/mailbox.hpp"
#include "request/sealing.hpp"
#include "sending.hpp"

#include <algorithm>
#include <array>

namespace restante::cli {
namespace {

constexpr std::int64_t cancel_lasts = 90 * 24 * 3600;
constexpr std::array<std::string_view, 4> movable{"scheduled", "waiting", "paused", "held"};

enum class TakenBack {
  yes,
  no,   ///< it runs or has ended: it stays where it is
  gone  ///< the place does not know it (any more): nothing is left to be moved
};

/// Not reached, but a mailbox takes the cancellation: whichever of the two the place reads first, the request
/// does not run (its revision is lower).
Result<TakenBack> take_back_by_mailbox(const request::Home& home, const request::Place& place,
                                       const request::Sent& sent, const Error& why) {
  const Instant now = SystemClock().now();
  proxy::Document document;
  document.id = sent.id;
  document.rev = 1;
  document.op = proxy::Document::Op::cancel;
  document.aud.push_back({place.jkt, {}});
  document.iat = std::chrono::floor<Seconds>(now).time_since_epoch().count();
  document.exp = document.iat + cancel_lasts;
  auto text =
      request::seal_request(home, place, proxy::to_json(document), document.exp, proxy::SealedForm::compact);
  if (!text) return fail(why);
  auto left = request::leave_at_mailbox(home, place, *text, request::mailbox_name(*text), now);
  if (!left) return fail(why);
  return TakenBack::yes;
}

/// What was not handed over yet is simply not sent.
bool waits_here(const request::Outbox& outbox, const std::string& id) {
  const auto unsent = outbox.find(id);
  return unsent && !unsent->posted;
}

Result<TakenBack> take_back(const request::Home& home, const request::Outbox& outbox,
                            const request::Place& place, const request::Sent& sent) {
  if (waits_here(outbox, sent.id)) {
    if (auto dropped = outbox.drop(sent.id); !dropped) return fail(std::move(dropped.error()));
    return TakenBack::yes;
  }
  auto client = client_for(place);
  request::Calls calls(client, place);
  const std::string id = request::job_id_of(place, sent.id);
  auto job = calls.job(id);
  if (!job && request::is_unreached(job.error())) {
    auto taken = take_back_by_mailbox(home, place, sent, job.error());
    if (taken) outbox.drop(sent.id);
    return taken;
  }
  if (!job && job.error().reason == Reason::not_found) return TakenBack::gone;
  if (!job) return fail(std::move(job.error()));
  if (std::find(movable.begin(), movable.end(), job->job.state) == movable.end()) return TakenBack::no;
  auto cancelled = calls.act(id, "cancel");
  if (!cancelled) return fail(std::move(cancelled.error()));
  outbox.drop(sent.id);
  return TakenBack::yes;
}

/// The request as a parcel for the other place.
Result<Parcel> parcel_for(const Session& session, const request::Sent& sent, const request::Place& from) {
  const Instant now = SystemClock().now();
  auto document = request::for_other_place(sent, from, session.place(), now);
  if (!document) return fail(std::move(document.error()));
  Parcel parcel;
  parcel.unsent.id = document->id;
  parcel.unsent.place = session.place().name;
  parcel.unsent.created = now;
  parcel.unsent.label = sent.label;
  parcel.unsent.over = Instant(Seconds(document->exp));
  parcel.urls = {sent.label};
  parcel.core = Secret(proxy::to_json(*document));
  parcel.exp = document->exp;
  parcel.name = sent.name;
  parcel.start = document->when.start;
  parcel.by_trip = sent.by_trip;
  auto text = request::seal_request(session.home(), session.place(), parcel.core.text, parcel.exp,
                                    proxy::SealedForm::compact);
  if (!text) return fail(std::move(text.error()));
  parcel.unsent.documents.push_back(std::move(*text));
  return parcel;
}

}  // namespace

int move_request(const Context& context, const request::Sent& sent, const std::string& to) {
  auto session = Session::open(context, to);
  if (!session) return context.refuse(session.error());
  const request::Home& home = (*session)->home();
  auto places = request::load_places(home);
  if (!places) return context.refuse(places.error());
  auto from = request::find_place(*places, sent.place);
  if (!from) return context.refuse(from.error());
  if (from->name == (*session)->place().name)
    return context.refuse(fail(Reason::usage, "it is at " + from->name + " already").value());
  // Made before anything is taken back: what cannot be sent stays where it is.
  auto parcel = parcel_for(**session, sent, *from);
  if (!parcel) return context.refuse(parcel.error());
  std::vector<Parcel> parcels;
  parcels.push_back(std::move(*parcel));
  auto taken = take_back(home, (*session)->outbox(), *from, sent);
  if (!taken) {
    taken.error().message += "; " + sent.label + " stays at " + from->name;
    return context.refuse(taken.error());
  }
  if (auto forgotten = request::forget_sent(home, sent.id); !forgotten)
    return context.refuse(forgotten.error());
  if (*taken == TakenBack::gone) {
    context.note(sent.label + " is no longer at " + from->name + ": nothing is moved");
    return exit_done;
  }
  if (*taken == TakenBack::no) {
    context.note(sent.label + " runs at " + from->name + " already, or has ended: it stays there");
    return exit_done;
  }
  Delivery delivery;
  delivery.look = false;
  return deliver(context, **session, parcels, delivery);
}

}  // namespace restante::cli
