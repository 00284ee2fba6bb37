// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "proxy/json_tree.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace restante::proxy {

/// The public half of a P-256 key, as a JWK (RFC 7517).
struct PublicKey {
  std::string x, y;  ///< 32 bytes each, raw
  /// As OpenSSL has it, once it has proven to lie on the curve (an EVP_PKEY); none: not looked at yet. May be
  /// shared by threads.
  std::shared_ptr<void> checked = nullptr;

  std::string jwk() const;                                   ///< {"crv":"P-256","kty":"EC","x":..,"y":..}
  std::string thumbprint() const;                            ///< RFC 7638, SHA-256, base64url: 43 characters
  static Result<PublicKey> from_jwk(std::string_view json);  ///< refuses points off the curve
  /// ES256 (RFC 7518 §3.4): signature is raw r||s, 64 bytes.
  bool verify(std::string_view message, std::string_view signature) const;
};

/// A JWK that is an object inside a larger JSON text. Error invalid.
Result<PublicKey> public_key_of(const JsonTree& tree, const JsonTree::Node& node);

/// A P-256 private key: the identity of a server or of a device (DESIGN.md §7, Keys).
class PrivateKey {
public:
  static PrivateKey generate();
  static Result<PrivateKey> from_pem(std::string_view pem);  ///< PKCS#8, unencrypted
  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;
  ~PrivateKey();

  std::string pem() const;
  PublicKey public_key() const;
  std::string sign(std::string_view message) const;  ///< ES256, raw r||s
  void* native() const;                              ///< EVP_PKEY*, owned by this object; for the certificate

private:
  struct State;
  explicit PrivateKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace restante::proxy
