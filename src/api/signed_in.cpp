// SPDX-License-Identifier: Apache-2.0
#include "api/signed_in.hpp"

#include "api/guests.hpp"
#include "base/text.hpp"

namespace restante::api {

void write_account(JsonWriter& json, const accounts::Service& accounts, const accounts::Account& account) {
  json.key("name").text(account.name).key("role").text(accounts::name(account.role));
  if (account.quota_bytes) json.key("quota_bytes").number(*account.quota_bytes);
  write_stay(json, account, accounts.guest_limits().grace);
}

Result<bool> wants_cookie(const Context& context, const http::Request& request,
                          const boost::json::object& body) {
  const auto* cookie = body.if_contains("cookie");
  const bool wanted = cookie != nullptr && cookie->is_bool() && cookie->as_bool();
  if (wanted && origin_of(request, context.options) != Origin::ours)
    return fail(Reason::forbidden, "only this place's own pages sign in with a cookie",
                "leave cookie out; the answer has a token then");
  return wanted;
}

http::Response signed_in_response(const Context& context, const http::Peer& peer,
                                  const accounts::SignedIn& signed_in, bool by_cookie) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("account").open('{');
  write_account(json, context.parts.accounts, signed_in.account);
  json.close('}');
  if (by_cookie)
    json.key("csrf").text(csrf_token(signed_in.token));
  else
    json.key("token").text(signed_in.token);
  json.key("expires").text(to_rfc3339(signed_in.expires)).close('}');
  auto response = http::json_response(201, std::move(out));
  const auto lasts = std::chrono::floor<Seconds>(signed_in.expires - context.parts.clock.now());
  if (by_cookie) response.set("Set-Cookie", session_cookie(peer, signed_in.token, lasts));
  return response;
}

}  // namespace restante::api
