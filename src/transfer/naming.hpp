// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/curl_url.hpp"

#include <string>
#include <string_view>

namespace restante::transfer {

/// The file name of a Content-Disposition field (RFC 6266): `filename*` (RFC 8187) wins over `filename`; real
/// life's bare UTF-8, ISO 8859-1, unquoted spaces and missing dispositions are understood. "" if there is
/// none. Decoded but not cleaned: it may hold slashes and dots. At most 1 KiB.
std::string disposition_name(std::string_view field);
bool is_attachment(std::string_view field);

/// The last segment of the URL's path, percent-decoded; "" for "/".
std::string url_name(const net::HttpUrl& url);

}  // namespace restante::transfer
