// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace restante {

/// 16 bytes, written as 32 lower-case hexadecimal digits. Tag keeps the kinds of id apart.
template <class Tag>
struct Id128 {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Id128&) const = default;

  std::string text() const {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(32);
    for (std::uint8_t byte : bytes) {
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
    return out;
  }

  /// Nothing but exactly 32 lower-case hexadecimal digits is an id.
  static std::optional<Id128> parse(std::string_view text) {
    if (text.size() != 32) return std::nullopt;
    Id128 id;
    for (std::size_t i = 0; i < 32; ++i) {
      const char c = text[i];
      int nibble;
      if (c >= '0' && c <= '9')
        nibble = c - '0';
      else if (c >= 'a' && c <= 'f')
        nibble = c - 'a' + 10;
      else
        return std::nullopt;
      id.bytes[i / 2] = static_cast<std::uint8_t>(id.bytes[i / 2] << 4 | nibble);
    }
    return id;
  }
};

using JobId =
    Id128<struct JobTag>;  ///< first half of SHA-256("restante-job\0" jkt "\0" proxy-id), DESIGN.md §6
using FileId = Id128<struct FileTag>;  ///< random; a published file

/// Database number of an account; never shown outside the server.
struct AccountId {
  std::int64_t value = 0;
  auto operator<=>(const AccountId&) const = default;
};

/// RFC 7638 SHA-256 thumbprint of a device's public key (43 characters of base64url), or "session:<hash>"
/// without a key.
struct DeviceId {
  std::string value;
  auto operator<=>(const DeviceId&) const = default;
};

}  // namespace restante

template <class Tag>
struct std::hash<restante::Id128<Tag>> {
  std::size_t operator()(const restante::Id128<Tag>& id) const noexcept {
    std::size_t h;
    std::memcpy(&h, id.bytes.data(), sizeof h);
    return h;
  }
};
template <>
struct std::hash<restante::AccountId> {
  std::size_t operator()(restante::AccountId id) const noexcept {
    return std::hash<std::int64_t>()(id.value);
  }
};
