// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace restante::proxy {

/// The parts of a URL as views into it. Only what every parser reads in the same way gets this far: RFC 3986
/// with an authority, ASCII, no percent-encoding in the host, schemes http, https, ftp, ftps and sftp.
struct UrlParts {
  std::string_view scheme;    ///< as written
  std::string_view userinfo;  ///< percent-encoded, without '@'
  std::string_view host;      ///< as written; IPv6 with its brackets
  std::string_view rest;      ///< path, query and fragment
  std::optional<std::uint16_t> port;
  bool has_userinfo = false;
};

/// Errors (with words for people, without a pointer): scheme, invalid.
Result<UrlParts> split_url(std::string_view url);

/// Undoes percent-encoding; nullopt if an escape is broken.
std::optional<std::string> percent_decode(std::string_view text);

/// A URL as people and pages write it: spaces around it dropped, "http://" added before a bare host name,
/// characters outside RFC 3986 percent-encoded (UTF-8), scheme and host in lower case. Host names beyond
/// ASCII are refused with the advice to give the xn-- form. Errors: scheme, invalid.
Result<std::string> tidy_url(std::string_view text);

}  // namespace restante::proxy
