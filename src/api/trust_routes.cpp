// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.hpp"
#include "api/page.hpp"
#include "api/trust.hpp"

namespace restante::api {

namespace {

std::shared_ptr<const http::LocalCa> authority_of(const Context& context) {
  return context.options.authority ? context.options.authority() : nullptr;
}

constexpr std::string_view nothing_to_trust =
    "<p>There is nothing to install: this place has no certificate authority of its own. Either its "
    "certificate comes from "
    "one that your device knows already, or you reach it without leaving its machine.</p>";

}  // namespace

Task<http::Response> trust_page(Context& context, Call) {
  const auto authority = authority_of(context);
  co_return page(
      200, "Trust this place",
      authority ? trust_page_body(*authority, context.options.place_name) : std::string(nothing_to_trust));
}

Task<http::Response> trust_file(Context& context, Call call) {
  const auto authority = authority_of(context);
  if (!authority) co_return refuse(nothing_there("certificate"), call.request);
  http::Response response;
  response.set("Cache-Control", "no-store");
  const std::string& name = call.request.segments.back();
  if (name == "restante.crt") {
    response.set("Content-Type", "application/x-x509-ca-cert");
    response.body = authority->certificate_der();
  } else if (name == "restante.pem") {
    response.set("Content-Type", "application/x-pem-file");
    response.body = authority->certificate_pem();
  } else {
    response.set("Content-Type", "application/x-apple-aspen-config");
    response.body = apple_profile(*authority, context.options.place_name);
  }
  response.set("Content-Disposition", "attachment; filename=\"" + name + "\"");
  co_return response;
}

}  // namespace restante::api
