// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/json_writer.hpp"
#include "base/text.hpp"

#include <optional>

namespace restante::api {

namespace {

void write_token(JsonWriter& json, const accounts::Token& token) {
  json.key("id").text(token.id).key("kind").text(accounts::name(token.kind));
  json.key("label").text(token.label).key("created").text(to_rfc3339(token.created));
}

std::optional<accounts::Token::Kind> token_kind(std::string_view text) {
  for (const auto kind : {accounts::Token::Kind::app_password, accounts::Token::Kind::submit})
    if (accounts::name(kind) == text) return kind;
  return std::nullopt;
}

}  // namespace

Task<http::Response> list_tokens(Context& context, Call call) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("tokens").open('[');
  for (const auto& token : context.parts.accounts.snapshot()->tokens(call.who->account)) {
    json.open('{');
    write_token(json, token);
    json.key("last_seen").text(to_rfc3339(token.last_seen)).close('}');
  }
  json.close(']').close('}');
  co_return http::json_response(200, std::move(out));
}

Task<http::Response> add_token(Context& context, Call call) {
  if (auto safe = check_private(call.request.peer); !safe) co_return refuse(safe.error(), call.request);
  auto body = read_object(call.request, {"application/json"}, {"kind", "label"});
  if (!body) co_return refuse(body.error(), call.request);
  auto kind_name = need_text(*body, "kind", 32);
  auto label = need_text(*body, "label", 1024);
  if (!kind_name) co_return refuse(kind_name.error(), call.request);
  if (!label) co_return refuse(label.error(), call.request);
  const auto kind = token_kind(*kind_name);
  if (!kind) {
    const auto error =
        fail(Reason::invalid, "there is no such kind of token", "use app-password or submit", "/kind");
    co_return refuse(error.value(), call.request);
  }
  auto made = co_await context.parts.accounts.add_token(call.who->account, *kind, *label);
  if (!made) co_return refuse(made.error(), call.request);
  std::string out;
  JsonWriter json(out);
  json.open('{');
  write_token(json, made->token);
  json.key("user").text(call.who->name).key("token").text(made->secret).close('}');
  co_return http::json_response(201, std::move(out));
}

Task<http::Response> revoke_token(Context& context, Call call) {
  auto done = co_await context.parts.accounts.revoke_token(call.who->account, call.parameters.at(0));
  if (!done) co_return refuse(hide_foreign(done.error(), "token"), call.request);
  co_return no_content();
}

}  // namespace restante::api
