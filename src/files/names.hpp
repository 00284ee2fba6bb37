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

/// One file or folder name that is safe on Linux, Windows and macOS, and shows what it is: valid UTF-8 in
/// normal form C; no control or format characters (bidi overrides, zero width), none of \ / : * ? " < > |; no
/// dot or blank at either end, no "~" there; no Windows device name; no control name of a downloader (.aria2,
/// .part), of a desktop (desktop.ini) or shortcut (.lnk, .url); at most 255 bytes, cut between characters as
/// people see them, with the extension kept. What is replaced becomes "_", as Chromium does it. Empty if
/// nothing is left.
std::string clean_segment(std::string_view raw);

/// A relative name with "/" between folders. Empty, "." and ".." segments are left out; what remains is
/// cleaned. "download" if nothing is left.
std::string clean_name(std::string_view wanted);

/// The same for two names that file systems without regard to case or normal form take for one.
std::string name_key(std::string_view name);

/// "a.bin" and 1: "a (1).bin"; "b.tar.gz": "b (1).tar.gz". Of a path only the last segment changes; at most
/// 255 bytes.
std::string numbered(std::string_view name, int number);

/// "a.bin" and "2026-11-23": "a 2026-11-23.bin"; else as numbered.
std::string marked(std::string_view name, std::string_view mark);

std::vector<std::string> split_path(std::string_view path);

}  // namespace restante::files
