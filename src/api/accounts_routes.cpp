// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/door.hpp"
#include "api/guests.hpp"
#include "api/handlers.hpp"
#include "api/json_views.hpp"
#include "api/signed_in.hpp"
#include "base/text.hpp"

#include <boost/json/serialize.hpp>

namespace restante::api {

namespace {

/// "2026-11"
std::string month_text(std::int64_t month) {
  return fmt::format("{:04}-{:02}", month / 12, month % 12 + 1);
}

Result<std::string> read_jwk(const boost::json::object& body) {
  const auto* jwk = body.if_contains("jwk");
  if (jwk == nullptr || !jwk->is_object())
    return fail(Reason::invalid, "jwk is not a key", "send a P-256 public key as a JWK", "/jwk");
  return boost::json::serialize(*jwk);
}

}  // namespace

Task<http::Response> enrol_device(Context& context, Call call) {
  if (auto safe = check_private(call.request.peer); !safe) co_return refuse(safe.error(), call.request);
  auto body = read_object(call.request, {"application/json"}, {"code", "label", "jwk", "proof"});
  if (!body) co_return refuse(body.error(), call.request);
  accounts::Enrolment enrolment;
  auto enrolment_code = need_text(*body, "code", 256);
  auto label = read_text(*body, "label", 1024);
  auto proof = need_text(*body, "proof", 8192);
  if (!enrolment_code) co_return refuse(enrolment_code.error(), call.request);
  if (!label) co_return refuse(label.error(), call.request);
  if (!proof) co_return refuse(proof.error(), call.request);
  auto jwk = read_jwk(*body);
  if (!jwk) co_return refuse(jwk.error(), call.request);
  enrolment.code = *enrolment_code;
  enrolment.label = label->value_or("");
  enrolment.jwk = std::move(*jwk);
  enrolment.proof = *proof;
  auto enrolled = co_await context.parts.accounts.enrol(enrolment, context.options.jkt);
  if (!enrolled) co_return refuse(enrolled.error(), call.request);

  std::string out;
  JsonWriter json(out);
  json.open('{').key("device").open('{');
  write_device(json, enrolled->device);
  json.close('}').key("account").open('{');
  write_account(json, context.parts.accounts, enrolled->account);
  json.close('}').key("token").text(enrolled->token);
  json.key("place");
  write_place(json, context);
  json.close('}');
  co_return http::json_response(201, std::move(out));
}

/// The page proves the key over its CSRF token, which nothing but a page of this session knows.
Task<http::Response> connect_browser(Context& context, Call call) {
  if (auto safe = check_private(call.request.peer); !safe) co_return refuse(safe.error(), call.request);
  auto body = read_object(call.request, {"application/json"}, {"jwk", "proof"});
  if (!body) co_return refuse(body.error(), call.request);
  auto proof = need_text(*body, "proof", 8192);
  if (!proof) co_return refuse(proof.error(), call.request);
  auto jwk = read_jwk(*body);
  if (!jwk) co_return refuse(jwk.error(), call.request);
  if (call.who->kind != accounts::Principal::Kind::session) {
    const auto error = fail(Reason::conflict, "this is a connected device, not a session",
                            "its own key is connected already");
    co_return refuse(error.value(), call.request);
  }
  accounts::BrowserKey key;
  key.account = call.who->account;
  key.session = call.who->credential;
  key.code = csrf_token(call.credential.token);
  key.label = browser_name(call.request.header("User-Agent"));
  if (key.label.empty()) key.label = "a browser";
  key.jwk = std::move(*jwk);
  key.proof = std::move(*proof);
  auto device = co_await context.parts.accounts.connect_browser(key, context.options.jkt);
  if (!device) co_return refuse(device.error(), call.request);
  std::string out;
  JsonWriter json(out);
  json.open('{').key("device").open('{');
  write_device(json, *device);
  json.close('}').close('}');
  co_return http::json_response(201, std::move(out));
}

Task<http::Response> list_devices(Context& context, Call call) {
  const auto snapshot = context.parts.accounts.snapshot();
  std::string out;
  JsonWriter json(out);
  json.open('{').key("devices").open('[');
  for (const auto& device : snapshot->devices(call.who->account)) {
    json.open('{');
    write_device(json, device);
    json.key("last_seen").text(to_rfc3339(device.last_seen));
    const bool current = device.id == call.who->device || device.session == call.who->credential;
    json.key("current").yes_no(current).close('}');
  }
  json.close(']').key("sessions").open('[');
  for (const auto& session : snapshot->sessions(call.who->account)) {
    json.open('{').key("id").text(accounts::credential_id(session.token_digest));
    json.key("label").text(session.label.empty() ? "a browser" : session.label);
    json.key("created").text(to_rfc3339(session.created)).key("expires").text(to_rfc3339(session.expires));
    json.key("last_seen").text(to_rfc3339(session.last_seen));
    json.key("current").yes_no(session.token_digest == call.who->credential).close('}');
  }
  json.close(']').close('}');
  co_return http::json_response(200, std::move(out));
}

Task<http::Response> revoke_device(Context& context, Call call) {
  const DeviceId device{call.parameters.at(0)};
  auto done = co_await context.parts.accounts.revoke_device(call.who->account, device);
  if (!done) co_return refuse(hide_foreign(done.error(), "device"), call.request);
  co_return no_content();
}

Task<http::Response> end_session(Context& context, Call call) {
  auto done = co_await context.parts.accounts.end_session(call.who->account, call.parameters.at(0));
  if (!done) co_return refuse(hide_foreign(done.error(), "session"), call.request);
  co_return no_content();
}

/// By name and password, or by the code of a pairing URL, which is used up (a browser's way in, see /pair).
/// With "cookie" the token goes into a cookie and nowhere else; only pages of our own may ask for that.
Task<http::Response> sign_in(Context& context, Call call) {
  if (auto safe = check_private(call.request.peer); !safe) co_return refuse(safe.error(), call.request);
  auto body = read_object(call.request, {"application/json"}, {"user", "password", "code", "cookie"});
  if (!body) co_return refuse(body.error(), call.request);
  accounts::SignIn what;
  const bool by_code = body->contains("code");
  auto pairing_code = read_text(*body, "code", 256);
  auto user = by_code ? Result<std::string>("") : need_text(*body, "user", 256);
  auto password = by_code ? Result<std::string>("") : need_text(*body, "password", 4096);
  if (!pairing_code) co_return refuse(pairing_code.error(), call.request);
  if (!user) co_return refuse(user.error(), call.request);
  if (!password) co_return refuse(password.error(), call.request);
  const auto wants = wants_cookie(context, call.request, *body);
  if (!wants) co_return refuse(wants.error(), call.request);
  const bool by_cookie = *wants;
  what.name = *user;
  what.password = *password;
  what.peer = call.request.peer.address;
  what.browser = browser_name(call.request.header("User-Agent"));
  if (by_cookie) what.replaces = credential_of(call.request).token;
  wipe(*password);
  auto& accounts = context.parts.accounts;
  const std::string browser = what.browser;
  auto signing_in = by_code ? accounts.sign_in_by_code(pairing_code->value_or(""), browser)
                            : accounts.sign_in(std::move(what));
  auto signed_in = co_await std::move(signing_in);
  if (!signed_in) {
    auto response = refuse(signed_in.error(), call.request);
    if (signed_in.error().reason == Reason::rate_limited)
      response.set("Retry-After",
                   std::to_string(accounts.sign_in_wait(*user, call.request.peer.address).count()));
    co_return response;
  }
  co_return signed_in_response(context, call.request.peer, *signed_in, by_cookie);
}

Task<http::Response> show_session(Context& context, Call call) {
  const auto snapshot = context.parts.accounts.snapshot();
  const auto account = snapshot->account(call.who->account);
  auto usage = co_await context.parts.areas.usage(call.who->account);
  if (!usage) co_return refuse(usage.error(), call.request);
  std::string out;
  JsonWriter json(out);
  json.open('{').key("account").open('{');
  if (account) write_account(json, context.parts.accounts, *account);
  if (account) json.key("password").yes_no(!account->password_hash.empty());
  json.key("used_bytes").number(usage->used_bytes);
  json.key("trash_bytes").number(usage->trash_bytes);
  const auto traffic = context.parts.areas.traffic().of(call.who->account);
  json.key("traffic").open('{').key("month").text(month_text(traffic.month));
  json.key("fetched_bytes").number(traffic.fetched_bytes).key("served_bytes").number(traffic.served_bytes);
  if (account && account->traffic_bytes) json.key("limit_bytes").number(*account->traffic_bytes);
  json.close('}').close('}');
  json.key("device").text(call.who->device.value);
  if (const auto end = snapshot->session_end(call.credential.token))
    json.key("expires").text(to_rfc3339(*end));
  if (call.credential.how == Credential::How::cookie)
    json.key("csrf").text(csrf_token(call.credential.token));
  json.close('}');
  co_return http::json_response(200, std::move(out));
}

Task<http::Response> sign_out(Context& context, Call call) {
  if (call.who->kind != accounts::Principal::Kind::session) {
    const auto error = fail(Reason::conflict, "this is a connected device, not a session",
                            "revoke the device instead: DELETE /v1/devices/ID");
    co_return refuse(error.value(), call.request);
  }
  auto done = co_await context.parts.accounts.sign_out(call.credential.token);
  if (!done) co_return refuse(done.error(), call.request);
  auto response = no_content();
  if (call.credential.how == Credential::How::cookie)
    response.set("Set-Cookie", session_cookie(call.request.peer, "", Seconds{0}));
  co_return response;
}

/// What `restanted pair` makes, for whoever is in already.
Task<http::Response> add_pairing(Context& context, Call call) {
  if (auto safe = check_private(call.request.peer); !safe) co_return refuse(safe.error(), call.request);
  auto body = read_object(call.request, {"application/json"}, {});
  if (!body) co_return refuse(body.error(), call.request);
  auto& accounts = context.parts.accounts;
  auto made = co_await accounts.new_pairing_code(call.who->name);
  if (!made) co_return refuse(made.error(), call.request);
  std::string out;
  JsonWriter json(out);
  json.open('{').key("url").text(
      fmt::format("{}/pair#k={}&c={}", context.options.public_url, context.options.jkt, *made));
  json.key("expires").text(to_rfc3339(context.parts.clock.now() + accounts.pairing_time())).close('}');
  co_return http::json_response(201, std::move(out));
}

Task<http::Response> change_own_password(Context& context, Call call) {
  if (auto safe = check_private(call.request.peer); !safe) co_return refuse(safe.error(), call.request);
  auto body = read_object(call.request, {"application/json"}, {"password", "new_password"});
  if (!body) co_return refuse(body.error(), call.request);
  auto password = need_text(*body, "password", 4096);
  if (!password) co_return refuse(password.error(), call.request);
  auto new_password = need_text(*body, "new_password", 4096);
  if (!new_password) co_return refuse(new_password.error(), call.request);
  accounts::OwnPassword what;
  what.account = call.who->account;
  what.peer = call.request.peer.address;
  what.password = *password;
  what.new_password = *new_password;
  if (call.who->kind == accounts::Principal::Kind::session) what.session = call.who->credential;
  wipe(*password);
  wipe(*new_password);
  auto done = co_await context.parts.accounts.change_own_password(std::move(what));
  if (done) co_return no_content();
  auto response = refuse(done.error(), call.request);
  if (done.error().reason == Reason::rate_limited) {
    const auto wait = context.parts.accounts.sign_in_wait(call.who->name, call.request.peer.address);
    response.set("Retry-After", std::to_string(wait.count()));
  }
  co_return response;
}

}  // namespace restante::api
