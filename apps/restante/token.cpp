// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "context.hpp"
#include "request/json.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/serialize.hpp>

#include <memory>
#include <vector>

namespace restante::cli {
namespace {

namespace json = request::json;

struct Token {
  std::string id, kind, label, created, last_seen, json;
};

/// A call with a JSON object as its answer; an empty one where there is none.
Result<json::bj::object> object_of(Session& session, const std::string& method, const std::string& path,
                                   const std::string& body = {}) {
  auto answer = call(session, method, path, body);
  if (!answer) return fail(std::move(answer.error()));
  if (answer->empty()) return json::bj::object();
  return json::parse_object(*answer, "the place's answer");
}

Result<std::vector<Token>> tokens(Session& session) {
  auto answer = object_of(session, "GET", "/v1/tokens");
  if (!answer) return fail(std::move(answer.error()));
  std::vector<Token> out;
  const auto* list = json::array(*answer, "tokens");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto* one = (*list)[i].if_object();
    if (one == nullptr) continue;
    out.push_back({json::text(*one, "id"), json::text(*one, "kind"), json::text(*one, "label"),
                   json::text(*one, "created"), json::text(*one, "last_seen"), json::bj::serialize(*one)});
  }
  return out;
}

/// The secret is the only line on stdout: it is shown this once.
int add(const Context& context, const std::string& label, bool submit_only) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  const json::bj::object body{{"kind", submit_only ? "submit" : "app-password"}, {"label", label}};
  auto made = object_of(**session, "POST", "/v1/tokens", json::bj::serialize(body));
  if (!made) return context.refuse(made.error());
  context.result(context.json ? json::bj::serialize(*made) : json::text(*made, "token"));
  context.note(submit_only ? "it may hand in requests and read nothing; it is not shown again"
                           : "for programs, with the name " + request::shown(json::text(*made, "user")) +
                                 "; it is not shown again");
  return exit_done;
}

int list(const Context& context) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto all = tokens(**session);
  if (!all) return context.refuse(all.error());
  const auto& zones = (*session)->zones();
  for (const auto& one : *all)
    context.result(context.json
                       ? one.json
                       : one.id.substr(0, 8) + "  " + request::shown(one.label) + "  " + one.kind +
                             "  since " + request::time_words(one.created, zones, request::Both::no) +
                             "  last seen " + request::time_words(one.last_seen, zones, request::Both::no));
  return exit_done;
}

int revoke(const Context& context, const std::string& name) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto all = tokens(**session);
  if (!all) return context.refuse(all.error());
  std::vector<Token> found;
  for (const auto& one : *all)
    if (one.id == name || one.label == name || (name.size() >= 8 && one.id.starts_with(name)))
      found.push_back(one);
  if (found.empty())
    return context.refuse(
        fail(Reason::not_found, "no token is called " + name, "`restante token list` shows them").value());
  if (found.size() > 1)
    return context.refuse(
        fail(Reason::usage, "several tokens are called " + name, "give the id from `restante token list`")
            .value());
  auto done = object_of(**session, "DELETE", "/v1/tokens/" + found[0].id);
  if (!done) return context.refuse(done.error());
  context.note(request::shown(found[0].label) + " is no longer valid");
  return exit_done;
}

}  // namespace

void add_token_commands(CLI::App& app, Context& context) {
  auto* token = app.add_subcommand("token", "What your programs show instead of a password");
  token->require_subcommand(1);
  auto label = std::make_shared<std::string>();
  auto submit_only = std::make_shared<bool>(false);
  auto* making = token->add_subcommand("new", "Make an app password; it is shown once");
  making->add_option("LABEL", *label, "What it is for")->required();
  making->add_flag("--submit-only", *submit_only, "It may hand in requests, and read nothing");
  making->callback([&context, label, submit_only] {
    context.run = [&context, label, submit_only] { return add(context, *label, *submit_only); };
  });
  token->add_subcommand("list", "The tokens, without their secrets")->callback([&context] {
    context.run = [&context] { return list(context); };
  });
  auto name = std::make_shared<std::string>();
  auto* revoking = token->add_subcommand("revoke", "End a token at once");
  revoking->add_option("NAME", *name, "Its label or id")->required();
  revoking->callback([&context, name] { context.run = [&context, name] { return revoke(context, *name); }; });
}

}  // namespace restante::cli
