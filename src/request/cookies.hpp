// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "proxy/document.hpp"

#include <string_view>
#include <vector>

namespace restante::request {

/// The cookies of a Netscape cookies file (as curl, wget and browser extensions write it) that a browser
/// would send to this URL: domain, path and `secure` fit, and they have not expired. Lines are seven fields
/// between tabs: domain, include subdomains, path, secure, expiry (seconds since 1970, 0: end of session),
/// name, value;
/// "#HttpOnly_" before the domain is read too. Error: invalid, naming the line.
Result<std::vector<proxy::Cookie>> cookies_for(std::string_view file, std::string_view url, Instant now);

}  // namespace restante::request
