// SPDX-License-Identifier: Apache-2.0
#include "fuzz.hpp"
#include "proxy/jws.hpp"
#include "proxy/keys.hpp"

#include <string>

// Public keys as JWK, signed texts (compact JWS), private keys as PEM. The corpus has texts signed with the
// key below.
namespace restante::fuzz {

namespace {

constexpr std::string_view signer_pem = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1Lv4lN9sk93Rry2y
5vwia3Xadmwik/7kMmZWjs6rb1ShRANCAASMdreWog1DpJgoxiCiPS782awhcOGR
BQqDwXYyZTwkIZMmDWBmo7NlH7M0Vht18ItUTu0kDiFt9VEqxb93Xz5X
-----END PRIVATE KEY-----
)";
constexpr std::string_view typ = "restante-fuzz";
constexpr std::string_view the_payload = "the only text that was ever signed with this key";

const proxy::PrivateKey& signer() {
  static const proxy::PrivateKey key = proxy::PrivateKey::from_pem(signer_pem).value();
  return key;
}

}  // namespace

void key(std::string_view input) {
  if (input.starts_with("-----")) {
    if (const auto secret = proxy::PrivateKey::from_pem(input)) {
      const auto again = proxy::PrivateKey::from_pem(secret->pem());
      check(again && again->public_key().thumbprint() == secret->public_key().thumbprint(),
            "a private key that is written is read");
    }
    return;
  }
  if (const auto read = proxy::PublicKey::from_jwk(input)) {
    const auto again = proxy::PublicKey::from_jwk(read->jwk());
    check(again && again->x == read->x && again->y == read->y, "a key that is written is read");
    check(read->thumbprint().size() == 43, "a thumbprint has 43 characters");
    check(!read->verify(the_payload, std::string(64, '\x01')), "a made-up signature is wrong");
  }
  static const proxy::PublicKey known = signer().public_key();
  if (const auto verified = proxy::verify_compact(input, known, typ)) {
    check(verified->payload == the_payload, "only what was signed is verified");
    check(verified->kid == known.thumbprint(), "the key is the one that was asked for");
  }
  static const std::string own = proxy::sign_compact(signer(), the_payload, typ);
  static const bool good = proxy::verify_compact(own, known, typ).has_value();
  check(good, "a text that was signed is verified");
}

}  // namespace restante::fuzz
