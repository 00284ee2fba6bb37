// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace restante {

/// XXH3, 64 bits. Finds damage, not malice.
std::uint64_t checksum64(std::string_view bytes);

}  // namespace restante
