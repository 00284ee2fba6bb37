// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "context.hpp"
#include "request/json.hpp"
#include "secret.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/serialize.hpp>

namespace restante::cli {
namespace {

namespace json = request::json;

struct Contact {
  std::string id, kind, address, error;
  bool confirmed = false, disabled = false;
  std::string json;
};

Contact contact_from(const json::bj::object& from) {
  Contact out;
  out.id = json::text(from, "id");
  out.kind = json::text(from, "kind");
  out.address = json::text(from, "address");
  out.error = json::text(from, "error");
  out.confirmed = json::truth(from, "confirmed");
  out.disabled = json::truth(from, "disabled");
  out.json = boost::json::serialize(from);
  return out;
}

Result<std::vector<Contact>> contacts(Session& session) {
  auto answer = call(session, "GET", "/v1/contacts");
  if (!answer) return fail(std::move(answer.error()));
  auto object = json::parse_object(*answer, "the list of contacts");
  if (!object) return fail(std::move(object.error()));
  std::vector<Contact> out;
  if (const auto* list = json::array(*object, "contacts"))
    for (const auto& one : *list)
      if (one.is_object()) out.push_back(contact_from(one.get_object()));
  return out;
}

/// By address, or by id. Error not-found.
Result<Contact> contact(Session& session, const std::string& wanted) {
  auto all = contacts(session);
  if (!all) return fail(std::move(all.error()));
  for (auto& one : *all)
    if (iequals(one.address, wanted) || one.id == wanted) return std::move(one);
  return fail(Reason::not_found, "there is no contact " + wanted, "`restante notify list` shows them");
}

std::string line_of(const Contact& one) {
  std::string line = one.kind + "  " + request::shown(one.address);
  if (one.disabled) line += "  (gone: told nothing)";
  if (!one.confirmed) line += "  (not confirmed yet)";
  if (!one.error.empty()) line += "  last: " + request::shown(one.error);
  return line;
}

std::string kind_of(const std::string& address, bool ntfy) {
  if (address.find("://") == std::string::npos) return "mail";
  return ntfy ? "ntfy" : "webhook";
}

std::string what_next(const std::string& kind, const std::string& address) {
  if (kind == "mail")
    return "a mail with a link goes to " + address + ", once an hour at most; open it and press the button";
  if (kind == "ntfy")
    return "a number is told in the topic; then: restante notify confirm " + address + " NUMBER";
  return "a signed test delivery goes out; once it is answered with 2xx, `restante notify list` says so";
}

struct Adding {
  std::string address;
  bool ntfy = false, secret_stdin = false;
};

int add_contact(const Context& context, const Adding& adding) {
  json::bj::object body{{"kind", kind_of(adding.address, adding.ntfy)}, {"address", adding.address}};
  if (adding.secret_stdin) {
    auto secret = read_secret_line();
    if (!secret) return context.refuse(secret.error());
    body["secret"] = *secret;
  }
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto answer = call(**session, "POST", "/v1/contacts", boost::json::serialize(body));
  if (!answer) return context.refuse(answer.error());
  auto object = json::parse_object(*answer, "the contact");
  if (!object) return context.refuse(object.error());
  const Contact added = contact_from(*object);
  context.result(context.json ? added.json : line_of(added));
  const std::string secret = json::text(*object, "secret");
  if (!secret.empty() && !context.json) context.result("signing key (shown once): " + secret);
  if (!added.confirmed) context.note(what_next(added.kind, request::shown(added.address)));
  return exit_done;
}

int list(const Context& context) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto all = contacts(**session);
  if (!all) return context.refuse(all.error());
  for (const auto& one : *all) context.result(context.json ? one.json : line_of(one));
  return exit_done;
}

int remove(const Context& context, const std::string& address) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto found = contact(**session, address);
  if (!found) return context.refuse(found.error());
  auto done = call(**session, "DELETE", "/v1/contacts/" + found->id);
  if (!done) return context.refuse(done.error());
  context.note(request::shown(found->address) + " is told nothing any more");
  return exit_done;
}

int test(const Context& context, const std::string& address) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  std::vector<Contact> told;
  if (!address.empty()) {
    auto found = contact(**session, address);
    if (!found) return context.refuse(found.error());
    told.push_back(std::move(*found));
  } else {
    auto all = contacts(**session);
    if (!all) return context.refuse(all.error());
    for (auto& one : *all)
      if (one.confirmed) told.push_back(std::move(one));
  }
  if (told.empty())
    return context.refuse(
        fail(Reason::not_found, "there is nobody to tell", "`restante notify add ADDRESS`, then confirm it")
            .value());
  for (const auto& one : told) {
    auto done = call(**session, "POST", "/v1/contacts/" + one.id + ":test", "{}");
    if (!done) return context.refuse(done.error());
    context.result(context.json ? one.json : "on its way to " + request::shown(one.address));
  }
  return exit_done;
}

int rotate(const Context& context, const std::string& address) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto found = contact(**session, address);
  if (!found) return context.refuse(found.error());
  auto done = call(**session, "POST", "/v1/contacts/" + found->id + ":rotate", "{}");
  if (!done) return context.refuse(done.error());
  auto object = json::parse_object(*done, "the contact");
  if (!object) return context.refuse(object.error());
  context.result(context.json ? contact_from(*object).json
                              : "signing key (shown once): " + json::text(*object, "secret"));
  context.note("the key before signs as well for 24 hours");
  return exit_done;
}

int confirm(const Context& context, const std::string& address, const std::string& number) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto found = contact(**session, address);
  if (!found) return context.refuse(found.error());
  const json::bj::object body{{"code", number}};
  auto done = call(**session, "POST", "/v1/contacts/" + found->id + ":confirm", boost::json::serialize(body));
  if (!done) return context.refuse(done.error());
  auto object = json::parse_object(*done, "the contact");
  if (!object) return context.refuse(object.error());
  const Contact confirmed = contact_from(*object);
  context.result(context.json ? confirmed.json : line_of(confirmed));
  return exit_done;
}

}  // namespace

void add_notify_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("notify", "Where you are told that a download is here");
  group->require_subcommand(1);
  auto adding = std::make_shared<Adding>();
  auto* add =
      group->add_subcommand("add", "Add a mail address, a webhook or a topic; it is asked to confirm");
  add->add_option("ADDRESS", adding->address, "name@host, or a URL")->required();
  add->add_flag("--ntfy", adding->ntfy, "The URL is a topic of an ntfy server, not a webhook");
  add->add_flag("--secret-stdin", adding->secret_stdin,
                "Read a webhook's signing key or a topic's access token from stdin");
  add->callback(
      [&context, adding] { context.run = [&context, adding] { return add_contact(context, *adding); }; });
  group->add_subcommand("list", "Where you are told, and what went wrong last")->callback([&context] {
    context.run = [&context] { return list(context); };
  });
  auto address = std::make_shared<std::string>();
  auto number = std::make_shared<std::string>();
  auto* removing = group->add_subcommand("remove", "Tell nothing there any more");
  removing->add_option("ADDRESS", *address, "Its address or id")->required();
  removing->callback(
      [&context, address] { context.run = [&context, address] { return remove(context, *address); }; });
  auto* confirming = group->add_subcommand("confirm", "Confirm a topic by the number that was told in it");
  confirming->add_option("ADDRESS", *address, "Its address or id")->required();
  confirming->add_option("NUMBER", *number, "Eight digits")->required();
  confirming->callback([&context, address, number] {
    context.run = [&context, address, number] { return confirm(context, *address, *number); };
  });
  auto* rotating = group->add_subcommand("rotate", "Give a webhook another signing key, shown once");
  rotating->add_option("ADDRESS", *address, "Its address or id")->required();
  rotating->callback(
      [&context, address] { context.run = [&context, address] { return rotate(context, *address); }; });
  auto* testing = group->add_subcommand("test", "Send a test message, to all confirmed contacts or to one");
  testing->add_option("ADDRESS", *address, "Its address or id");
  testing->callback(
      [&context, address] { context.run = [&context, address] { return test(context, *address); }; });
}

}  // namespace restante::cli
