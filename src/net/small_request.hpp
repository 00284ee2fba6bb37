// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/curl_url.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace restante::net {

/// A short HTTP request that the server wants to be made: it tells somebody something (a webhook, a topic).
/// Header fields may hold secrets; the URL may, too, so it is never logged.
struct SmallRequest {
  std::string url;
  std::string method = "POST";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Millis deadline{20000};        ///< from the look-up of the host to the head of the answer
  std::size_t answer_bytes = 0;  ///< of the answer's body that are wanted; the rest is not kept
};

/// The final answer, whatever its status: a redirect is an answer, it is not followed.
struct SmallAnswer {
  int status = 0;
  std::optional<Seconds> retry_after;
  std::string body;  ///< the first `answer_bytes`, not cleaned
};

struct SmallRequestLimits {
  std::size_t body_bytes = 20000;
  std::size_t headers = 16;
  std::size_t header_bytes = 8192;  ///< of all names and values
  std::size_t answer_bytes = 4096;
  Millis shortest{100}, longest{30000};  ///< deadline
};

/// Reads the URL of a request that may be made. Errors: scheme, invalid (not a URL, or with user
/// information), malformed (a method, a header field or a deadline that no request has: a line break, a field
/// that is ours to decide, C3), too-large.
Result<HttpUrl> check(const SmallRequest& request, const SmallRequestLimits& limits = {});

}  // namespace restante::net
