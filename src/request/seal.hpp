// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace restante::request {

inline constexpr std::size_t seal_key_size = 32;

/// AES-256-GCM with a random nonce of 96 bits; `bound` (a name) must be the same when it is opened. What is
/// kept on this device and holds secrets is sealed under a key of the device.
std::string seal(std::string_view key, std::string_view plain, std::string_view bound);

/// nullopt: not ours, damaged, another key or another name.
std::optional<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view bound);

}  // namespace restante::request
