// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/crypto.hpp"
#include "base/result.hpp"
#include "proxy/keys.hpp"

#include <optional>
#include <string>
#include <string_view>

// JSON Web Signature (RFC 7515), compact, with ES256 (RFC 7518 §3.4) alone.
namespace restante::proxy {

inline constexpr std::size_t largest_jws = 1024 * 1024;

/// Over `payload`; header {"alg","kid","typ"} with `typ` as given.
std::string sign_compact(const PrivateKey& key, std::string_view payload, std::string_view typ);
/// The same with the public key in the header as "jwk".
std::string sign_introducing(const PrivateKey& key, std::string_view payload, std::string_view typ);

struct Verified {
  std::string payload;
  std::string kid;
};
/// Accepts only alg ES256 and exactly `typ`, no crit, kid equal to the key's thumbprint. Error:
/// unauthenticated.
Result<Verified> verify_compact(std::string_view jws, const PublicKey& key, std::string_view typ);

/// A signed text in its parts, whose header stood the whitelist: alg ES256, `typ`, kid, and at most jwk.
/// Nothing is proven yet.
struct SignedParts {
  std::string_view input;  ///< what is signed: the first two parts, in the text that was read
  std::string kid;
  std::optional<PublicKey> introduced;  ///< "jwk"; its thumbprint is `kid`
  Secret payload;
  std::string signature;
};
/// Errors: seal-refused, too-large.
Result<SignedParts> read_signed(std::string_view jws, std::string_view typ);

}  // namespace restante::proxy
