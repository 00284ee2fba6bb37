// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.hpp"
#include "api/json_writer.hpp"
#include "api/openapi_json.hpp"

namespace restante::api {

Task<http::Response> health(Context&, Call) {
  // Runs on the control loop: the answer means that it turns.
  co_return http::json_response(200, "{\"status\":\"ok\"}");
}

Task<http::Response> well_known(Context& context, Call) {
  const ApiOptions& options = context.options;
  const auto now = std::chrono::floor<Seconds>(context.parts.clock.now()).time_since_epoch().count();
  std::string body;
  JsonWriter json(body);
  json.open('{').key("name").text(options.place_name);
  json.key("api").text("/v1");
  json.key("jkt").text(options.jkt);
  json.key("formats").open('[');
  json.text("application/vnd.restante.proxy+json").text("application/jsonl").close(']');
  json.key("time").open('{').key("now").number(now).key("tz").text(options.time_zone).close('}');
  json.key("limits").open('{').key("submit_per_minute").number(options.limits.submit_per_minute);
  json.key("document_bytes").number(options.limits.document_bytes);
  json.key("batch_bytes").number(options.limits.batch_bytes).close('}').close('}');
  co_return http::json_response(200, std::move(body));
}

Task<http::Response> openapi(Context&, Call) {
  std::string body(openapi_json());
  co_return http::json_response(200, std::move(body));
}

}  // namespace restante::api
