// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/crypto.hpp"

#include <openssl/types.h>

#include <optional>
#include <string>
#include <string_view>

// The steps that sealing is made of, each as its RFC has it.
namespace restante::proxy {

inline constexpr std::size_t key_size = 32, wrapped_size = key_size + 8, nonce_size = 12, tag_size = 16;

/// The secret that two P-256 keys have in common (RFC 6090 §4); empty if there is none. `theirs` was checked
/// to lie on the curve.
Secret agree(EVP_PKEY* ours, EVP_PKEY* theirs);

/// The Concat KDF with one round of SHA-256 (RFC 7518 §4.6.2): `bytes` of the digest, at most 32.
Secret concat_kdf(const Secret& agreed, std::string_view algorithm, std::string_view apu,
                  std::string_view apv, std::size_t bytes);

/// AES-256 key wrap (RFC 3394 §2.2).
Secret wrap_key(const Secret& wrapping, const Secret& key);
/// Empty if it was changed, or wrapped by another key.
Secret unwrap_key(const Secret& wrapping, std::string_view wrapped);

/// AES-256-GCM (RFC 7518 §5.3).
struct EncryptedContent {
  std::string nonce, content, tag;
};
EncryptedContent encrypt(const Secret& key, std::string_view plain, std::string_view bound);
/// nullopt: another key, or something was changed.
std::optional<Secret> decrypt(const Secret& key, const EncryptedContent& sealed, std::string_view bound);

}  // namespace restante::proxy
