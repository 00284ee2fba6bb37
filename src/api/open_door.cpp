// SPDX-License-Identifier: Apache-2.0
#include "api/open_door.hpp"

#include "api/sealed_routes.hpp"
#include "base/text.hpp"
#include "proxy/envelope.hpp"

#include <array>

namespace restante::api {

namespace {

constexpr std::array<std::string_view, 8> permitted{"/.well-known/restante",
                                                    "/.well-known/restante-jwks.json",
                                                    "/.well-known/restante-jwks.jws",
                                                    "/nav204",
                                                    "/trust",
                                                    "/trust/restante.crt",
                                                    "/trust/restante.pem",
                                                    "/trust/restante.mobileconfig"};

}  // namespace

std::optional<http::Response> stopped_at_open_door(const Context& context, http::Request& request) {
  std::erase_if(request.headers, [](const auto& field) {
    return iequals(field.first, "Authorization") || iequals(field.first, "Cookie");
  });
  const std::string& home = context.options.public_url;
  if (request.method == "POST" && request.path == "/v1/proxies") {
    // Documents that only the place can read (FORMATS.md §1.3).
    if (brings_sealed(request) && proxy::looks_sealed(proxy::envelope_in(request.body))) return std::nullopt;
    request.body.clear();
    return refuse(fail(Reason::insecure, "only sealed documents may come in without TLS",
                       "send it to " + home + "; what it carried may have been seen on the way")
                      .value(),
                  request);
  }
  const bool open = request.method == "GET" &&
                    std::find(permitted.begin(), permitted.end(), request.path) != permitted.end();
  if (open) return std::nullopt;
  return refuse(fail(Reason::misdirected, "this is only the door of people who do not trust this place yet",
                     "use " + home + "; /trust explains how to trust it")
                    .value(),
                request);
}

}  // namespace restante::api
