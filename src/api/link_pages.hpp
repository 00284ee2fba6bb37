// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The pages behind links (docs/links.md): what people see who were given one. None of them changes anything
// by being looked at. Plain functions.
namespace restante::api {

/// The one answer for links that are unknown, revoked, over, or lead to nothing: the same bytes for all.
http::Response gone_page();

/// What a link asks for before it gives its data.
struct LinkQuestion {
  bool password = false;
  bool login = false;
  std::optional<std::int64_t> uses_left;
  std::string wrong;  ///< why the answer before was not taken
  int status = 200;
};
http::Response question_page(const LinkQuestion& question);

struct FolderPage {
  struct Entry {
    std::string name, href, size;  ///< text; `href` is a path below the link, encoded
  };
  std::string title;  ///< the folder's own name, text
  std::string up;     ///< the path of the folder above, inside the link; empty: there is none
  std::vector<Entry> folders, files;
  std::size_t left_out = 0;  ///< entries that are not shown
};
http::Response folder_page(const FolderPage& folder);

/// A link's question cannot be answered now: over an open connection, or too much is going on.
http::Response refusal_page(int status, std::string_view title, std::string_view words);

/// A name as a segment of a path (RFC 3986 §3.3): everything but unreserved characters is encoded.
std::string path_segment(std::string_view name);

}  // namespace restante::api
