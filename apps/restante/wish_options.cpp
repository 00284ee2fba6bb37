// SPDX-License-Identifier: Apache-2.0
#include "wish_options.hpp"

#include "base/text.hpp"
#include "request/cookies.hpp"
#include "request/logins.hpp"
#include "request/presets.hpp"
#include "secret.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>

namespace restante::cli {
namespace {

constexpr std::uintmax_t cookies_limit = 4u << 20;

}  // namespace

Result<void> read_secrets(const Context& context, WishOptions& options) {
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

Result<void> apply_preset(CLI::App& command, WishOptions& options) {
  if (options.preset.empty()) return {};
  auto home = request::Home::open();
  if (!home) return fail(std::move(home.error()));
  auto preset = request::find_preset(*home, options.preset);
  if (!preset) return fail(std::move(preset.error()));
  for (const auto& [name, values] : preset->options) {
    CLI::Option* option = command.get_option_no_throw("--" + name);
    // What a later version keeps is not for this one; what was given wins.
    if (option == nullptr || option->count() > 0) continue;
    for (const std::string& value : values) option->add_result(value);
    option->run_callback();
  }
  for (std::string& url : options.urls) {
    auto whole = request::url_with(*preset, url);
    if (!whole) return fail(std::move(whole.error()));
    url = std::move(*whole);
  }
  return {};
}

Result<void> check_wish(const WishOptions& options) {
  if (options.urls.size() < 2) return {};
  const char* single = !options.wish.name.empty()        ? "--name"
                       : !options.wish.checksums.empty() ? "--checksum"
                       : !options.wish.mirrors.empty()   ? "--mirror"
                                                         : nullptr;
  if (single == nullptr) return {};
  return fail(Reason::usage, std::string(single) + " belongs to one URL, and there are several",
              "send them one by one");
}

Result<Composed> compose_one(const WishOptions& options, const std::string& url, const request::Place& place,
                             Instant now, bool lean) {
  request::Wish wish = options.wish;
  wish.url = url;
  auto document = request::compose(wish, place, now);
  if (!document) return fail(std::move(document.error()));
  Composed out;
  out.id = document->id;
  out.exp = document->exp;
  out.shown = url_for_logs(document->files[0].sources[0].url);
  out.start = document->when.start;
  out.name = document->files[0].name;
  if (out.name.empty()) {
    const std::string path = out.shown.substr(0, out.shown.find('?'));
    out.name = path.substr(path.rfind('/') + 1);
  }
  for (const proxy::Credential& one : document->access)
    if (one.id.starts_with(request::login_id)) out.logins.push_back(request::login_name(one));
  if (lean) {
    document->iss_jkt.clear();
    document->iss_account.clear();
    for (proxy::Recipient& one : document->aud) one.url.clear();
    auto& sources = document->files[0].sources;
    if (sources.size() == 1) sources[0].priority = proxy::Source().priority;
  }
  out.core = proxy::to_json(*document);
  return out;
}

void add_wish_options(CLI::App& command, WishOptions& options) {
  request::Wish& wish = options.wish;
  command.add_option("--preset", options.preset, "Settings that were saved under that name")
      ->type_name("NAME");
  const auto many = [](CLI::Option* option) { option->allow_extra_args(false); };
  command.add_option("--to", options.to, "Which place, or 'trip'; default: the first one")
      ->type_name("PLACE");
  command.add_option("--at", wish.at, "Start then")->type_name("TIME");
  command.add_option("--by", wish.by, "Be done by then")->type_name("TIME");
  many(command.add_option("--window", wish.windows, "Only in these hours (repeatable)")
           ->type_name("HH:MM-HH:MM[@DAYS]"));
  command.add_option("--every", wish.every, "Again and again: day, week, month, mo,we,fr or an RRULE")
      ->type_name("RRULE");
  command.add_option("--tz", wish.tz, "Zone of these times, or 'here'; default: the place's")
      ->type_name("ZONE");
  command.add_option("--name", wish.name, "Name of the file; default: the server's")->type_name("NAME");
  command.add_option("--folder", wish.folder, "Folder in my files")->type_name("PATH");
  many(command.add_option("--checksum", wish.checksums, "What the bytes must be, as sha-256=HEX")
           ->type_name("ALGO=HEX"));
  many(command.add_option("--mirror", wish.mirrors, "Another URL of the same file (repeatable)")
           ->type_name("URL"));
  many(command.add_option("--header", wish.headers, "A request header (repeatable)")->type_name("'N: V'"));
  command.add_option("--referer", wish.referer, "The page that leads there")->type_name("URL");
  command.add_option("--user", wish.user, "User name at the content server")->type_name("USER");
  command.add_flag("--secret-stdin", options.secret_stdin,
                   "The first line of stdin is the password; without --user a bearer token");
  command.add_option("--host-key", wish.host_key, "Fingerprint of the SFTP server's key")
      ->type_name("SHA256:...");
  command.add_flag("--digest", wish.digest, "Sign in by Digest only: the password itself is never sent");
  command.add_option("--cert", options.certificate_path, "Client certificate with its chain (PEM)")
      ->type_name("FILE");
  command.add_option("--key", options.key_path, "Its private key (PEM); '-' reads it from stdin")
      ->type_name("FILE");
  command.add_option("--cookies", options.cookies_path, "Cookies in Netscape format (cookies.txt)")
      ->type_name("FILE");
  command.add_option("--limit-rate", wish.limit_rate, "Bytes a second, such as 500k")->type_name("SIZE");
  command.add_option("--max-size", wish.max_size, "Refuse anything larger, such as 2G")->type_name("SIZE");
  command.add_option("--max-attempts", wish.max_attempts, "1 = no retry")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command.add_flag("--allow-empty", wish.allow_empty, "An empty file is right");
  command.add_flag("--no-probe", options.no_probe, "No look first: for links that work only once");
  command.add_option("--keep", wish.keep, "Keep it at the place so long, such as 14d")->type_name("DURATION");
}

void refuse_empty_values(CLI::App& command) {
  const CLI::Validator not_empty(
      [](std::string& value) {
        return value.empty() ? std::string("the value is empty; leave the option out instead")
                             : std::string();
      },
      std::string());
  for (CLI::Option* option : command.get_options())
    if (!option->get_positional() && option->get_items_expected_max() > 0) option->check(not_empty);
}

}  // namespace restante::cli
