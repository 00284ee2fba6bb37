// SPDX-License-Identifier: Apache-2.0
#include "base/uuid.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace restante {

std::string uuid_v7(Instant now) {
  std::array<std::uint8_t, 16> bytes{};
  random_bytes(bytes.data(), bytes.size());
  auto ms = static_cast<std::uint64_t>(now.time_since_epoch().count());
  for (std::size_t i = 6; i-- > 0; ms >>= 8) bytes[i] = static_cast<std::uint8_t>(ms);
  bytes[6] = static_cast<std::uint8_t>(0x70 | (bytes[6] & 0x0f));
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));
  std::string hex = to_hex(bytes);
  for (const std::size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, "-");
  return hex;
}

}  // namespace restante
