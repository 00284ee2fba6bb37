// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "context.hpp"
#include "proxy/zone.hpp"
#include "request/json.hpp"
#include "secret.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <boost/json/serialize.hpp>

#include <memory>

namespace restante::cli {
namespace {

namespace json = request::json;

struct LinkOptions {
  std::string name, expires;
  bool folder = false, password = false, password_stdin = false, login = false;
  std::int64_t count = 0;
};

/// "never": until it is revoked. Else a time as everywhere, on the place's clocks.
Result<json::bj::value> end_of(const std::string& text, const request::Zones& zones) {
  if (text == "never") return json::bj::value(nullptr);
  const auto at = proxy::parse_person_time(text, zones.place, SystemClock().now());
  if (!at) return fail(at.error());
  return json::bj::value(json::bj::string(to_rfc3339(*at)));
}

Result<json::bj::object> wanted(const Context& context, Session& session, const LinkOptions& options) {
  json::bj::object body;
  if (options.folder) {
    body["folder"] = options.name;
  } else {
    auto file = session.calls().file(options.name);
    if (!file) return fail(std::move(file.error()));
    body["file"] = file->id;
  }
  if (!options.expires.empty()) {
    auto end = end_of(options.expires, session.zones());
    if (!end) return fail(std::move(end.error()));
    body["expires"] = std::move(*end);
  }
  if (options.login) body["login"] = true;
  if (options.count > 0) body["count"] = options.count;
  if (options.password || options.password_stdin) {
    if (!options.password_stdin && !context.stdin_terminal)
      return fail(Reason::usage, "there is no terminal to ask for the password",
                  "use --password-stdin and write it as one line");
    auto password = options.password_stdin ? read_secret_line() : ask_secret("Password of the link: ");
    if (!password) return fail(std::move(password.error()));
    body["password"] = *password;
  }
  return body;
}

/// The address is the only line on stdout: it is shown this once.
int make(const Context& context, const LinkOptions& options) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  const auto body = wanted(context, **session, options);
  if (!body) return context.refuse(body.error());
  const auto answer = call(**session, "POST", "/v1/links", json::bj::serialize(*body));
  if (!answer) return context.refuse(answer.error());
  const auto made = json::parse_object(*answer, "the place's answer");
  if (!made) return context.refuse(made.error());
  context.result(context.json ? json::bj::serialize(*made) : json::text(*made, "url"));
  if (const auto lan = json::text(*made, "lan_url"); !lan.empty()) context.note("in its own network: " + lan);
  const auto expires = json::text(*made, "expires");
  context.note(expires.empty()
                   ? "it holds until you revoke it, or the file is deleted; it is not shown again"
                   : "until " + request::time_words(expires, (*session)->zones(), request::Both::yes) +
                         "; it is not shown again");
  return exit_done;
}

Result<std::vector<json::bj::object>> links_of(Session& session) {
  const auto answer = call(session, "GET", "/v1/links");
  if (!answer) return fail(answer.error());
  const auto list = json::parse(*answer, "the place's answer");
  if (!list) return fail(list.error());
  std::vector<json::bj::object> out;
  if (const auto* array = list->if_array())
    for (const auto& one : *array)
      if (const auto* object = one.if_object()) out.push_back(*object);
  return out;
}

std::string link_line(const json::bj::object& link, const request::Zones& zones) {
  std::string out = json::text(link, "id").substr(0, 8) + "  " + request::shown(json::text(link, "name"));
  if (link.contains("folder")) out += "/";
  const auto expires = json::text(link, "expires");
  out += expires.empty() ? "  until revoked"
                         : "  until " + request::time_words(expires, zones, request::Both::no);
  if (json::truth(link, "password")) out += "  password";
  if (json::truth(link, "login")) out += "  login";
  const auto uses = std::to_string(json::number(link, "uses").value_or(0));
  if (const auto count = json::number(link, "count"))
    out += "  opened " + uses + " of " + std::to_string(*count) + " times";
  return out;
}

int list(const Context& context) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  const auto all = links_of(**session);
  if (!all) return context.refuse(all.error());
  for (const auto& one : *all)
    context.result(context.json ? json::bj::serialize(one) : link_line(one, (*session)->zones()));
  return exit_done;
}

int revoke(const Context& context, const std::string& id) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  const auto all = links_of(**session);
  if (!all) return context.refuse(all.error());
  std::vector<std::string> found;
  for (const auto& one : *all)
    if (const auto full = json::text(one, "id"); id.size() >= 4 && full.starts_with(id))
      found.push_back(full);
  if (found.empty())
    return context.refuse(
        fail(Reason::not_found, "there is no link " + id, "`restante links` shows them").value());
  if (found.size() > 1)
    return context.refuse(
        fail(Reason::usage, "several links begin with " + id, "give more digits of the id").value());
  const auto done = call(**session, "DELETE", "/v1/links/" + found[0]);
  if (!done) return context.refuse(done.error());
  context.note("revoked: nobody gets anything by it any more");
  return exit_done;
}

}  // namespace

void add_link_commands(CLI::App& app, Context& context) {
  auto options = std::make_shared<LinkOptions>();
  auto* making = app.add_subcommand("link", "Make a link to a file or folder, for whoever gets it");
  making->add_option("NAME", options->name, "Exact name or id of a file; with --folder a folder")->required();
  making->add_flag("--folder", options->folder, "NAME is a folder: what lies in it");
  making->add_option("--expires", options->expires, "When it ends, or never; default: with the file")
      ->type_name("TIME");
  making->add_flag("--password", options->password, "Ask for a password that its page wants");
  making->add_flag("--password-stdin", options->password_stdin, "The password is the first line of stdin");
  making->add_flag("--login", options->login, "Its page asks for your name and password");
  making->add_option("--count", options->count, "How often it can be opened")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
  making->callback(
      [&context, options] { context.run = [&context, options] { return make(context, *options); }; });

  auto id = std::make_shared<std::string>();
  auto* links = app.add_subcommand("links", "My links, without their addresses");
  links->require_subcommand(0, 1);
  links->callback([&context, links] {
    if (links->get_subcommands().empty()) context.run = [&context] { return list(context); };
  });
  auto* revoking = links->add_subcommand("revoke", "End a link, at once");
  revoking->add_option("ID", *id, "Its id, or how it begins")->required();
  revoking->callback([&context, id] { context.run = [&context, id] { return revoke(context, *id); }; });
}

}  // namespace restante::cli
