// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "base/text.hpp"
#include "context.hpp"
#include "proxy/recurrence.hpp"
#include "proxy/zone.hpp"
#include "request/compose.hpp"
#include "request/json.hpp"
#include "request/logins.hpp"
#include "request/mailbox.hpp"
#include "request/sealing.hpp"
#include "secret.hpp"
#include "wish_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <optional>
#include <set>

namespace restante::cli {
namespace {

constexpr std::size_t single_calls = 20;  ///< more URLs than these go as batches, without a look first
constexpr std::chrono::seconds look_first_wait{5};

struct SendOptions : WishOptions {
  bool strict = false, wait = false;
};

/// What is sent in one call.
struct Parcel {
  request::Unsent unsent;
  std::vector<std::string> urls;  ///< as they may be shown
  std::optional<Instant> passed;  ///< the wanted start, when it lies in the past
  Secret core;                    ///< of a single request, as it was sealed
  std::int64_t exp = 0;
  std::string name;
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

class Sending {
public:
  Sending(const Context& context, Session& session, const SendOptions& options)
      : context_(context), session_(session), options_(options) {}

  int run(std::vector<Parcel>& parcels) {
    for (const Parcel& parcel : parcels)
      if (auto kept = session_.outbox().keep(parcel.unsent); !kept) return context_.refuse(kept.error());
    std::optional<Error> unreached;
    for (Parcel& parcel : parcels) {
      if (unreached) {
        goes_another_way(parcel, *unreached);
        continue;
      }
      auto sent = send_one(parcel);
      if (!sent) {
        worse(context_.refuse(sent.error()));
        continue;
      }
      take_verdicts(parcel, sent->verdicts);
      if (!sent->kept) continue;
      goes_another_way(parcel, *sent->kept);
      if (sent->verdicts.empty()) unreached = sent->kept;
    }
    if (!options_.wait)
      for (const request::Job& job : jobs_) finish(look(job));
    else
      wait_for_all();
    return status_;
  }

private:
  void worse(int status) {
    // "Not authorised" and "not reached" tell more than "failed".
    if (status_ == exit_done || status > status_) status_ = status;
  }

  /// Directly. A place that renewed its keys long ago is asked for the new ones, once.
  Result<request::SendOutcome> send_one(Parcel& parcel) {
    auto sent = request::send_unsent(session_.outbox(), session_.calls(), parcel.unsent);
    const bool other_keys = sent && !parcel.core.text.empty() && sent->verdicts.size() == 1 &&
                            !sent->verdicts[0].job && sent->verdicts[0].error.reason == Reason::not_for_me;
    if (!other_keys) return sent;
    if (auto looked = session_.look_again(); !looked) return sent;
    auto text = request::seal_request(session_.home(), session_.place(), parcel.core.text, parcel.exp,
                                      proxy::SealedForm::compact);
    if (!text) return fail(std::move(text.error()));
    parcel.unsent.documents = {std::move(*text)};
    if (auto kept = session_.outbox().keep(parcel.unsent); !kept) return fail(std::move(kept.error()));
    return request::send_unsent(session_.outbox(), session_.calls(), parcel.unsent);
  }

  /// Not reached: through the place's mailbox, else it waits in the outbox.
  void goes_another_way(Parcel& parcel, const Error& why) {
    if (!request::is_unreached(why) || parcel.core.text.empty()) return waits(parcel, why);
    const Instant now = SystemClock().now();
    auto left = request::leave_at_mailbox(session_.home(), session_.place(), parcel.unsent.documents[0],
                                          parcel.unsent.id, now);
    if (!left) {
      if (left.error().reason != Reason::not_found)
        context_.note("its mailbox did not take it either: " + left.error().message);
      return waits(parcel, why);
    }
    parcel.unsent.posted = now;
    parcel.unsent.posted_to = *left;
    parcel.unsent.sender = 0;
    if (auto kept = session_.outbox().keep(parcel.unsent); !kept) return worse(context_.refuse(kept.error()));
    context_.note(session_.place().name + " cannot be reached; left at its mailbox " + *left +
                  ", from where it fetches the request");
    tell_posted(parcel);
    // Nobody can say from here when it has ended.
    if (options_.wait) worse(exit_unreached);
  }

  void tell_posted(const Parcel& parcel) {
    request::Job job;
    job.id = request::job_id_of(session_.place(), parcel.unsent.id);
    job.proxy = parcel.unsent.id;
    job.name = parcel.name;
    job.state = "posted";
    job.created = to_rfc3339(parcel.unsent.created);
    if (!context_.json) return context_.result(request::job_line(job, session_.zones()));
    boost::json::object out;
    out["id"] = job.id;
    out["proxy"] = job.proxy;
    out["name"] = job.name;
    out["state"] = job.state;
    out["plan"] = "on-time";
    out["received_bytes"] = 0;
    out["attempt"] = 0;
    out["created"] = job.created;
    out["via"] = "mailbox";
    context_.result(boost::json::serialize(out));
  }

  void waits(const Parcel& parcel, const Error& why) {
    Error error = why;
    error.message +=
        "; the request for " + parcel.urls[0] +
        (parcel.urls.size() > 1 ? " and " + std::to_string(parcel.urls.size() - 1) + " more" : "") +
        " waits in the outbox (" + parcel.unsent.id.substr(0, 13) + ")";
    error.hint = std::string(why.remedy());
    error.hint += error.hint.ends_with('?') ? " " : "; ";
    error.hint += "it goes with the next command, or with `restante outbox flush`";
    context_.refuse(error);
    worse(request::is_unauthorised(why) ? exit_unauthorised : exit_unreached);
  }

  void take_verdicts(const Parcel& parcel, const std::vector<request::Verdict>& verdicts) {
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      if (verdicts[i].job) {
        jobs_.push_back(*verdicts[i].job);
        continue;
      }
      if (verdicts[i].error.transient) continue;  // told with what stays in the outbox
      Error error = verdicts[i].error;
      error.message = parcel.urls[i] + ": " + error.message;
      worse(context_.refuse(error));
    }
  }

  /// What the first look found, while the person is still there.
  request::Job look(const request::Job& accepted) {
    if (options_.no_probe || options_.urls.size() > single_calls) return accepted;
    auto detail = session_.calls().job(accepted.id, look_first_wait);
    if (!detail) return accepted;  // it is accepted, and that is what counts
    request::Job job = std::move(detail->job);
    const std::string found = request::look_first_words(job);
    if (!found.empty()) context_.note(found);
    return job;
  }

  /// The closing line of one request.
  void finish(const request::Job& job) {
    if (const auto words = request::plan_words(job, session_.zones()); !words.empty())
      context_.note(words);
    else if (job.state == "scheduled" && !job.next_run.empty())
      context_.note("it starts " + request::time_words(job.next_run, session_.zones(), request::Both::yes));
    if (options_.strict && job.plan == "cannot" && !job.ended()) return refuse_plan(job);
    context_.result(context_.json ? with_way(job.json) : request::job_line(job, session_.zones()));
    if (!job.repeat.empty()) context_.note("it repeats " + proxy::recurrence_words(job.repeat));
    if (options_.wait && job.state == "done") tell_names(job);
    const bool ended_badly = job.ended() && job.state != "done";
    if (!ended_badly && !(options_.wait && job.state == "held")) return;
    context_.complain(job_error(job));
    // Without --wait the place's acceptance is what counts: whether a first look ends in time must not
    // decide. A refusal of the address itself is no matter of time.
    if (options_.wait || job.reason == "address" || job.reason == "scheme") worse(exit_failed);
  }

  static std::string with_way(const std::string& job) {
    auto object = request::json::parse_object(job, "a job");
    if (!object) return job;
    (*object)["via"] = "direct";
    return boost::json::serialize(*object);
  }

  /// The server's name, a redirect or a name that was taken may have led to another one than was asked for.
  void tell_names(const request::Job& job) {
    const auto detail = session_.calls().job(job.id);
    if (!detail) return;
    for (const request::JobFile& file : detail->files) {
      const std::string bare = file.name.substr(file.name.rfind('/') + 1);
      if (!file.name.empty() && bare != job.name)
        context_.note("it is in your files as " + request::shown(file.name));
    }
  }

  void refuse_plan(const request::Job& job) {
    auto cancelled = session_.calls().act(job.id, "cancel");
    const std::string rest =
        cancelled ? std::string() : " (and it could not be cancelled: " + cancelled.error().message + ")";
    context_.refuse(fail(Reason::deadline,
                         "not done, as --strict asks: " + request::plan_words(job, session_.zones()) + rest,
                         "give a later --by or wider hours")
                        .value());
    worse(exit_failed);
  }

  static Error job_error(const request::Job& job) {
    Error error;
    error.reason = Reason::cancelled;
    for (std::size_t i = 0; i < reason_table.size(); ++i)
      if (reason_table[i].code == job.reason) error.reason = static_cast<Reason>(i);
    error.message = (job.name.empty() ? job.id.substr(0, 8) : job.name) + ": " + request::state_words(job);
    if (!job.message.empty()) error.message += " (" + job.message + ")";
    // Nothing goes on by itself any more, whatever the reason's own remedy says.
    if (job.state == "failed" && info(error.reason).kind == ReasonClass::transient)
      error.hint = "`restante retry " + job.id.substr(0, 8) + "` tries it again";
    return error;
  }

  void wait_for_all() {
    Watch watch;
    watch.stop_at_held = true;
    watch.where = Watch::Where::err;
    for (const request::Job& accepted : jobs_) {
      const request::Job job = look(accepted);
      if (options_.strict && job.plan == "cannot") {
        finish(job);
        continue;
      }
      watch.jobs.push_back(job.id);
    }
    if (watch.jobs.empty()) return;
    auto ended = watch_jobs(context_, session_, watch);
    if (!ended) return worse(context_.refuse(ended.error()));
    for (const request::Job& job : *ended) finish(job);
  }

  const Context& context_;
  Session& session_;
  const SendOptions& options_;
  std::vector<request::Job> jobs_;
  int status_ = exit_done;
};

/// What is sent long before a trip has to be there until its end.
Result<void> keep_for_trip(const Context& context, const Session& session, SendOptions& options) {
  auto trips = request::load_trips(session.home());
  if (!trips) return fail(std::move(trips.error()));
  const Instant now = SystemClock().now();
  auto trip = request::trip_at(*trips, now);
  if (!trip) return fail(std::move(trip.error()));
  context.note("to " + trip->place);
  if (options.wish.keep.empty()) options.wish.keep = proxy::duration_text(request::kept_for(*trip, now));
  return {};
}

int send(const Context& context, SendOptions options) {
  if (auto good = check_wish(options); !good) return context.refuse(good.error());
  options.wish.probe = !options.no_probe;
  if (auto done = read_secrets(context, options); !done) return context.refuse(done.error());
  auto session = Session::open(context, options.to);
  if (!session) return context.refuse(session.error());
  if (options.to == request::trip_name)
    if (auto kept = keep_for_trip(context, **session, options); !kept) return context.refuse(kept.error());
  auto logins = request::Logins::open((*session)->home());
  if (!logins) return context.refuse(logins.error());
  auto stored = logins->all();
  if (!stored) return context.refuse(stored.error());
  options.wish.logins = std::move(*stored);
  std::set<std::string> used;
  auto parcels = compose_all(options, **session, used);
  if (!parcels) return context.refuse(parcels.error());
  for (const std::string& login : used) context.note("signs in with the stored login " + login);
  if (const auto passed = parcels->front().passed)
    context.note(request::time_words(to_rfc3339(*passed), (*session)->zones(), request::Both::yes) +
                 " has passed: it starts as soon as it may");
  return Sending(context, **session, options).run(*parcels);
}

}  // namespace

void add_send_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<SendOptions>();
  auto* command = app.add_subcommand("send", "Ask a place to download something");
  command->add_option("URL", options->urls, "What; several make one download each")->required();
  add_wish_options(*command, *options);
  command->add_flag("--strict", options->strict, "Refuse what cannot be done in time");
  command->add_flag("--wait", options->wait, "Return when it has ended");
  refuse_empty_values(*command);
  command->callback([&context, command, options] {
    auto preset = apply_preset(*command, *options);
    context.run = [&context, options, preset]() -> int {
      return preset ? send(context, *options) : context.refuse(preset.error());
    };
  });
}

}  // namespace restante::cli
