// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/guests.hpp"
#include "api/handlers.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace restante::api {

namespace {

bool is_connected(const Context& context, AccountId account) {
  const auto snapshot = context.parts.accounts.snapshot();
  return !snapshot->devices(account).empty() || !snapshot->sessions(account).empty();
}

/// What one guest's files take; the rest is known already.
Task<Result<GuestView>> view_of(Context& context, accounts::Account account) {
  auto usage = co_await context.parts.areas.usage(account.id);
  if (!usage) co_return fail(usage.error());
  const auto traffic = context.parts.areas.traffic().of(account.id);
  GuestView view;
  view.used_bytes = usage->used_bytes;
  view.traffic_bytes = traffic.fetched_bytes + traffic.served_bytes;
  view.connected = is_connected(context, account.id);
  view.account = std::move(account);
  view.now = context.parts.clock.now();
  view.grace = context.parts.accounts.guest_limits().grace;
  co_return view;
}

std::optional<accounts::Account> guest_of(const Context& context, std::string_view name) {
  for (auto& account : context.parts.accounts.snapshot()->accounts())
    if (account.name == name && account.valid_until && account.role == accounts::Role::guest) return account;
  return std::nullopt;
}

}  // namespace

Task<http::Response> create_invite(Context& context, Call call) {
  auto body = read_object(call.request, {"application/json"},
                          {"from", "until", "label", "quota_bytes", "traffic_bytes"});
  if (!body) co_return refuse(body.error(), call.request);
  auto guest = read_new_guest(*body);
  if (!guest) co_return refuse(guest.error(), call.request);
  auto invited = co_await context.parts.accounts.add_guest(*guest);
  if (!invited) co_return refuse(invited.error(), call.request);
  log::info("{} invited until {}", invited->account.name, to_rfc3339(guest->until));
  auto view = co_await view_of(context, invited->account);
  if (!view) co_return refuse(view.error(), call.request);
  std::string out;
  JsonWriter json(out);
  json.open('{').key("invite").open('{');
  write_guest(json, *view);
  json.close('}').key("url");
  json.text(invitation_url(context.options.public_url, context.options.jkt, *invited)).close('}');
  co_return http::json_response(201, std::move(out));
}

Task<http::Response> list_invites(Context& context, Call call) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("invites").open('[');
  for (const auto& account : context.parts.accounts.snapshot()->accounts()) {
    if (!account.valid_until || account.role != accounts::Role::guest) continue;
    auto view = co_await view_of(context, account);
    if (!view) co_return refuse(view.error(), call.request);
    json.open('{');
    write_guest(json, *view);
    json.close('}');
  }
  json.close(']').close('}');
  co_return http::json_response(200, std::move(out));
}

Task<http::Response> end_invite(Context& context, Call call) {
  const auto guest = guest_of(context, call.parameters.at(0));
  if (!guest) co_return refuse(nothing_there("invitation"), call.request);
  auto& accounts = context.parts.accounts;
  // Nobody has anything to take away yet: nothing is kept for them.
  auto ended = is_connected(context, guest->id) ? accounts.end_stay(guest->name)
                                                : accounts.mark_for_erasure(guest->name);
  auto done = co_await std::move(ended);
  if (!done) co_return refuse(hide_foreign(done.error(), "invitation"), call.request);
  log::info("the stay of {} was ended", guest->name);
  co_return no_content();
}

}  // namespace restante::api
