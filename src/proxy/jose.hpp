// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/result.hpp"
#include "proxy/keys.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

// JSON Web Encryption (RFC 7516) as far as requests need it: one recipient, ECDH-ES+A256KW on P-256 (RFC 7518
// §4.6), A256GCM (§5.3).
namespace restante::proxy {

inline constexpr std::string_view sealed_type = "vnd.restante.sealed+json";
inline constexpr std::string_view signed_type = "vnd.restante.proxy+jws";

enum class SealedForm { compact, json };  ///< compact; or flattened JSON (RFC 7516 §7.2.2)

/// The private halves that we can open with, by the thumbprint of their keys.
class DecryptionKeys {
public:
  virtual ~DecryptionKeys() = default;
  virtual std::shared_ptr<const PrivateKey> decryption_key(std::string_view kid) const = 0;
};

/// Seals for one recipient; `exp` (seconds since 1970) bounds how long it may be handed in.
std::string seal_for(const PublicKey& recipient, std::string_view signed_document, std::int64_t exp,
                     SealedForm form);

/// What anybody can read of a sealed document.
struct SealedHead {
  std::string kid;  ///< thumbprint of the key that it is sealed for
  std::int64_t exp = 0;
  SealedForm form = SealedForm::compact;
};
/// Errors: seal-refused, too-large.
Result<SealedHead> read_sealed_head(std::string_view sealed);

/// Compact, flattened JSON, or general JSON with one recipient. At most one key agreement. Errors:
/// seal-refused (outside the profile), not-for-me (no key of ours), expired, bad-signature (changed on the
/// way), too-large.
Result<Secret> open_sealed(std::string_view sealed, const DecryptionKeys& keys, Instant now);

}  // namespace restante::proxy
