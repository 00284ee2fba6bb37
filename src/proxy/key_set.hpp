// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proxy/keys.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace restante::proxy {

inline constexpr std::string_view key_set_type = "vnd.restante.keys+jws";

/// The keys that requests for a place are sealed with (RFC 7517 §5).
struct KeySet {
  std::string place;            ///< thumbprint of its identity key
  std::int64_t issued = 0;      ///< seconds since 1970; a set never gives way to an older one
  std::vector<PublicKey> keys;  ///< newest first: that one is sealed for
};

/// {"keys":[...]}, for anybody.
std::string key_set_json(const KeySet& set);

/// Compact JWS by the place's identity key, which goes along as "jwk" (RFC 7515 §4.1.3).
std::string sign_key_set(const PrivateKey& identity, const KeySet& set);

/// Of a place that is known by its thumbprint. Errors: bad-signature (another signer, or changed), malformed.
Result<KeySet> verify_key_set(std::string_view jws, std::string_view pinned_jkt);

}  // namespace restante::proxy
