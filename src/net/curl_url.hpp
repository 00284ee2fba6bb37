// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace restante::net {

/// A URL of a content server that libcurl and Boost.URL read alike (THREATS.md A11).
struct HttpUrl {
  std::string text;    ///< canonical: lower-case scheme and ASCII host, no user information, no fragment
  std::string scheme;  ///< "http" | "https"; of parse_ftp_url "ftp" | "ftps" | "sftp"
  std::string host;    ///< lower case, without brackets; IPv4 in four decimal fields; IDNA as xn--
  std::uint16_t port = 0;
  std::string path;    ///< percent-encoded, begins with '/'
  std::string origin;  ///< "scheme://host[:port]", default port left out
};

/// Reads an absolute URL. Errors: scheme (not http or https), invalid (not a URL, control characters, the two
/// parsers disagree).
Result<HttpUrl> parse_url(std::string_view text);

/// Reads an absolute URL of a file server: ftp, ftps or sftp, where a '?' stands for itself only as "%3F". A
/// ";type=i" behind the path (RFC 1738 §3.2.2) is dropped: everything is fetched as bytes. Errors as above.
Result<HttpUrl> parse_ftp_url(std::string_view text);

/// Reads an absolute URL of any of the five schemes. Errors as above.
Result<HttpUrl> parse_any_url(std::string_view text);

/// Reads a Location field relative to `base` (RFC 9110 §10.2.2). Errors as above.
Result<HttpUrl> resolve_url(const HttpUrl& base, std::string_view reference);

}  // namespace restante::net
