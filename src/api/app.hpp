// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace restante::api {

/// One file of the web app, as scripts/embed_app.py put it into the program. All of it lives as long as that.
struct AppFile {
  std::string_view path;  ///< "/assets/index-x.js"; "/index.html" is the page, whatever path it is seen at
  std::string_view media_type;
  std::string_view digest;  ///< of its bytes, for the ETag
  std::string_view body;    ///< gzip, or as it is where that is shorter
  std::size_t size = 0;     ///< unpacked
  bool packed = false;      ///< whether `body` is gzip
  bool immutable = false;   ///< its name changes with its bytes
};
using App = std::span<const AppFile>;

inline constexpr std::string_view app_page_path = "/index.html";

}  // namespace restante::api
