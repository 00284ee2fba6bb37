// SPDX-License-Identifier: Apache-2.0
#include "api/context.hpp"

#include <fmt/format.h>

namespace restante::api {

http::Response refuse(const Error& error, const http::Request& request) {
  const bool nameless = error.reason == Reason::not_found;
  auto response = http::problem(error, nameless ? std::string_view() : std::string_view(request.path));
  if (response.status == 401) response.set("WWW-Authenticate", "Bearer");
  if (error.reason == Reason::busy) response.set("Retry-After", "1");
  return response;
}

http::Response no_content() {
  http::Response response;
  response.status = 204;
  return response;
}

Error nothing_there(std::string_view what) {
  return fail(Reason::not_found, fmt::format("there is no such {} here", what)).value();
}

Error hide_foreign(Error error, std::string_view what) {
  return error.reason == Reason::not_found ? nothing_there(what) : error;
}

}  // namespace restante::api
