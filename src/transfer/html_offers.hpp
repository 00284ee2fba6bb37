// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/offers.hpp"
#include "net/curl_url.hpp"
#include "transfer/html_page.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What a page offers. Pure: values in, values out; what comes out is sound (worker/offered.hpp).
namespace restante::transfer {

/// A page as it came.
struct FetchedPage {
  std::string_view html;
  std::string_view content_type;  ///< the field with its parameters; may be empty
  net::HttpUrl url;               ///< from which it came, after redirects
  bool cut = false;               ///< its end is missing
};
jobs::Offers offers_of_html(const FetchedPage& page);

/// The entries, if the page is the listing of a folder as nginx, Apache, lighttpd, Caddy, IIS and Python's
/// http.server make them.
struct Listing {
  std::vector<jobs::Offer> entries;
  std::size_t unusable = 0;  ///< entries that no request could ask for
};
std::optional<Listing> index_offers(const HtmlPage& page, const net::HttpUrl& url);

/// Links and media of any other page, each address once; what looks like a page stands behind all else.
std::vector<jobs::Offer> link_offers(const HtmlPage& page, const net::HttpUrl& url);

/// Where a reference leads, as the URL Standard reads it in a page: spaces around it, tabs and line breaks in
/// it, backslashes. Absolute, without a fragment; nothing if no request can be made for it.
std::optional<std::string> resolve_reference(const net::HttpUrl& base, std::string_view reference);

/// The last segment of the path as a name: decoded, UTF-8; empty if it has none or no file could have it.
std::string last_segment(std::string_view url);
/// The same with "_" for what no name has; empty only where nothing is left of it.
std::string shown_segment(std::string_view url);

}  // namespace restante::transfer
