// SPDX-License-Identifier: Apache-2.0
#include "api/context.hpp"

#include <fmt/format.h>

namespace restante::api {

std::string shown_path(std::string_view path) {
  if (path.starts_with("/v1/")) return std::string(path);
  const auto second = path.find('/', 1);
  if (second == std::string_view::npos) return std::string(path);
  return std::string(path.substr(0, second)) + "/...";
}

http::Response refuse(const Error& error, const http::Request& request) {
  const bool nameless = error.reason == Reason::not_found;
  auto response = http::problem(error, nameless ? std::string() : shown_path(request.path));
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
