// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proxy/jose.hpp"

#include <optional>
#include <string>
#include <string_view>

// The envelope around a document: signed by the device that made it, and sealed for its place (FORMATS.md
// §1).
namespace restante::proxy {

/// Compact JWS (RFC 7515) over exactly these bytes.
std::string sign_document(const PrivateKey& device, std::string_view core);

/// Whom we know, and what we can open.
class EnvelopeKeys : public DecryptionKeys {
public:
  virtual std::optional<PublicKey> device_key(std::string_view jkt) const = 0;
};

/// A document whose signature held.
struct OpenedDocument {
  Secret core;         ///< exactly as the device made it
  std::string device;  ///< thumbprint of the device's key
  bool sealed = false;
};

/// Opens what came, sealed or only signed: checks 1 to 7 of FORMATS.md §1.6, in that order, and the
/// signature's type. Errors: those of open_sealed, unknown-device, bad-signature.
Result<OpenedDocument> open_document(std::string_view text, const EnvelopeKeys& keys, Instant now);

/// The document in "web+restante:p/DOCUMENT", "https://HOST/p#DOCUMENT" or bare text, without white space
/// around it.
std::string_view envelope_in(std::string_view text);

/// Whether it looks like a sealed (not only signed) document. Nothing is opened.
bool looks_sealed(std::string_view text);
/// Whether it looks like a signed (not sealed) one.
bool looks_signed(std::string_view text);

}  // namespace restante::proxy
