// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "context.hpp"
#include "request/compose.hpp"
#include "request/sealing.hpp"
#include "request/sent.hpp"
#include "sending.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <array>

namespace restante::cli {
namespace {

int list(const Context& context) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  std::vector<request::Job> ended;
  auto done = (*session)->calls().jobs({}, [&](const request::Job& job) {
    if (job.ended()) ended.push_back(job);
    context.result(context.json ? job.json : request::job_line(job, (*session)->zones()));
    return true;
  });
  if (!done) return context.refuse(done.error());
  if (auto gone = request::forget_ended((*session)->home(), ended); !gone)
    return context.refuse(gone.error());
  return exit_done;
}

int show(const Context& context, const std::string& text) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto id = (*session)->calls().job_id(text);
  if (!id) return context.refuse(id.error());
  auto detail = (*session)->calls().job(*id);
  if (!detail) return context.refuse(detail.error());
  if (auto gone = request::forget_ended((*session)->home(), {detail->job}); !gone)
    return context.refuse(gone.error());
  if (context.json) {
    context.result(detail->job.json);
  } else {
    std::string page = request::job_page(*detail, (*session)->zones());
    page.pop_back();
    context.result(page);
  }
  return exit_done;
}

int act(const Context& context, const std::string& action, const std::vector<std::string>& ids) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  int status = exit_done;
  for (const std::string& text : ids) {
    auto id = (*session)->calls().job_id(text);
    auto job = id ? (*session)->calls().act(*id, action) : Result<request::Job>(fail(id.error()));
    if (!job) {
      status = context.refuse(job.error());
      continue;
    }
    context.result(context.json ? job->json : request::job_line(*job, (*session)->zones()));
  }
  return status;
}

struct ChangeOptions {
  std::string id;
  std::string at, by, tz, name, folder, limit_rate, to;
  std::vector<std::string> windows;
};

constexpr std::array<const char*, 7> change_options{"--at",   "--by",     "--window",    "--tz",
                                                    "--name", "--folder", "--limit-rate"};

/// Sends a change to the version that is there now.
Result<request::Job> send_change(Session& session, const std::string& text, const std::string& patch) {
  constexpr int tries = 3;  // the download may change while it is being changed
  auto id = session.calls().job_id(text);
  if (!id) return fail(id.error());
  for (int i = 1;; ++i) {
    auto detail = session.calls().job(*id);
    if (!detail) return fail(detail.error());
    auto job = session.calls().change(*id, detail->etag, patch);
    if (job || job.error().reason != Reason::precondition || i >= tries) return job;
  }
}

int refresh(const Context& context, const std::string& id, const std::string& url) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  request::Change change;
  change.url = url;
  auto patch = request::compose_change(change, (*session)->place(), SystemClock().now());
  if (!patch) return context.refuse(patch.error());
  auto job = send_change(**session, id, *patch);
  if (!job) return context.refuse(job.error());
  context.note(
      "it goes on under the new link if that has the same content, else it begins again; `restante show " +
      job->id + "` tells");
  context.result(context.json ? job->json : request::job_line(*job, (*session)->zones()));
  return exit_done;
}

/// `change ID --to PLACE`: a request that waits goes to another place.
int move(const Context& context, const ChangeOptions& options) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto all = request::all_sent((*session)->home(), SystemClock().now());
  if (!all) return context.refuse(all.error());
  for (const request::Sent& one : *all) {
    const bool here = one.place == (*session)->place().name &&
                      request::job_id_of((*session)->place(), one.id).starts_with(options.id);
    if (here && options.id.size() >= 4) return move_request(context, one, options.to);
  }
  return context.refuse(
      fail(Reason::not_found, "this device has no copy of " + options.id + " that could go to another place",
           "copies are kept of what this device sent with a later start or with --to trip, until "
           "it ends; cancel it, and send it there anew")
          .value());
}

int change(const Context& context, const CLI::App& command, const ChangeOptions& options) {
  if (!options.to.empty()) {
    const bool more = std::any_of(change_options.begin(), change_options.end(),
                                  [&](const char* one) { return command.count(one) > 0; });
    if (!more) return move(context, options);
    return context.refuse(
        fail(Reason::usage, "--to moves the request as it is", "change the rest afterwards").value());
  }
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  const auto given = [&](const char* option, const std::string& value) -> std::optional<std::string> {
    if (command.count(option) == 0) return std::nullopt;
    return value == "none" ? std::string() : value;
  };
  request::Change change;
  change.at = given("--at", options.at);
  change.by = given("--by", options.by);
  change.tz = given("--tz", options.tz);
  change.name = given("--name", options.name);
  change.folder = given("--folder", options.folder);
  change.limit_rate = given("--limit-rate", options.limit_rate);
  if (command.count("--window") > 0) {
    change.windows = options.windows;
    if (options.windows == std::vector<std::string>{"none"}) change.windows->clear();
  }
  auto patch = request::compose_change(change, (*session)->place(), SystemClock().now());
  if (!patch) return context.refuse(patch.error());
  auto job = send_change(**session, options.id, *patch);
  if (!job) return context.refuse(job.error());
  if (const auto words = request::plan_words(*job, (*session)->zones()); !words.empty()) context.note(words);
  context.result(context.json ? job->json : request::job_line(*job, (*session)->zones()));
  return exit_done;
}

struct Action {
  const char *name, *help;
};
constexpr std::array<Action, 5> actions{{{"pause", "Stop for now; what has arrived is kept"},
                                         {"resume", "Go on, or release a download that needs you"},
                                         {"retry", "Try a failed download again"},
                                         {"now", "Start at once, whatever its time and hours"},
                                         {"cancel", "Give up; what has arrived is thrown away"}}};

}  // namespace

void add_job_commands(CLI::App& app, Context& context) {
  app.add_subcommand("list", "Downloads, newest first")->callback([&context] {
    context.run = [&context] { return list(context); };
  });
  auto id = std::make_shared<std::string>();
  auto* showing = app.add_subcommand("show", "One download: its state, why, and what happened");
  showing->add_option("ID", *id, "As `list` shows it; the first digits are enough")->required();
  showing->callback([&context, id] { context.run = [&context, id] { return show(context, *id); }; });

  for (const Action& action : actions) {
    auto ids = std::make_shared<std::vector<std::string>>();
    auto* command = app.add_subcommand(action.name, action.help);
    command->add_option("ID", *ids, "One or more downloads")->required();
    command->callback([&context, ids, name = std::string(action.name)] {
      context.run = [&context, ids, name] { return act(context, name, *ids); };
    });
  }

  auto options = std::make_shared<ChangeOptions>();
  auto* changing =
      app.add_subcommand("change", "Change a download's time, name or speed; 'none' removes one");
  changing->add_option("ID", options->id, "As `list` shows it")->required();
  changing->add_option("--at", options->at, "Start then")->type_name("TIME");
  changing->add_option("--by", options->by, "Be done by then")->type_name("TIME");
  changing->add_option("--window", options->windows, "Only in these hours (repeatable)")
      ->type_name("HH:MM-HH:MM[@DAYS]")
      ->allow_extra_args(false);
  changing->add_option("--tz", options->tz, "Zone of these times, or 'here'; default: the place's")
      ->type_name("ZONE");
  changing->add_option("--name", options->name, "Name of the file")->type_name("NAME");
  changing->add_option("--folder", options->folder, "Folder in my files")->type_name("PATH");
  changing->add_option("--limit-rate", options->limit_rate, "Bytes a second, such as 500k")
      ->type_name("SIZE");
  changing->add_option("--to", options->to, "Move it to that place, as it is")->type_name("PLACE");
  changing->callback([&context, options, changing] {
    context.run = [&context, options, changing] { return change(context, *changing, *options); };
  });

  auto link = std::make_shared<std::string>();
  auto* refreshing = app.add_subcommand("refresh", "Go on with the same content under a new link");
  refreshing->add_option("ID", *id, "As `list` shows it")->required();
  refreshing->add_option("URL", *link, "The new link, http or https")->required();
  refreshing->callback(
      [&context, id, link] { context.run = [&context, id, link] { return refresh(context, *id, *link); }; });
}

}  // namespace restante::cli
