// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "net/curl_url.hpp"

#include <set>
#include <string>
#include <vector>

namespace restante::transfer {

/// What one hop asks for.
struct Hop {
  net::HttpUrl url;
  std::string method = "GET";
  bool with_body = false;
};

/// Where a 3xx leads (RFC 9110 §15.4): 303 becomes GET, 301 and 302 turn POST into GET, 307 and 308 keep
/// method and body. Errors: redirect-refused (another scheme, from https to http (M34), a body to a foreign
/// origin, an address that cannot be understood).
Result<Hop> next_hop(const Hop& from, int status, std::string_view location);

/// Remembers the way of one transfer. Error: redirect-loop (M32).
class RedirectTrail {
public:
  explicit RedirectTrail(int limit) : limit_(limit) {}
  Result<void> enter(const Hop& hop);
  /// The origins on the way, for people: "http://a.example > https://b.example"; "" if there was no redirect.
  /// No path or query: secrets stand there.
  std::string way() const;

private:
  int limit_;
  std::vector<std::string> origins_;
  std::set<std::string> seen_;
};

}  // namespace restante::transfer
