// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/curl_url.hpp"

#include <cstddef>
#include <string>
#include <string_view>

// Pages that come instead of the content: of a captive portal, of a sign-in, of an error (CONTENT_SERVERS.md
// M52 to M54, M62). Pure: values in, values out.
namespace restante::transfer {

/// How sure it is that a web page is wanted.
enum class PageWish {
  wanted,    ///< something said so: an Accept field, a name that ends in .html, ...
  possible,  ///< the address could be a page's: no extension, or that of a program (.php)
  unlikely   ///< a file is wanted
};

/// What is known before the body.
struct PageClues {
  std::string url_path;     ///< of the source, as the person gave it
  std::string wanted_name;  ///< that the person gave; may be empty
  std::string wanted_type;  ///< media type that the document names; may be empty
  std::string seen_type;    ///< that the content had when it was seen before; may be empty
  std::string accept;       ///< of the request
  bool attachment = false;  ///< Content-Disposition says that it is to be saved
  std::string disposition_name;
};
PageWish page_wish(const PageClues& clues);

/// Whether the body is HTML: by its first bytes whatever its type says, or by its type if the bytes do not
/// contradict (a file of wrong type stays a file, M55). `type` in lower case, without parameters; `name`: of
/// the file, or the source's path; `saved`: Content-Disposition names it.
bool is_html(std::string_view type, std::string_view name, std::string_view first_bytes, bool saved = false);
bool is_html_type(std::string_view type);
inline constexpr std::size_t sniffed_bytes = 512;

/// A form with a field for a password, or the tag by which hot spots name themselves (WISPr).
bool asks_for_password(std::string_view html);
bool is_hot_spot(std::string_view html);

/// How the way to the answer went.
struct WayThere {
  bool redirected = false;
  bool elsewhere = false;       ///< the answer is from another host or port than the one that was asked
  bool to_sign_in = false;      ///< the final address speaks of signing in
  bool carries_origin = false;  ///< its query names the host that was asked: to come back to it later
  bool secure = false;          ///< the answer came over TLS
  bool credentials = false;     ///< the order has some for this source
};
/// Whether host or path say that somebody is to sign in there.
bool speaks_of_signing_in(const net::HttpUrl& url);

enum class PageVerdict {
  content,  ///< it may be what is wanted
  portal,   ///< of a captive portal, an error page, ...: not the file
  sign_in   ///< the session is over, or there never was one
};
/// For a body that is HTML; `html`: its beginning.
PageVerdict judge_page(PageWish wish, const WayThere& way, std::string_view html);

}  // namespace restante::transfer
