// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/json_writer.hpp"
#include "api/page.hpp"
#include "base/text.hpp"
#include "notify/service.hpp"
#include "notify/signing.hpp"

#include <fmt/format.h>

#include <optional>

namespace restante::api {

namespace {

using notify::Contact;
using notify::ContactId;
using Page = notify::Service::Page;

void write_contact(JsonWriter& json, const Contact& contact) {
  json.key("id").text(contact.id.text()).key("kind").text(name(contact.kind));
  json.key("address").text(contact.address).key("confirmed").yes_no(contact.confirmed.has_value());
  json.key("created").text(to_rfc3339(contact.created));
  if (contact.disabled) json.key("disabled").yes_no(true);
  if (!contact.last_error.empty()) json.key("error").text(contact.last_error);
  if (contact.last_error_at) json.key("error_at").text(to_rfc3339(*contact.last_error_at));
}

enum class Secret { hide, show };

std::string contact_json(const Contact& contact, Secret secret) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  write_contact(json, contact);
  if (secret == Secret::show && contact.kind == notify::Kind::webhook && !contact.secret.empty())
    json.key("secret").text(notify::current_webhook_secret(contact.secret));
  json.close('}');
  return out;
}

Error tells_nobody() {
  return fail(Reason::cap_denied, "this place tells nobody").value();
}

/// The contact's id in the path; anything else names nothing.
Result<ContactId> contact_of(const Call& call) {
  const auto id = ContactId::parse(call.parameters.at(0));
  if (!id) return fail(nothing_there("contact"));
  return *id;
}

http::Response no_such_page() {
  return page(404, "Nothing here",
              "<p>This link is not known here. It was used already, or its time is over, or a part of it is "
              "missing.</p>");
}

std::string question(Page which, const notify::ShownContact& shown, const std::string& place) {
  const std::string address = html_text(shown.masked), where = html_text(place);
  if (which == Page::stop)
    return fmt::format(
        "<p>Messages of {} to {} end when you press the button.</p><form method=\"post\"><button>No more "
        "messages</button></form>",
        where, address);
  if (shown.contact.confirmed) return fmt::format("<p>{} is confirmed already.</p>", address);
  return fmt::format(
      "<p>{} tells {} about downloads from now on when you press the button.</p><form "
      "method=\"post\"><button>Confirm this address</button></form>",
      where, address);
}

Task<http::Response> show_page(Context& context, Call call, Page which) {
  if (context.parts.notices == nullptr) co_return no_such_page();
  auto shown = co_await context.parts.notices->look(which, call.parameters.at(0));
  if (!shown) co_return no_such_page();
  const char* title = which == Page::stop ? "No more messages" : "Confirm this address";
  co_return page(200, title, question(which, *shown, context.options.place_name));
}

Task<http::Response> act_on_page(Context& context, Call call, Page which) {
  if (context.parts.notices == nullptr) co_return no_such_page();
  auto shown = co_await context.parts.notices->act(which, call.parameters.at(0));
  if (!shown) co_return no_such_page();
  const std::string address = html_text(shown->masked);
  if (which == Page::stop)
    co_return page(200, "No more messages", fmt::format("<p>{} is told nothing any more.</p>", address));
  co_return page(200, "Confirmed", fmt::format("<p>{} is told about downloads from now on.</p>", address));
}

}  // namespace

Task<http::Response> list_contacts(Context& context, Call call) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("contacts").open('[');
  if (context.parts.notices != nullptr) {
    auto contacts = co_await context.parts.notices->contacts(call.who->account);
    if (!contacts) co_return refuse(contacts.error(), call.request);
    for (const auto& contact : *contacts) {
      json.open('{');
      write_contact(json, contact);
      json.close('}');
    }
  }
  json.close(']').close('}');
  co_return http::json_response(200, std::move(out));
}

Task<http::Response> add_contact(Context& context, Call call) {
  if (context.parts.notices == nullptr) co_return refuse(tells_nobody(), call.request);
  auto body = read_object(call.request, {"application/json"}, {"kind", "address", "secret"});
  if (!body) co_return refuse(body.error(), call.request);
  auto kind_name = need_text(*body, "kind", 32);
  if (!kind_name) co_return refuse(kind_name.error(), call.request);
  auto address = need_text(*body, "address", 2048);
  if (!address) co_return refuse(address.error(), call.request);
  auto secret = read_text(*body, "secret", 1024);
  if (!secret) co_return refuse(secret.error(), call.request);
  const auto kind = notify::kind_from_name(*kind_name);
  if (!kind) {
    const auto error =
        fail(Reason::invalid, "there is no such kind of contact", "use mail, webhook or ntfy", "/kind");
    co_return refuse(error.value(), call.request);
  }
  notify::NewContact wanted;
  wanted.kind = *kind;
  wanted.address = std::move(*address);
  wanted.secret = secret->value_or("");
  wanted.account = call.who->name;
  auto added = co_await context.parts.notices->add(call.who->account, std::move(wanted));
  if (!added) co_return refuse(added.error(), call.request);
  co_return http::json_response(201, contact_json(*added, Secret::show));
}

Task<http::Response> remove_contact(Context& context, Call call) {
  const auto id = contact_of(call);
  if (!id || context.parts.notices == nullptr) co_return refuse(nothing_there("contact"), call.request);
  auto done = co_await context.parts.notices->remove(call.who->account, *id);
  if (!done) co_return refuse(hide_foreign(done.error(), "contact"), call.request);
  co_return no_content();
}

Task<http::Response> test_contact(Context& context, Call call) {
  const auto id = contact_of(call);
  if (!id || context.parts.notices == nullptr) co_return refuse(nothing_there("contact"), call.request);
  auto done = co_await context.parts.notices->test(call.who->account, *id);
  if (!done) co_return refuse(hide_foreign(done.error(), "contact"), call.request);
  http::Response response = http::json_response(202, R"({"queued":true})");
  co_return response;
}

Task<http::Response> change_contact_key(Context& context, Call call) {
  const auto id = contact_of(call);
  if (!id || context.parts.notices == nullptr) co_return refuse(nothing_there("contact"), call.request);
  auto done = co_await context.parts.notices->change_key(call.who->account, *id);
  if (!done) co_return refuse(hide_foreign(done.error(), "contact"), call.request);
  co_return http::json_response(200, contact_json(*done, Secret::show));
}

Task<http::Response> confirm_contact(Context& context, Call call) {
  const auto id = contact_of(call);
  if (!id || context.parts.notices == nullptr) co_return refuse(nothing_there("contact"), call.request);
  auto body = read_object(call.request, {"application/json"}, {"code"});
  if (!body) co_return refuse(body.error(), call.request);
  auto code = need_text(*body, "code", 64);
  if (!code) co_return refuse(code.error(), call.request);
  auto done = co_await context.parts.notices->confirm(call.who->account, *id, std::move(*code));
  if (!done) co_return refuse(hide_foreign(done.error(), "contact"), call.request);
  co_return http::json_response(200, contact_json(*done, Secret::hide));
}

Task<http::Response> confirm_page(Context& context, Call call) {
  co_return co_await show_page(context, std::move(call), Page::confirm);
}
Task<http::Response> confirm_by_page(Context& context, Call call) {
  co_return co_await act_on_page(context, std::move(call), Page::confirm);
}
Task<http::Response> stop_page(Context& context, Call call) {
  co_return co_await show_page(context, std::move(call), Page::stop);
}
Task<http::Response> stop_by_page(Context& context, Call call) {
  co_return co_await act_on_page(context, std::move(call), Page::stop);
}

}  // namespace restante::api
