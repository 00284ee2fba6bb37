// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace restante::transfer {

/// Text of a named charset (UTF-8, US-ASCII and those of one byte a character that names are met in) as
/// UTF-8; what is no character becomes U+FFFD. Nothing if the charset is not known here.
std::optional<std::string> to_utf8(std::string_view text, std::string_view charset);

}  // namespace restante::transfer
