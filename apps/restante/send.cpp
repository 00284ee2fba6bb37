// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "base/text.hpp"
#include "context.hpp"
#include "proxy/recurrence.hpp"
#include "proxy/zone.hpp"
#include "request/compose.hpp"
#include "request/logins.hpp"
#include "secret.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <optional>
#include <set>

namespace restante::cli {
namespace {

constexpr std::size_t single_calls = 20;  ///< more URLs than these go as batches, without a look first
constexpr std::chrono::seconds look_first_wait{5};
constexpr std::uintmax_t cookies_limit = 4u << 20;

struct SendOptions {
  std::vector<std::string> urls;
  std::string to, cookies_path, certificate_path, key_path;
  bool secret_stdin = false, no_probe = false, strict = false, wait = false;
  request::Wish wish;
};

Result<void> read_secrets(const Context& context, SendOptions& options) {
  if (options.key_path == "-" && options.secret_stdin)
    return fail(Reason::usage, "both --key - and --secret-stdin want stdin", "give the key as a file");
  if (!options.certificate_path.empty() || !options.key_path.empty()) {
    auto certificate = read_certificate(options.certificate_path, options.key_path);
    if (!certificate) return fail(std::move(certificate.error()));
    options.wish.certificate = std::move(*certificate);
  }
  if (options.secret_stdin) {
    auto secret = read_secret_line();
    if (!secret) return fail(std::move(secret.error()));
    options.wish.secret = std::move(*secret);
  } else if (!options.wish.user.empty()) {
    if (!context.stdin_terminal)
      return fail(Reason::usage, "--user needs a password",
                  "give it as the first line of stdin, with --secret-stdin");
    auto secret = ask_secret("Password of " + options.wish.user + ": ");
    if (!secret) return fail(std::move(secret.error()));
    options.wish.secret = std::move(*secret);
  }
  if (!options.cookies_path.empty()) {
    auto cookies = read_option_file("--cookies", options.cookies_path, cookies_limit);
    if (!cookies) return fail(std::move(cookies.error()));
    options.wish.cookies_file = std::move(*cookies);
  }
  return {};
}

/// What is sent in one call.
struct Parcel {
  request::Unsent unsent;
  std::vector<std::string> urls;  ///< as they may be shown
  std::optional<Instant> passed;  ///< the wanted start, when it lies in the past
};

/// `used`: the stored logins that go along, by name.
Result<std::vector<Parcel>> compose_all(const SendOptions& options, const request::Place& place,
                                        std::set<std::string>& used) {
  const Instant now = SystemClock().now();
  const bool batches = options.urls.size() > single_calls;
  const std::size_t in_one = batches ? request::CallLimits().batch_documents : 1;
  std::vector<Parcel> parcels;
  for (const std::string& url : options.urls) {
    request::Wish wish = options.wish;
    wish.url = url;
    auto document = request::compose(wish, place, now);
    if (!document) return fail(std::move(document.error()));
    for (const proxy::Credential& one : document->access)
      if (one.id.starts_with(request::login_id)) used.insert(request::login_name(one));
    if (parcels.empty() || parcels.back().unsent.documents.size() >= in_one) {
      Parcel& parcel = parcels.emplace_back();
      parcel.unsent.id = document->id;
      parcel.unsent.place = place.name;
      parcel.unsent.created = now;
      parcel.unsent.label = url_for_logs(document->files[0].sources[0].url);
      parcel.unsent.sender = process_id();
      if (document->when.start && *document->when.start < now) parcel.passed = document->when.start;
    }
    parcels.back().unsent.documents.push_back(proxy::to_json(*document));
    parcels.back().urls.push_back(url_for_logs(document->files[0].sources[0].url));
  }
  return parcels;
}

class Sending {
public:
  Sending(const Context& context, Session& session, const SendOptions& options)
      : context_(context), session_(session), options_(options) {}

  int run(const std::vector<Parcel>& parcels) {
    for (const Parcel& parcel : parcels)
      if (auto kept = session_.outbox().keep(parcel.unsent); !kept) return context_.refuse(kept.error());
    std::optional<Error> unreached;
    for (const Parcel& parcel : parcels) {
      if (unreached) {
        waits(parcel, *unreached);
        continue;
      }
      auto sent = request::send_unsent(session_.outbox(), session_.calls(), parcel.unsent);
      if (!sent) {
        worse(context_.refuse(sent.error()));
        continue;
      }
      take_verdicts(parcel, sent->verdicts);
      if (!sent->kept) continue;
      waits(parcel, *sent->kept);
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
    context_.result(context_.json ? job.json : request::job_line(job, session_.zones()));
    if (!job.repeat.empty()) context_.note("it repeats " + proxy::recurrence_words(job.repeat));
    if (options_.wait && job.state == "done") tell_names(job);
    const bool ended_badly = job.ended() && job.state != "done";
    if (!ended_badly && !(options_.wait && job.state == "held")) return;
    context_.complain(job_error(job));
    // Without --wait the place's acceptance is what counts: whether a first look ends in time must not
    // decide. A refusal of the address itself is no matter of time.
    if (options_.wait || job.reason == "address" || job.reason == "scheme") worse(exit_failed);
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
  if (options.urls.size() > 1) {
    const char* single = !options.wish.name.empty()        ? "--name"
                         : !options.wish.checksums.empty() ? "--checksum"
                         : !options.wish.mirrors.empty()   ? "--mirror"
                                                           : nullptr;
    if (single != nullptr)
      return context.refuse(fail(Reason::usage,
                                 std::string(single) + " belongs to one URL, and there are several",
                                 "send them one by one")
                                .value());
  }
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
  auto parcels = compose_all(options, (*session)->place(), used);
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
  request::Wish& wish = options->wish;
  auto* command = app.add_subcommand("send", "Ask a place to download something");
  const auto many = [](CLI::Option* option) { option->allow_extra_args(false); };
  command->add_option("URL", options->urls, "What; several make one download each")->required();
  command->add_option("--to", options->to, "Which place, or 'trip'; default: the first one")
      ->type_name("PLACE");
  command->add_option("--at", wish.at, "Start then")->type_name("TIME");
  command->add_option("--by", wish.by, "Be done by then")->type_name("TIME");
  many(command->add_option("--window", wish.windows, "Only in these hours (repeatable)")
           ->type_name("HH:MM-HH:MM[@DAYS]"));
  command->add_option("--every", wish.every, "Again and again: day, week, month, mo,we,fr or an RRULE")
      ->type_name("RRULE");
  command->add_option("--tz", wish.tz, "Zone of these times, or 'here'; default: the place's")
      ->type_name("ZONE");
  command->add_option("--name", wish.name, "Name of the file; default: the server's")->type_name("NAME");
  command->add_option("--folder", wish.folder, "Folder in my files")->type_name("PATH");
  many(command->add_option("--checksum", wish.checksums, "What the bytes must be, as sha-256=HEX")
           ->type_name("ALGO=HEX"));
  many(command->add_option("--mirror", wish.mirrors, "Another URL of the same file (repeatable)")
           ->type_name("URL"));
  many(command->add_option("--header", wish.headers, "A request header (repeatable)")->type_name("'N: V'"));
  command->add_option("--referer", wish.referer, "The page that leads there")->type_name("URL");
  command->add_option("--user", wish.user, "User name at the content server")->type_name("USER");
  command->add_flag("--secret-stdin", options->secret_stdin,
                    "The first line of stdin is the password; without --user a bearer token");
  command->add_flag("--digest", wish.digest, "Sign in by Digest only: the password itself is never sent");
  command->add_option("--cert", options->certificate_path, "Client certificate with its chain (PEM)")
      ->type_name("FILE");
  command->add_option("--key", options->key_path, "Its private key (PEM); '-' reads it from stdin")
      ->type_name("FILE");
  command->add_option("--cookies", options->cookies_path, "Cookies in Netscape format (cookies.txt)")
      ->type_name("FILE");
  command->add_option("--limit-rate", wish.limit_rate, "Bytes a second, such as 500k")->type_name("SIZE");
  command->add_option("--max-size", wish.max_size, "Refuse anything larger, such as 2G")->type_name("SIZE");
  command->add_option("--max-attempts", wish.max_attempts, "1 = no retry")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command->add_flag("--allow-empty", wish.allow_empty, "An empty file is right");
  command->add_flag("--no-probe", options->no_probe, "No look first: for links that work only once");
  command->add_option("--keep", wish.keep, "Keep it at the place so long, such as 14d")
      ->type_name("DURATION");
  command->add_flag("--strict", options->strict, "Refuse what cannot be done in time");
  command->add_flag("--wait", options->wait, "Return when it has ended");
  // An empty value is most often a script's unset variable, and would mean "now", or "no limit".
  const CLI::Validator not_empty(
      [](std::string& value) {
        return value.empty() ? std::string("the value is empty; leave the option out instead")
                             : std::string();
      },
      std::string());
  for (CLI::Option* option : command->get_options())
    if (!option->get_positional() && option->get_items_expected_max() > 0) option->check(not_empty);
  command->callback(
      [&context, options] { context.run = [&context, options] { return send(context, *options); }; });
}

}  // namespace restante::cli
