// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace restante {

/// RFC 3339 in UTC with milliseconds only where there are any: "2026-11-28T00:00:00Z".
std::string to_rfc3339(Instant instant);

/// RFC 3339 with a numeric offset or Z; nothing else. Fractions of a second are cut to milliseconds.
std::optional<Instant> from_rfc3339(std::string_view text);

std::string to_hex(std::span<const std::uint8_t> bytes);
std::optional<std::string> from_hex(std::string_view text);  ///< lower or upper case; bytes in a string

/// RFC 4648 §5 without padding; the parser is strict (no padding, no stray bits, no white space).
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);
/// RFC 4648 §4 with padding.
std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

/// "10G", "1.5M", "500k", "1234": powers of 1024 as people mean them on a command line; nullopt if it is not
/// a size.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// "1.2 GiB", for people.
std::string human_size(std::uint64_t bytes);

bool is_utf8(std::string_view text);
std::string ascii_lower(std::string_view text);
/// Without the blanks at both ends.
std::string_view trimmed(std::string_view text, std::string_view blanks = " \t\r\n");
bool iequals(std::string_view a, std::string_view b);  ///< ASCII only

/// A URL as it may be logged or shown: without user information, query and fragment.
std::string url_for_logs(std::string_view url);

}  // namespace restante
