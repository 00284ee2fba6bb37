// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace restante::http {

/// A request target (RFC 9112 §3.2) taken apart.
struct Target {
  std::string path;  ///< raw, with its leading slash; "*" for the asterisk form
  /// Decoded. "/" has none, "/a/" has "a" and "".
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded; "+" is a space
  std::string authority;  ///< of the absolute form, which replaces Host; else empty
};

/// Error invalid: bytes outside printable ASCII, a fragment, a broken percent sign, an encoded slash,
/// backslash or control, a dot segment, text that is not UTF-8, or a form that is not for us.
Result<Target> parse_target(std::string_view raw);

/// What "%41" stands for; nullopt for a broken percent sign.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// Whether a Host value is a name, an IPv4 address or a bracketed IPv6 address with an optional port.
bool valid_host(std::string_view host);

}  // namespace restante::http
