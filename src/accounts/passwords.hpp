// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// Argon2id through libsodium, 64 MiB and about 0.1 s each: only ever run in the hash pool.
namespace restante::accounts {

std::string hash_password(std::string_view password);  ///< PHC form; throws std::bad_alloc without memory

struct PasswordCheck {
  bool right = false;
  std::string new_hash;  ///< when right, and the stored one was made with weaker limits
};

/// An empty `hash` (no such user, or no password) costs the same time and is never right.
PasswordCheck check_password(std::string_view password, const std::string& hash);

}  // namespace restante::accounts
