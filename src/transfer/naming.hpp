// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/curl_url.hpp"
#include "transfer/disposition.hpp"

#include <string>
#include <string_view>

namespace restante::transfer {

/// The last segment of the URL's path up to a semicolon, percent-decoded; "" for "/". Not cleaned.
std::string url_name(const net::HttpUrl& url);

/// What an answer would be called: its Content-Disposition, else its URL, else "download". A name from the
/// URL that says nothing about its kind ("/get?id=3", "/download.php?id=3") gets the ending of the media type
/// where that is beyond doubt. Not cleaned.
std::string suggested_name(std::string_view disposition, const net::HttpUrl& url,
                           std::string_view media_type);

}  // namespace restante::transfer
