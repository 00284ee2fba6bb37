// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/json_writer.hpp"
#include "api/signed_in.hpp"
#include "base/log.hpp"

// The first start: whoever has the one-time code of `restanted setup` becomes the administrator. Before,
// nobody can sign in.
namespace restante::api {

Task<http::Response> show_setup(Context& context, Call) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("needed").yes_no(!context.parts.accounts.snapshot()->set_up()).close('}');
  auto response = http::json_response(200, std::move(out));
  response.set("Cache-Control", "no-store");
  co_return response;
}

Task<http::Response> set_up(Context& context, Call call) {
  if (auto safe = check_private(call.request.peer); !safe) co_return refuse(safe.error(), call.request);
  auto body = read_object(call.request, {"application/json"}, {"code", "name", "password", "cookie"});
  if (!body) co_return refuse(body.error(), call.request);
  auto setup_code = need_text(*body, "code", 256);
  auto name = need_text(*body, "name", 256);
  auto password = need_text(*body, "password", 4096);
  if (!setup_code) co_return refuse(setup_code.error(), call.request);
  if (!name) co_return refuse(name.error(), call.request);
  if (!password) co_return refuse(password.error(), call.request);
  const auto by_cookie = wants_cookie(context, call.request, *body);
  if (!by_cookie) co_return refuse(by_cookie.error(), call.request);
  accounts::FirstAdmin who;
  who.code = std::move(*setup_code);
  who.name = *name;
  who.password = *password;
  who.peer = call.request.peer.address;
  who.browser = browser_name(call.request.header("User-Agent"));
  wipe(*password);
  auto& accounts = context.parts.accounts;
  auto setting_up = accounts.set_up(std::move(who));
  auto signed_in = co_await std::move(setting_up);
  if (!signed_in) {
    auto response = refuse(signed_in.error(), call.request);
    if (signed_in.error().reason == Reason::rate_limited)
      response.set("Retry-After",
                   std::to_string(accounts.sign_in_wait("", call.request.peer.address).count()));
    co_return response;
  }
  log::info("user {} added, the first one: this place is set up", signed_in->account.name);
  co_return signed_in_response(context, call.request.peer, *signed_in, *by_cookie);
}

}  // namespace restante::api
