// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.hpp"
#include "api/json_views.hpp"
#include "api/json_writer.hpp"
#include "api/openapi_json.hpp"
#include "api/submitting.hpp"
#include "base/text.hpp"
#include "proxy/jws.hpp"

#include <fmt/format.h>

namespace restante::api {

namespace {

constexpr std::size_t shortest_nonce = 22, longest_nonce = 128;  ///< base64url; 22 characters are 128 bits

bool is_base64url(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most && from_base64url(text).has_value();
}

/// What proves that we hold the identity key to whoever asks with a fresh `nonce`, for the device with the
/// key `for`: a signature over both and over the URL by which we were asked, so that nobody who goes by
/// another name can pass it on as his own. "" when it is not asked for.
Result<std::string> proof_of_identity(const ApiOptions& options, const http::Request& request) {
  const auto nonce = request.query_value("nonce");
  if (!nonce || options.identity == nullptr) return std::string();
  const auto device = request.query_value("for").value_or("");
  if (!is_base64url(*nonce, shortest_nonce, longest_nonce) || !is_base64url(device, 43, 43))
    return fail(Reason::invalid, "nonce or for is not what it should be",
                "nonce: 22 to 128 characters of base64url; for: the thumbprint of the device's key");
  const std::string url =
      fmt::format("{}://{}", request.peer.tls ? "https" : "http", ascii_lower(request.header("Host")));
  std::string claim;
  JsonWriter json(claim);
  json.open('{').key("nonce").text(*nonce).key("for").text(device);
  json.key("url").text(url).key("jkt").text(options.jkt).close('}');
  return proxy::sign_compact(*options.identity, claim, "restante-place+jws");
}

}  // namespace

void write_place(JsonWriter& json, const Context& context, Mailboxes mailboxes) {
  const ApiOptions& options = context.options;
  json.open('{').key("name").text(options.place_name).key("jkt").text(options.jkt);
  json.key("tz").text(options.time_zone).key("url").text(options.public_url);
  if (context.parts.keys != nullptr) json.key("keys").text(context.parts.keys->signed_set());
  json.key("mailboxes").open('[');
  for (const auto& one : options.mailboxes) {
    if (mailboxes == Mailboxes::hidden) break;
    const bool mail = one.kind == MailboxAddress::Kind::mail;
    json.open('{').key("kind").text(mail ? "mail" : "webdav");
    json.key(mail ? "address" : "url").text(one.address);
    if (!one.user.empty()) json.key("user").text(one.user).key("password").text(one.password);
    json.close('}');
  }
  json.close(']').close('}');
}

Task<http::Response> health(Context&, Call) {
  // Runs on the control loop: the answer means that it turns.
  co_return http::json_response(200, "{\"status\":\"ok\"}");
}

Task<http::Response> well_known(Context& context, Call call) {
  const ApiOptions& options = context.options;
  auto proof = proof_of_identity(options, call.request);
  if (!proof) co_return refuse(proof.error(), call.request);
  const auto now = std::chrono::floor<Seconds>(context.parts.clock.now()).time_since_epoch().count();
  std::string body;
  JsonWriter json(body);
  json.open('{').key("name").text(options.place_name);
  json.key("api").text("/v1");
  json.key("jkt").text(options.jkt);
  if (!proof->empty()) json.key("jwk").raw(options.identity->public_key().jwk()).key("proof").text(*proof);
  json.key("formats").open('[');
  json.text("application/vnd.restante.proxy+json").text("application/jsonl");
  if (context.parts.keys != nullptr) {
    json.text("application/vnd.restante.sealed+json").text("application/jose").close(']');
    json.key("jwks").text("/.well-known/restante-jwks.json");
    json.key("signed_jwks").text("/.well-known/restante-jwks.jws");
    json.key("sig").open('[').text("ES256").close(']');
    json.key("kw").open('[').text("ECDH-ES+A256KW").close(']');
    json.key("enc").open('[').text("A256GCM");
  }
  json.close(']');
  json.key("time").open('{').key("now").number(now).key("tz").text(options.time_zone).close('}');
  json.key("limits").open('{').key("submit_per_minute").number(options.limits.submit_per_minute);
  json.key("document_bytes").number(options.limits.document_bytes);
  json.key("batch_bytes").number(options.limits.batch_bytes).close('}').close('}');
  co_return http::json_response(200, std::move(body));
}

namespace {

/// Devices look again when their copy is a day old; a cache in between must not keep it for longer.
constexpr std::string_view keys_cached = "max-age=3600";

http::Response key_answer(const Context& context, const Call& call, bool proven) {
  if (context.parts.keys == nullptr) return refuse(nothing_there("key"), call.request);
  http::Response response;
  response.set("Content-Type", proven ? "application/jose" : "application/jwk-set+json");
  response.set("Cache-Control", std::string(keys_cached));
  response.body = proven ? context.parts.keys->signed_set() : context.parts.keys->public_set();
  return response;
}

}  // namespace

Task<http::Response> key_set(Context& context, Call call) {
  co_return key_answer(context, call, false);
}

Task<http::Response> signed_key_set(Context& context, Call call) {
  co_return key_answer(context, call, true);
}

Task<http::Response> show_place(Context& context, Call call) {
  std::string out;
  JsonWriter json(out);
  write_place(json, context, is_terse(*call.who) ? Mailboxes::hidden : Mailboxes::shown);
  auto response = http::json_response(200, std::move(out));
  response.set("Cache-Control", "no-store");
  co_return response;
}

Task<http::Response> nav204(Context&, Call) {
  auto response = no_content();  // a browser that is sent here stays on the page where it is
  response.set("Cache-Control", "no-store");
  co_return response;
}

Task<http::Response> openapi(Context&, Call) {
  std::string body(openapi_json());
  co_return http::json_response(200, std::move(body));
}

}  // namespace restante::api
