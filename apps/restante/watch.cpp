// SPDX-License-Identifier: Apache-2.0
#include "bars.hpp"
#include "base/text.hpp"
#include "context.hpp"
#include "request/follow.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <unistd.h>

namespace restante::cli {
namespace {

using request::Job;

/// One run of `watch` or `send --wait`: keeps the last known state of each download and tells changes.
class Watcher {
public:
  Watcher(const Context& context, Session& session, const Watch& watch)
      : context_(context),
        session_(session),
        watch_(watch),
        calls_(session.second_calls()),
        bars_(watch.where == Watch::Where::out ? STDOUT_FILENO : STDERR_FILENO,
              !context.json && !context.quiet &&
                  (watch.where == Watch::Where::out ? context.stdout_terminal : context.stderr_terminal)) {}

  Result<std::vector<Job>> run() {
    request::Follow follow;
    if (watch_.jobs.size() == 1) follow.job = watch_.jobs[0];
    follow.connected = [this] { return look(); };
    follow.take = [this](const request::Update& update) { return take(update); };
    follow.cut = [this](const Error& error) {
      context_.note(request::shown(error.message) + "; trying again");
    };
    auto done = request::follow(session_.calls(), follow);
    bars_.clear();
    if (fault_) return fail(std::move(*fault_));
    if (!done) return fail(std::move(done.error()));
    std::vector<Job> out;
    for (const std::string& id : order_) out.push_back(std::move(jobs_[id]));
    return out;
  }

private:
  bool over(const Job& job) const {
    // Without an id the watch is over when nothing moves by itself any more.
    const bool all = watch_.jobs.empty();
    return job.ended() || (job.state == "held" && (all || watch_.stop_at_held)) ||
           (job.state == "paused" && all);
  }

  bool more_to_come() const {
    return std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& one) { return !over(one.second); });
  }

  /// Asks for the present state: at the beginning, and after every cut.
  bool look() {
    if (watch_.jobs.empty()) {
      auto done = calls_->jobs({"scheduled", "waiting", "running", "verifying", "publishing"}, [&](Job job) {
        learn(std::move(job));
        return true;
      });
      if (!done) return stop(std::move(done.error()));
      // What is no longer among the live ones has ended while nobody looked.
      for (const std::string& id : std::vector<std::string>(order_))
        if (!over(jobs_[id]) && !refresh(id)) return false;
      return more_to_come();
    }
    for (const std::string& id : watch_.jobs)
      if (!refresh(id)) return false;
    return more_to_come();
  }

  bool refresh(const std::string& id) {
    auto detail = calls_->job(id);
    if (!detail) return stop(std::move(detail.error()));
    learn(std::move(detail->job));
    return true;
  }

  bool stop(Error error) {
    fault_ = std::move(error);
    return false;
  }

  /// A whole job, as the place tells it.
  void learn(Job job) {
    const auto found = jobs_.find(job.id);
    const bool changed = found == jobs_.end() || found->second.state != job.state;
    if (found == jobs_.end()) order_.push_back(job.id);
    const std::string id = job.id;
    jobs_[id] = std::move(job);
    if (changed) tell(id);
  }

  bool take(const request::Update& update) {
    const bool mine = watch_.jobs.empty() ||
                      std::find(watch_.jobs.begin(), watch_.jobs.end(), update.job) != watch_.jobs.end();
    if (!mine) return true;
    if (context_.json && watch_.where == Watch::Where::out) context_.result(update.json);
    if (jobs_.count(update.job) == 0 && !refresh(update.job)) return false;
    Job& job = jobs_[update.job];
    if (!update.name.empty() && update.type != "file.done") job.name = update.name;
    if (update.type == "job.progress") {
      job.received_bytes = update.received_bytes;
      if (update.size_bytes) job.size_bytes = update.size_bytes;
      job.bytes_per_s = update.bytes_per_s;
      progress(job);
    } else if (update.type == "job.state" && update.to != job.state) {
      job.state = update.to;
      job.reason = update.reason;
      if (over(job) && !refresh(update.job)) return false;  // with its final name, size and message
      tell(update.job);
    }
    return more_to_come();
  }

  request::Progress progress_of(const Job& job) const {
    request::Progress out{job.name, "", job.received_bytes, job.size_bytes, job.bytes_per_s};
    if (out.name.empty()) out.name = job.id.substr(0, 8);
    if (job.state != "running") out.words = request::state_words(job);
    return out;
  }

  void progress(const Job& job) {
    if (bars_.terminal()) {
      if (bars_.due()) bars_.set(job.id, progress_of(job));
      return;
    }
    constexpr auto between = std::chrono::seconds(1);
    auto& last = last_line_[job.id];
    const auto now = std::chrono::steady_clock::now();
    if (now - last < between) return;
    last = now;
    line(request::progress_line(progress_of(job)));
  }

  void tell(const std::string& id) {
    const Job& job = jobs_[id];
    if (context_.json && watch_.where == Watch::Where::out) {
      if (over(job)) context_.result(job.json);
      return;
    }
    std::string text = job.name.empty() ? id.substr(0, 8) : request::shown(job.name);
    text += ": " + request::state_words(job);
    if (job.state == "done" && job.size_bytes) text += ", " + human_size(*job.size_bytes);
    if (job.state == "failed" && !job.message.empty()) text += " (" + request::shown(job.message) + ")";
    if (!bars_.terminal()) return line(text);
    if (over(job)) {
      bars_.drop(id);
      bars_.print(text);
    } else {
      bars_.set(id, progress_of(job));
    }
  }

  void line(const std::string& text) {
    if (watch_.where == Watch::Where::err)
      context_.note(text);
    else if (!context_.json)
      context_.result(text);
  }

  const Context& context_;
  Session& session_;
  const Watch& watch_;
  std::unique_ptr<request::Calls> calls_;
  Bars bars_;
  std::map<std::string, Job> jobs_;
  std::vector<std::string> order_;
  std::map<std::string, std::chrono::steady_clock::time_point> last_line_;
  std::optional<Error> fault_;
};

int watch(const Context& context, const std::string& text) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  Watch what;
  if (!text.empty()) {
    auto id = (*session)->calls().job_id(text);
    if (!id) return context.refuse(id.error());
    what.jobs.push_back(*id);
  }
  auto jobs = watch_jobs(context, **session, what);
  if (!jobs) return context.refuse(jobs.error());
  if (jobs->empty()) context.note("nothing is under way");
  const bool good = std::all_of(jobs->begin(), jobs->end(),
                                [](const Job& job) { return job.state == "done" || job.state == "paused"; });
  return good ? exit_done : exit_failed;
}

}  // namespace

Result<std::vector<request::Job>> watch_jobs(const Context& context, Session& session, const Watch& watch) {
  return Watcher(context, session, watch).run();
}

void add_watch_command(CLI::App& app, Context& context) {
  auto id = std::make_shared<std::string>();
  auto* command = app.add_subcommand("watch", "Follow a download (or all) live until it has ended");
  command->add_option("ID", *id, "As `list` shows it; without: all that are under way");
  command->callback([&context, id] { context.run = [&context, id] { return watch(context, *id); }; });
}

}  // namespace restante::cli
