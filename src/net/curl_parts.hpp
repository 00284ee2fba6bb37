// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace restante::net {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using CurlUrl = std::unique_ptr<CURLU, FreeUrl>;

/// A part of a URL that libcurl read. nullopt: it has none, or none that may be shown so (`flags`).
std::optional<std::string> part(CURLU* url, CURLUPart which, unsigned flags = 0);

/// Whether a host, as it stands in a URL or without the brackets, is the one that asks.
bool is_this_machine(std::string_view host);

}  // namespace restante::net
