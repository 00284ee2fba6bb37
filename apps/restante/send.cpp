// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "context.hpp"
#include "parcels.hpp"
#include "request/compose.hpp"
#include "request/sealing.hpp"
#include "secret.hpp"
#include "sending.hpp"
#include "wish_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <optional>
#include <set>

namespace restante::cli {
namespace {

constexpr std::size_t single_calls = 20;  ///< more URLs than these go as batches, without a look first

struct SendOptions : WishOptions {
  Delivery delivery;
};

/// A place that told its keys gets single requests sealed, whichever way they go; batches go as they are,
/// over TLS. `used`: the stored logins that go along, by name.
Result<std::vector<Parcel>> compose_all(const SendOptions& options, const Session& session,
                                        std::set<std::string>& used) {
  const request::Place& place = session.place();
  const Instant now = SystemClock().now();
  const bool batches = options.urls.size() > single_calls;
  const bool sealed = !batches && !place.keys.empty();
  const std::size_t in_one = batches ? request::CallLimits().batch_documents : 1;
  std::vector<Parcel> parcels;
  for (const std::string& url : options.urls) {
    auto made = compose_one(options, url, place, now, sealed);
    if (!made) return fail(std::move(made.error()));
    used.insert(made->logins.begin(), made->logins.end());
    if (parcels.empty() || parcels.back().unsent.documents.size() >= in_one) {
      Parcel& parcel = parcels.emplace_back();
      parcel.unsent.id = made->id;
      parcel.unsent.place = place.name;
      parcel.unsent.created = now;
      parcel.unsent.label = made->shown;
      parcel.unsent.sender = process_id();
      parcel.exp = made->exp;
      parcel.name = made->name;
      parcel.start = made->start;
      if (made->start && *made->start < now) parcel.passed = made->start;
    }
    Parcel& parcel = parcels.back();
    parcel.urls.push_back(made->shown);
    if (!sealed) {
      parcel.unsent.documents.push_back(std::move(made->core));
      continue;
    }
    parcel.core = Secret(std::move(made->core));
    auto text =
        request::seal_request(session.home(), place, parcel.core.text, made->exp, proxy::SealedForm::compact);
    if (!text) return fail(std::move(text.error()));
    parcel.unsent.documents.push_back(std::move(*text));
    parcel.unsent.over = Instant(Seconds(made->exp));
  }
  return parcels;
}

int send(const Context& context, SendOptions options) {
  if (auto good = check_wish(options); !good) return context.refuse(good.error());
  options.wish.probe = !options.no_probe;
  if (auto done = read_secrets(context, options); !done) return context.refuse(done.error());
  auto session = Session::open(context, options.to);
  if (!session) return context.refuse(session.error());
  if (auto used = use_stored(context, **session, options); !used) return context.refuse(used.error());
  std::set<std::string> used;
  auto parcels = compose_all(options, **session, used);
  if (!parcels) return context.refuse(parcels.error());
  for (const std::string& login : used) context.note("signs in with the stored login " + login);
  if (const auto passed = parcels->front().passed)
    context.note(request::time_words(to_rfc3339(*passed), (*session)->zones(), request::Both::yes) +
                 " has passed: it starts as soon as it may");
  for (Parcel& parcel : *parcels) parcel.by_trip = options.to == request::trip_name;
  options.delivery.look = !options.no_probe && options.urls.size() <= single_calls;
  return deliver(context, **session, *parcels, options.delivery);
}

}  // namespace

void add_send_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<SendOptions>();
  auto* command = app.add_subcommand("send", "Ask a place to download something");
  command->add_option("URL", options->urls, "What; several make one download each")->required();
  add_wish_options(*command, *options);
  command->add_flag("--strict", options->delivery.strict, "Refuse what cannot be done in time");
  command->add_flag("--wait", options->delivery.wait, "Return when it has ended");
  refuse_empty_values(*command);
  command->callback([&context, command, options] {
    auto preset = apply_preset(*command, *options);
    context.run = [&context, options, preset]() -> int {
      return preset ? send(context, *options) : context.refuse(preset.error());
    };
  });
}

}  // namespace restante::cli
