// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/local_ca.hpp"

#include <string>
#include <string_view>

// What helps a person to trust this place's own certificate authority. Plain functions; any thread.
namespace restante::api {

/// The HTML below the heading of /trust: what trusting means, the fingerprint, the files, and the steps.
std::string trust_page_body(const http::LocalCa& authority, std::string_view place);

/// A configuration profile that installs the authority on iOS and macOS (Apple, "Configuration Profile
/// Reference", com.apple.security.root), unsigned. The same authority makes the same bytes.
std::string apple_profile(const http::LocalCa& authority, std::string_view place);

}  // namespace restante::api
