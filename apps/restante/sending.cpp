// SPDX-License-Identifier: Apache-2.0
#include "sending.hpp"

#include "base/text.hpp"
#include "proxy/document.hpp"
#include "proxy/recurrence.hpp"
#include "request/json.hpp"
#include "request/mailbox.hpp"
#include "request/sealing.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace restante::cli {
namespace {

constexpr std::chrono::seconds look_first_wait{5};

class Sending {
public:
  Sending(const Context& context, Session& session, const Delivery& options)
      : context_(context), session_(session), options_(options) {}

  int run(std::vector<Parcel>& parcels) {
    for (const Parcel& parcel : parcels)
      if (auto kept = session_.outbox().keep(parcel.unsent); !kept) return context_.refuse(kept.error());
    remember(parcels);
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
  /// What may be moved to another place before it begins.
  void remember(const std::vector<Parcel>& parcels) {
    const Instant now = SystemClock().now();
    for (const Parcel& parcel : parcels) {
      const bool waits_there = parcel.by_trip || (parcel.start && *parcel.start > now);
      if (parcel.core.text.empty() || !waits_there) continue;
      request::Sent copy;
      copy.id = parcel.unsent.id;
      copy.place = parcel.unsent.place;
      copy.label = parcel.unsent.label;
      copy.name = parcel.name;
      copy.created = parcel.unsent.created;
      copy.over = Instant(Seconds(parcel.exp));
      copy.by_trip = parcel.by_trip;
      copy.core = parcel.core.text;
      if (auto kept = request::remember_sent(session_.home(), copy, now); !kept)
        context_.note("it cannot be moved to another place later: " + kept.error().message);
      wipe(copy.core);
    }
  }

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
    if (request::is_unreached(why) && parcel.unsent.documents.size() > 1 && divide(parcel, why)) return;
    if (!request::is_unreached(why) || parcel.core.text.empty()) return waits(parcel, why);
    const Instant now = SystemClock().now();
    auto left = request::leave_at_mailbox(session_.home(), session_.place(), parcel.unsent.documents[0],
                                          parcel.unsent.id, now);
    if (!left) {
      if (left.error().reason != Reason::not_found)
        context_.note("its mailbox did not take it either: " + left.error().message);
      else if (!session_.place().mailboxes.empty())
        context_.note(
            "its mailbox takes mails, and this device sends none: `restante mail set` tells it how");
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
    if (!options_.wait) return;
    context_.note("its end cannot be watched from here");
    worse(exit_unreached);
  }

  /// A batch goes as it is, over TLS; where the place is not reached each of its requests is sealed and left
  /// at the mailbox by itself. False: there is none, and all of it waits.
  bool divide(Parcel& batch, const Error& why) {
    const request::Place& place = session_.place();
    if (place.mailboxes.empty() || place.keys.empty()) return false;
    std::vector<Parcel> singles;
    for (std::size_t i = 0; i < batch.unsent.documents.size(); ++i) {
      auto document = proxy::parse(batch.unsent.documents[i]);
      if (!document) return false;
      Parcel& one = singles.emplace_back();
      one.unsent = batch.unsent;
      one.unsent.id = document->id;
      one.unsent.label = batch.urls[i];
      one.urls = {batch.urls[i]};
      one.core = Secret(batch.unsent.documents[i]);
      one.exp = document->exp;
      one.name = batch.urls[i].substr(batch.urls[i].rfind('/') + 1);
      auto text =
          request::seal_request(session_.home(), place, one.core.text, one.exp, proxy::SealedForm::compact);
      if (!text) return false;
      one.unsent.documents = {std::move(*text)};
      one.unsent.over = Instant(Seconds(one.exp));
    }
    // The first one has the batch's own name in the outbox: each is kept before the batch is gone.
    for (auto one = singles.rbegin(); one != singles.rend(); ++one)
      if (auto kept = session_.outbox().keep(one->unsent); !kept) {
        worse(context_.refuse(kept.error()));
        return true;
      }
    for (Parcel& one : singles) goes_another_way(one, why);
    return true;
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
    if (!options_.look) return accepted;
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
  const Delivery& options_;
  std::vector<request::Job> jobs_;
  int status_ = exit_done;
};

}  // namespace

int deliver(const Context& context, Session& session, std::vector<Parcel>& parcels, const Delivery& options) {
  return Sending(context, session, options).run(parcels);
}

}  // namespace restante::cli
