// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/curl_url.hpp"
#include "transfer/header_block.hpp"

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace restante::transfer {

/// Which content servers are asked by HTTP/2 (RFC 9113), and which by HTTP/1.1. One for a worker.
class HttpVersions {
public:
  enum class Http2 {
    never,
    needed,  ///< by servers that will not answer HTTP/1.1
    always   ///< wherever TLS agrees on it
  };
  /// "never", "needed", "always".
  static std::optional<Http2> parse(std::string_view text);

  /// `most`: servers that are remembered; beyond, all are forgotten, and asked once more in vain.
  HttpVersions(Http2 use, std::size_t most) : use_(use), most_(most) {}

  bool asks_by_http2(const net::HttpUrl& url) const;
  /// The server would not answer: whether to ask it again, by HTTP/2 from now on.
  bool turns_to_http2(const net::HttpUrl& url);
  /// Whether such an answer says that HTTP/1.1 was the trouble: 505, or 426 that names h2 (RFC 9110 §15.6.6,
  /// §15.5.22).
  static bool refuses_http1(const HeaderBlock& head);

private:
  Http2 use_;
  std::size_t most_;
  std::set<std::string> need_it_;  ///< origins
};

}  // namespace restante::transfer
