// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace restante::files {

struct NameLimits {
  std::size_t segment_bytes = 255;  ///< what Linux file systems hold
  std::size_t path_bytes = 2048;    ///< of the whole relative name; folders are left out from the front
  std::size_t depth = 32;           ///< segments
};

/// One file or folder name that is safe on Linux, Windows and macOS, and shows what it is: no control or
/// invisible characters (bidi overrides), none of \ / : * ? " < > |, no leading dot, no trailing dot or
/// space, no Windows device name, no control name of a downloader (.aria2, .part) or shortcut (.lnk, .url),
/// at most 255 bytes with the extension kept, valid UTF-8. Empty if nothing is left.
std::string clean_segment(std::string_view raw);

/// A relative name with "/" between folders. Empty, "." and ".." segments are left out; what remains is
/// cleaned. "download" if nothing is left.
std::string clean_name(std::string_view wanted);

/// "a.bin" and 1: "a (1).bin"; "b.tar.gz": "b (1).tar.gz". Of a path only the last segment changes; at most
/// 255 bytes.
std::string numbered(std::string_view name, int number);

std::vector<std::string> split_path(std::string_view path);

}  // namespace restante::files
