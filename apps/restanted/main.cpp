// SPDX-License-Identifier: Apache-2.0
#include "api/json_views.hpp"
#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/own_memory.hpp"
#include "base/text.hpp"
#include "client.hpp"
#include "config.hpp"
#include "data_dir.hpp"
#include "installation.hpp"
#include "output.hpp"
#include "proxy/stay_time.hpp"
#include "proxy/zone.hpp"
#include "receive.hpp"
#include "serve.hpp"
#include "terminal.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <unistd.h>
#include <utility>

// restanted: the place. Reads its configuration, wires the parts, runs, stops; and the operator's commands.
namespace restante::daemon {
namespace {

struct Options {
  std::string config_file, data;
  bool json = false;
  std::vector<std::string> listen;
  std::string name, role, quota, file, lan_word;
  std::string from, until, label, traffic, rate;
  bool lan = false, secret_stdin = false;
};

Result<Config> read_config(const Options& options, const std::string& dir) {
  std::string file = options.config_file;
  if (file.empty()) {
    const auto found = find_config(dir);
    file = found.file;
    if (!found.other.empty())
      std::cerr << "restanted: " << found.file << " is read, and not " << found.other << '\n';
  }
  Result<Config> config = file.empty() ? Result<Config>(Config{}) : load_config(file);
  if (!config || options.listen.empty()) return config;
  config->listen.clear();
  for (const auto& text : options.listen) {
    auto address = parse_listen(text);
    if (!address) return fail(address.error());
    config->listen.push_back(*address);
  }
  return config;
}

Result<std::string> secret(const Options& options, std::string_view prompt, bool repeated) {
  auto text = read_secret(prompt, repeated);
  if (text && text->empty() && options.secret_stdin)
    return fail(Reason::usage, "there is no first line on stdin",
                "give the password as the first line of stdin");
  return text;
}

Result<boost::json::object> change_arguments(const Options& options) {
  boost::json::object arguments{{"name", options.name}};
  if (!options.role.empty()) arguments["role"] = options.role;
  for (const auto& [member, text] :
       {std::pair{"quota_bytes", options.quota}, std::pair{"traffic_bytes", options.traffic},
        std::pair{"rate_bytes_per_s", options.rate}}) {
    if (text == "none") arguments[member] = nullptr;
    if (text == "none" || text.empty()) continue;
    const auto bytes = parse_size(text);
    if (!bytes || (*bytes == 0 && text == options.rate))
      return fail(Reason::usage, text + " is not a size", "write for example 20G, or none");
    arguments[member] = static_cast<std::int64_t>(*bytes);
  }
  if (!options.lan_word.empty()) arguments["lan"] = options.lan_word == "yes";
  if (arguments.size() == 1)
    return fail(Reason::usage, "nothing is to be changed",
                "give --role, --quota, --traffic, --rate or --lan");
  return arguments;
}

Result<boost::json::object> user_arguments(const Options& options) {
  boost::json::object arguments{
      {"name", options.name}, {"role", options.role.empty() ? "user" : options.role}, {"lan", options.lan}};
  if (!options.quota.empty()) {
    const auto bytes = parse_size(options.quota);
    if (!bytes) return fail(Reason::usage, options.quota + " is not a size", "write for example --quota 20G");
    arguments["quota_bytes"] = static_cast<std::int64_t>(*bytes);
  }
  if (!options.traffic.empty()) {
    const auto bytes = parse_size(options.traffic);
    if (!bytes)
      return fail(Reason::usage, options.traffic + " is not a size", "write for example --traffic 100G");
    arguments["traffic_bytes"] = static_cast<std::int64_t>(*bytes);
  }
  if (!options.rate.empty()) {
    const auto bytes = parse_size(options.rate);
    if (!bytes || *bytes == 0)
      return fail(Reason::usage, options.rate + " is not a rate", "write for example --rate 2M");
    arguments["rate_bytes_per_s"] = static_cast<std::int64_t>(*bytes);
  }
  auto password = secret(options, "password of " + options.name, true);
  if (!password) return fail(password.error());
  arguments["password"] = *password;
  wipe(*password);
  return arguments;
}

Result<boost::json::object> invitation_arguments(const Options& options, const Config& config) {
  const std::string zone = config.time_zone.empty() ? proxy::system_zone() : config.time_zone;
  const Instant now = SystemClock().now();
  const std::string begin = options.from.empty() ? "now" : options.from;
  auto from = proxy::parse_stay_time(begin, zone, now, proxy::StayEdge::from);
  if (!from) return fail(from.error());
  auto until = proxy::parse_stay_time(options.until, zone, now, proxy::StayEdge::until);
  if (!until) return fail(until.error());
  boost::json::object arguments{{"from", to_rfc3339(*from)}, {"until", to_rfc3339(*until)}};
  if (!options.label.empty()) arguments["label"] = options.label;
  for (const auto& [member, text] :
       {std::pair{"quota_bytes", options.quota}, std::pair{"traffic_bytes", options.traffic}}) {
    if (text.empty()) continue;
    const auto bytes = parse_size(text);
    if (!bytes) return fail(Reason::usage, text + " is not a size", "write for example 20G");
    arguments[member] = static_cast<std::int64_t>(*bytes);
  }
  return arguments;
}

/// Runs one subcommand; the results are printed.
Result<void> run(const CLI::App& app, const Options& options, const std::string& dir,
                 const Result<Config>& config) {
  log::start("restanted", app.got_subcommand("serve") ? config->log_level.c_str() : "warn");
  const Output output{options.json};
  const auto administered = [&](const std::string& command, const boost::json::object& arguments) {
    return output.print(command, administer(*config, dir, command, arguments));
  };

  if (app.got_subcommand("serve")) return serve(*config, dir);
  if (app.got_subcommand("invite")) {
    auto arguments = invitation_arguments(options, *config);
    if (!arguments) return fail(arguments.error());
    return administered("invite", *arguments);
  }
  if (app.got_subcommand("setup")) return administered("setup", {});
  if (app.got_subcommand("pair")) return administered("pair", {{"name", options.name}});
  if (app.got_subcommand("receive")) return receive(*config, dir, output);
  if (app.got_subcommand("keys")) return administered("keys-rotate", {});
  if (app.got_subcommand("check")) return administered("check", {});
  if (app.got_subcommand("backup") || app.got_subcommand("restore")) {
    const bool saving = app.got_subcommand("backup");
    auto passphrase = secret(options, "passphrase of the backup", saving);
    if (!passphrase) return fail(passphrase.error());
    if (saving) return backup(*config, dir, options.file, *passphrase);
    auto held = restore(*config, dir, options.file, *passphrase);
    if (!held) return fail(held.error());
    output.print_restored(dir, *held);
    return {};
  }
  const CLI::App& user = *app.get_subcommand("user");
  if (user.got_subcommand("list")) return administered("user-list", {});
  if (user.got_subcommand("remove")) return administered("user-remove", {{"name", options.name}});
  if (user.got_subcommand("change")) {
    auto arguments = change_arguments(options);
    if (!arguments) return fail(arguments.error());
    return administered("user-change", *arguments);
  }
  if (user.got_subcommand("passwd")) {
    auto password = secret(options, "new password of " + options.name, true);
    if (!password) return fail(password.error());
    return administered("user-passwd", {{"name", options.name}, {"password", *password}});
  }
  auto arguments = user_arguments(options);
  if (!arguments) return fail(arguments.error());
  return administered("user-add", *arguments);
}

void describe(CLI::App& app, Options& options) {
  app.set_version_flag("--version", std::string("restanted " RESTANTE_VERSION));
  app.add_option("--config", options.config_file,
                 "configuration (TOML); default: /etc/restante/restante.toml for /var/lib/restante, else "
                 "restante.toml in the data folder")
      ->option_text("FILE");
  app.add_option(
         "--data", options.data,
         "data folder; default: $RESTANTE_DATA, /var/lib/restante for root, else ~/.local/share/restante")
      ->option_text("DIR");
  app.add_flag("--json", options.json, "results as JSON, one object a line");
  app.require_subcommand(1);
  app.fallthrough();
  const auto add = [](CLI::App& to, const char* name, const char* words) {
    auto* command = to.add_subcommand(name, words);
    command->fallthrough();
    return command;
  };
  auto* serve_command = add(app, "serve", "run the place: take requests, download, keep, hand over");
  serve_command
      ->add_option("--listen", options.listen,
                   "where to listen; may be given several times; default 127.0.0.1:8470")
      ->option_text("ADDR:PORT")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);

  auto* user = add(app, "user", "people who may use this place");
  user->require_subcommand(1);
  const auto with_name = [&](CLI::App* command) {
    command->add_option("NAME", options.name, "name of the user")->required();
    return command;
  };
  const auto with_secret = [&](CLI::App* command) {
    command->add_flag("--password-stdin", options.secret_stdin, "the password is the first line of stdin");
  };
  auto* add_user = with_name(add(*user, "add", "add a user; the password is the first line of stdin"));
  add_user->add_option("--role", options.role, "what the user may do")
      ->check(CLI::IsMember({"admin", "user", "guest"}));
  add_user->add_option("--quota", options.quota, "how much the user may keep, such as 20G")
      ->option_text("SIZE");
  add_user
      ->add_option("--traffic", options.traffic,
                   "how much may be fetched and served in a calendar month, such as 100G")
      ->option_text("SIZE");
  add_user
      ->add_option("--rate", options.rate, "how fast all downloads of the user together may be, a second: 2M")
      ->option_text("SIZE");
  add_user->add_flag("--lan", options.lan, "downloads may come from private addresses");
  with_secret(add_user);
  add(*user, "list", "show all users");
  auto* change = with_name(add(*user, "change", "change what a user may do; in effect at once"));
  change->add_option("--role", options.role, "what the user may do")
      ->check(CLI::IsMember({"admin", "user", "guest"}));
  change->add_option("--quota", options.quota, "how much the user may keep, such as 20G; none: no limit")
      ->option_text("SIZE|none");
  change
      ->add_option("--traffic", options.traffic,
                   "how much may be fetched and served in a calendar month, such as 100G; none: no limit")
      ->option_text("SIZE|none");
  change
      ->add_option("--rate", options.rate,
                   "how fast all downloads of the user together may be, a second: 2M; none: no limit")
      ->option_text("SIZE|none");
  change->add_option("--lan", options.lan_word, "whether downloads may come from private addresses")
      ->check(CLI::IsMember({"yes", "no"}))
      ->option_text("yes|no");
  with_secret(with_name(add(*user, "passwd", "set a new password; it is the first line of stdin")));
  with_name(add(*user, "remove", "remove a user with downloads, files and devices"));

  add(app, "setup", "print a one-time URL on which the first user, an administrator, is made");
  with_name(add(app, "pair", "print a one-time URL that connects a device of the user"));
  auto* invite = add(app, "invite", "print a one-time URL for a guest, good until the stay ends");
  invite->add_option("--from", options.from, "when the stay begins: 2026-12-01, or a time; default: now")
      ->option_text("DATE");
  invite->add_option("--until", options.until, "when it ends; a day counts to its end")
      ->option_text("DATE")
      ->required();
  invite->add_option("--quota", options.quota, "how much the guest may keep, such as 20G")
      ->option_text("SIZE");
  invite->add_option("--traffic", options.traffic, "how much may be fetched and served in a month")
      ->option_text("SIZE");
  invite->add_option("--label", options.label, "what you call the guest: a room, a name; it is never logged")
      ->option_text("TEXT");
  add(app, "receive", "take in the requests of a file or a mail on stdin");
  auto* keys = add(app, "keys", "the keys that requests for this place are sealed with");
  keys->require_subcommand(1);
  add(*keys, "rotate", "make a new one at once; a new one comes each year by itself");
  add(app, "check", "look whether database, file system and configuration are sound");
  for (const char* name : {"backup", "restore"}) {
    const bool saving = std::string_view(name) == "backup";
    auto* command = add(app, name,
                        saving ? "save store, configuration and keys into one encrypted file"
                               : "put a backup back into an empty data folder");
    command->add_option("FILE", options.file, "the backup")->required();
    command->add_flag("--passphrase-stdin", options.secret_stdin,
                      "the passphrase is the first line of stdin");
  }
}

/// What is wrong with the command line; where a command is missing or unknown, which there are.
Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
  std::string command = "restanted", message = error.what(), hint;
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    command += " " + at->get_name();
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && at->get_require_subcommand_min() > 0) {
    const auto words = app.remaining(true);
    message = words.empty() ? "a command is missing" : "there is no command " + words.front();
    for (const CLI::App* one : at->get_subcommands([](const CLI::App*) { return true; }))
      hint += (hint.empty() ? "commands are " : ", ") + one->get_name();
    hint += "; ";
  }
  return fail(Reason::usage, message, hint + "see " + command + " --help").value();
}

int main_of(int count, char** words) {
  CLI::App app{"Restante: the place that downloads while you are away", "restanted"};
  Options options;
  describe(app, options);
  try {
    app.parse(count, words);
  } catch (const CLI::Success& wanted) {
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    Output{options.json}.print_error(usage_error(app, error));
    return 2;
  }
  const std::string dir = choose_data_dir(options.data);
  const auto config = read_config(options, dir);
  if (!config) {
    Output{options.json}.print_error(config.error());
    return 2;  // as on a wrong command line: the service manager does not try again
  }
  auto done = run(app, options, dir, config);
  if (done) return 0;
  Output{options.json}.print_error(done.error());
  // EX_TEMPFAIL (sysexits.h): a mail server that calls us tries again.
  if (app.got_subcommand("receive") && done.error().transient) return 75;
  return done.error().reason == Reason::usage ? 2 : 1;
}

}  // namespace
}  // namespace restante::daemon

int main(int count, char** words) {
  restante::keep_memory_to_ourselves();
  try {
    return restante::daemon::main_of(count, words);
  } catch (const std::exception& error) {
    std::cerr << "restanted: " << error.what() << '\n';
    return 1;
  }
}
