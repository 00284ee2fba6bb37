// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/json_writer.hpp"
#include "base/text.hpp"
#include "jobs/logins.hpp"

namespace restante::api {

namespace {

void write_login(JsonWriter& json, const jobs::StoredLogin& login) {
  json.open('{').key("id").text(login.id).key("origin").text(login.origin);
  json.key("kind").text(login.kind).key("label").text(login.label);
  json.key("created").text(to_rfc3339(login.created)).close('}');
}

}  // namespace

Task<http::Response> list_logins(Context& context, Call call) {
  auto found = co_await context.parts.jobs.logins().list(call.who->account);
  if (!found) co_return refuse(found.error(), call.request);
  std::string out;
  JsonWriter json(out);
  json.open('{').key("logins").open('[');
  for (const auto& login : *found) write_login(json, login);
  json.close(']').close('}');
  co_return http::json_response(200, std::move(out));
}

Task<http::Response> add_login(Context& context, Call call) {
  if (auto safe = check_private(call.request.peer); !safe) co_return refuse(safe.error(), call.request);
  auto body =
      read_object(call.request, {"application/json"}, {"origin", "kind", "user", "host_key", "secret"});
  if (!body) co_return refuse(body.error(), call.request);
  auto origin = need_text(*body, "origin", 2048);
  if (!origin) co_return refuse(origin.error(), call.request);
  auto kind = need_text(*body, "kind", 32);
  if (!kind) co_return refuse(kind.error(), call.request);
  auto user = read_text(*body, "user", 1024);
  if (!user) co_return refuse(user.error(), call.request);
  auto host_key = read_text(*body, "host_key", 64);
  if (!host_key) co_return refuse(host_key.error(), call.request);
  auto secret = need_text(*body, "secret", 16384);
  if (!secret) co_return refuse(secret.error(), call.request);
  jobs::NewLogin login;
  login.address = *origin;
  login.kind = *kind;
  login.user = user->value_or("");
  login.host_key = host_key->value_or("");
  login.secret = *secret;
  wipe(*secret);
  auto stored = co_await context.parts.jobs.logins().add(call.who->account, std::move(login));
  if (!stored) co_return refuse(stored.error(), call.request);
  std::string out;
  JsonWriter json(out);
  write_login(json, *stored);
  co_return http::json_response(201, std::move(out));
}

Task<http::Response> remove_login(Context& context, Call call) {
  auto done = co_await context.parts.jobs.logins().remove(call.who->account, call.parameters.at(0));
  if (!done) co_return refuse(hide_foreign(done.error(), "login"), call.request);
  co_return no_content();
}

}  // namespace restante::api
