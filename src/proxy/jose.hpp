// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/result.hpp"
#include "proxy/keys.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

// JSON Web Encryption (RFC 7516) as far as requests need it: one recipient, ECDH-ES+A256KW on P-256 (RFC 7518
// §4.6), A256GCM (§5.3).
namespace restante::proxy {

inline constexpr std::string_view sealed_type = "vnd.restante.sealed+json";
inline constexpr std::string_view signed_type = "vnd.restante.proxy+jws";

enum class SealedForm { compact, json };  ///< compact; or flattened JSON (RFC 7516 §7.2.2)

/// The private halves that we can open with, found by names_key.
class DecryptionKeys {
public:
  virtual ~DecryptionKeys() = default;
  virtual std::shared_ptr<const PrivateKey> decryption_key(std::string_view kid) const = 0;
};

/// Seals for one recipient; `exp` (seconds since 1970) bounds how long it may be handed in. The compact form
/// leaves out of its header what the signed document inside says anyway, and shortens `kid`: a request for
/// one URL has to fit a QR code.
std::string seal_for(const PublicKey& recipient, std::string_view signed_document, std::int64_t exp,
                     SealedForm form);

/// What anybody can read of a sealed document.
struct SealedHead {
  std::string kid;                  ///< of the key that it is sealed for, see names_key
  std::optional<std::int64_t> exp;  ///< seconds since 1970; not in the compact form that we make
  SealedForm form = SealedForm::compact;
};

inline constexpr std::size_t short_kid_size = 11;  ///< base64url characters: 64 bits
/// Whether `kid` names the key with this thumbprint: all of it, or at least its first 11 characters.
bool names_key(std::string_view kid, std::string_view thumbprint);

/// Errors: seal-refused, too-large.
Result<SealedHead> read_sealed_head(std::string_view sealed);

/// Compact, flattened JSON, or general JSON with one recipient. At most one key agreement. Errors:
/// seal-refused (outside the profile), not-for-me (no key of ours), expired, bad-signature (changed on the
/// way), too-large.
Result<Secret> open_sealed(std::string_view sealed, const DecryptionKeys& keys, Instant now);

}  // namespace restante::proxy
