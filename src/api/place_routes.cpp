// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.hpp"
#include "api/json_writer.hpp"
#include "api/openapi_json.hpp"
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
  json.text("application/vnd.restante.proxy+json").text("application/jsonl").close(']');
  json.key("time").open('{').key("now").number(now).key("tz").text(options.time_zone).close('}');
  json.key("limits").open('{').key("submit_per_minute").number(options.limits.submit_per_minute);
  json.key("document_bytes").number(options.limits.document_bytes);
  json.key("batch_bytes").number(options.limits.batch_bytes).close('}').close('}');
  co_return http::json_response(200, std::move(body));
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
