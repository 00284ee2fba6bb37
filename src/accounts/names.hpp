// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace restante::accounts {

/// An account's name is also a folder's: 1..64 of [a-z0-9._-], starting with a letter or digit. Error
/// invalid.
Result<void> check_name(std::string_view name);

/// What a person calls a device, made safe to show: no control characters, at most 64 bytes, never empty.
std::string clean_label(std::string_view label);

/// What sign-ins are counted by: an IPv4 address, or the /64 of an IPv6 one. Other texts stay as they are.
std::string peer_group(std::string_view address);

}  // namespace restante::accounts
