// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace restante::http {

/// Whether the value of Accept-Encoding takes gzip (RFC 9110 §12.5.3): named with a weight above 0, or not
/// named while "*" is. An absent header ("") takes it not: who says nothing may be a program that cannot
/// unpack.
bool accepts_gzip(std::string_view accept_encoding);

/// The content of one gzip member (RFC 1952) of `size` bytes; anything else is `decode`.
Result<std::string> unpacked(std::string_view gzip, std::size_t size);

}  // namespace restante::http
