// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace restante::transfer {

/// "%41" becomes "A"; a percent sign without two digits stays.
std::string percent_decoded(std::string_view text);

/// A name from outside before it leaves this module: controls are "_", at most 1 KiB and not cut within a
/// character.
std::string bounded_name(std::string_view name);

}  // namespace restante::transfer
