// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace restante::transfer {

/// The file name of a Content-Disposition field, read as Chromium reads it (tests/names holds both side by
/// side): RFC 6266 with `filename*` (RFC 8187) before `filename`, and in `filename` what servers really send:
/// percent encoding, encoded words (RFC 2047), bare UTF-8, and bytes of windows-1252. "" if there is none
/// that can be read. Decoded but not cleaned: it may hold slashes and dots. Controls are "_". At most 1 KiB.
std::string disposition_name(std::string_view field);
bool is_attachment(std::string_view field);

}  // namespace restante::transfer
