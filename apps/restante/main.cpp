// SPDX-License-Identifier: Apache-2.0
#include "base/own_memory.hpp"
#include "context.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>
#include <unistd.h>

namespace {

using restante::cli::Context;

constexpr std::array groups{
    restante::cli::add_place_commands,   restante::cli::add_trip_commands,
    restante::cli::add_send_command,     restante::cli::add_browse_command,
    restante::cli::add_capture_commands, restante::cli::add_job_commands,
    restante::cli::add_watch_command,    restante::cli::add_file_commands,
    restante::cli::add_keeping_commands, restante::cli::add_outbox_commands,
    restante::cli::add_device_commands,  restante::cli::add_login_commands,
    restante::cli::add_notify_commands,  restante::cli::add_token_commands,
    restante::cli::add_link_commands,    restante::cli::add_make_command,
    restante::cli::add_inspect_command,  restante::cli::add_transmit_command,
    restante::cli::add_mail_commands,    restante::cli::add_preset_commands,
};

int parse_and_run(int argc, char** argv) {
  CLI::App app("Ask a place to download for you, and take the files home later.", "restante");
  Context context;
  context.stdin_terminal = ::isatty(STDIN_FILENO) == 1;
  context.stdout_terminal = ::isatty(STDOUT_FILENO) == 1;
  context.stderr_terminal = ::isatty(STDERR_FILENO) == 1;
  app.set_version_flag("--version", "restante " RESTANTE_VERSION);
  app.add_flag("--json", context.json, "One JSON object a line on stdout");
  app.add_flag("-q,--quiet", context.quiet, "No progress and notes on stderr");
  app.add_option("--place", context.place_name, "Which place; default: the first one")->type_name("NAME");
  app.fallthrough();
  app.require_subcommand(1);
  app.footer(
      "Times: 02:00, tomorrow 02:00, 'fri 18:00', +90s, +2d, or RFC 3339; on the place's clocks.\n"
      "Exit: 0 done, 1 refused or failed, 2 usage, 3 place unreachable, 4 not authorised.");
  for (const auto add : groups) add(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    // Options are not bound yet when reading fails.
    for (int i = 1; i < argc; ++i) context.json = context.json || std::string_view(argv[i]) == "--json";
    std::string command = "restante", message = error.what();
    for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      command += " " + at->get_name();
    }
    if (message.starts_with("A subcommand is required")) {
      const auto words = app.remaining(true);
      message = words.empty() ? "a command is missing" : "there is no command '" + words.front() + "'";
    }
    return context.refuse(
        restante::fail(restante::Reason::usage, message, "see `" + command + " --help`").value());
  }
  return context.run ? context.run() : restante::cli::exit_usage;
}

}  // namespace

int main(int argc, char** argv) {
  restante::keep_memory_to_ourselves();
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restante: %s\n", error.what());
    return restante::cli::exit_failed;
  }
}
