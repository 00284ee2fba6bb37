// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.hpp"

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace restante::http {

/// How the message around a response is framed.
struct Framing {
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool http_1_0 = false;  ///< of the request; then keep-alive must be said
};

/// The status line and all header lines with the empty line, appended to `out`. Adds Date and, unless the
/// response has its own: nosniff, a Content-Security-Policy that forbids framing, no-referrer, no-store.
void append_head(std::string& out, const Response& response, const Framing& framing);

/// IMF-fixdate (RFC 9110 §5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::int64_t seconds);
/// The same, and the two obsolete forms that §5.6.7 asks receivers to know; nullopt for anything else.
std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now_s);

std::string_view status_text(int status);

}  // namespace restante::http
