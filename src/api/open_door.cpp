// SPDX-License-Identifier: Apache-2.0
#include "api/open_door.hpp"

#include "api/body.hpp"
#include "base/text.hpp"

#include <array>

namespace restante::api {

namespace {

constexpr std::array<std::string_view, 6> permitted{
    "/.well-known/restante",       "/nav204", "/trust", "/trust/restante.crt", "/trust/restante.pem",
    "/trust/restante.mobileconfig"};
/// Documents that only the place can read (FORMATS.md §1.5).
constexpr std::array<std::string_view, 2> sealed{"application/vnd.restante.sealed+json", "application/jose"};

}  // namespace

std::optional<http::Response> stopped_at_open_door(const Context& context, http::Request& request) {
  std::erase_if(request.headers, [](const auto& field) {
    return iequals(field.first, "Authorization") || iequals(field.first, "Cookie");
  });
  const std::string& home = context.options.public_url;
  if (request.method == "POST" && request.path == "/v1/proxies") {
    const std::string type = media_type_of(request.header("Content-Type"));
    const bool is_sealed = std::find(sealed.begin(), sealed.end(), type) != sealed.end();
    request.body.clear();
    if (is_sealed)
      return refuse(fail(Reason::cap_denied, "this place does not read sealed documents yet",
                         "send it to " + home + " as a connected device")
                        .value(),
                    request);
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
