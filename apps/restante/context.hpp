// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/http_client.hpp"
#include "request/calls.hpp"
#include "request/outbox.hpp"
#include "request/place.hpp"
#include "request/state.hpp"
#include "request/trips.hpp"
#include "request/words.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace restante::cli {

/// How a command ended (DESIGN.md §4).
enum Exit { exit_done = 0, exit_failed = 1, exit_usage = 2, exit_unreached = 3, exit_unauthorised = 4 };

int exit_of(const Error& error);

/// What every command gets: the global options, the two output streams, and the way to a place.
struct Context {
  bool json = false;
  bool quiet = false;
  std::string place_name;
  bool stdin_terminal = false, stdout_terminal = false, stderr_terminal = false;
  /// Set by the chosen subcommand; main runs it after everything has been read.
  std::function<int()> run;

  /// One line of result on stdout.
  void result(const std::string& line) const;
  /// Progress and warnings on stderr; not with --quiet.
  void note(const std::string& line) const;
  /// One line on stderr, also with --quiet; for a result that stands on stdout already.
  void complain(const Error& error) const;
  /// One line on stderr, with --json also an object on stdout. Returns the exit status for it.
  int refuse(const Error& error) const;
};

/// The way to one place, made by a command that needs it.
class Session {
public:
  /// "trip" is the place of the trip under way, or of the next one. Errors: storage, not-found (no such
  /// place, no trip). Sends what waits in the outbox first.
  static Result<std::unique_ptr<Session>> open(const Context& context, const std::string& place_name = {});
  /// A place that was reached, and last asked a day ago, is asked again for its keys and mailboxes.
  ~Session();

  const request::Home& home() const { return *home_; }
  const request::Place& place() const { return place_; }
  const request::Outbox& outbox() const { return outbox_; }
  request::Calls& calls() { return calls_; }
  const request::Zones& zones() const { return zones_; }
  /// Asks the place for its keys and mailboxes. Errors: what the call says, bad-signature, storage.
  Result<void> look_again();
  /// A second connection, for a call while a stream runs on the first.
  std::unique_ptr<request::Calls> second_calls();

private:
  Session(const Context& context, std::unique_ptr<request::Home> home, request::Place place,
          request::Outbox outbox);

  const Context& context_;
  std::unique_ptr<request::Home> home_;  ///< the outbox refers to it
  request::Place place_;
  request::Outbox outbox_;
  net::HttpClient client_, second_client_;
  request::Calls calls_;
  request::Zones zones_;
};

/// A small call with a JSON body, or none; its answer, "" where there is none. Errors: what the place refuses
/// it for, unreachable.
Result<std::string> call(Session& session, const std::string& method, const std::string& path,
                         const std::string& body = {});

net::HttpClient client_for(const request::Place& place);

/// "hotel  from 2026-12-01 14:00 Europe/Paris  until 2026-12-05 10:00 Europe/Paris".
std::string trip_line(const request::Trip& trip, const std::string& zone);

enum class Flush { automatic, asked };
/// Sends what waits for this place, or leaves it at its mailbox; tells results on stderr. Returns the error
/// that ended it, if any.
std::optional<Error> flush_outbox(const Context& context, const request::Home& home,
                                  const request::Outbox& outbox, request::Calls& calls, Flush how);

/// Follows downloads until all have ended (or need a person, with `stop_at_held`), telling progress on stdout
/// or stderr. Returns the last known state of each, in order; of all that were live if `jobs` is empty.
struct Watch {
  std::vector<std::string> jobs;
  bool stop_at_held = false;
  enum class Where { out, err } where = Where::out;
};
Result<std::vector<request::Job>> watch_jobs(const Context& context, Session& session, const Watch& watch);

// One function a group of commands; main has the table.
void add_place_commands(CLI::App& app, Context& context);
void add_trip_commands(CLI::App& app, Context& context);
void add_send_command(CLI::App& app, Context& context);
void add_browse_command(CLI::App& app, Context& context);
void add_capture_commands(CLI::App& app, Context& context);
void add_login_commands(CLI::App& app, Context& context);
void add_notify_commands(CLI::App& app, Context& context);
void add_job_commands(CLI::App& app, Context& context);
void add_watch_command(CLI::App& app, Context& context);
void add_file_commands(CLI::App& app, Context& context);
void add_keeping_commands(CLI::App& app, Context& context);
void add_outbox_commands(CLI::App& app, Context& context);
void add_device_commands(CLI::App& app, Context& context);
void add_link_commands(CLI::App& app, Context& context);
void add_token_commands(CLI::App& app, Context& context);
void add_make_command(CLI::App& app, Context& context);
void add_inspect_command(CLI::App& app, Context& context);
void add_transmit_command(CLI::App& app, Context& context);
void add_mail_commands(CLI::App& app, Context& context);
void add_preset_commands(CLI::App& app, Context& context);

}  // namespace restante::cli
