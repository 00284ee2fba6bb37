// SPDX-License-Identifier: Apache-2.0
#include "proxy/keys.hpp"

#include "base/text.hpp"
#include "proxy/jws.hpp"

#include <gtest/gtest.h>

namespace restante::proxy {
namespace {

// RFC 7515, appendix A.3.
constexpr std::string_view rfc_key =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
constexpr std::string_view rfc_input =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr std::string_view rfc_signature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/// A JWS by `key` with this header; for headers that sign_compact never makes.
std::string with_header(const PrivateKey& key, std::string_view header) {
  const auto input = to_base64url(header) + "." + to_base64url("payload");
  return input + "." + to_base64url(key.sign(input));
}

TEST(Keys, VerifyTheSignatureOfRfc7515) {
  const auto key = PublicKey::from_jwk(rfc_key);
  ASSERT_TRUE(key) << key.error().message;

  EXPECT_TRUE(key->verify(rfc_input, *from_base64url(rfc_signature)));
  EXPECT_FALSE(key->verify(std::string(rfc_input) + "x", *from_base64url(rfc_signature)));
}

TEST(Keys, HaveTheThumbprintOfRfc7638) {
  EXPECT_EQ(PublicKey::from_jwk(rfc_key)->thumbprint(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

TEST(Keys, AreTheSameAfterPemAndJwk) {
  const auto key = PrivateKey::generate();

  const auto again = PrivateKey::from_pem(key.pem());

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->public_key().thumbprint(), key.public_key().thumbprint());
  EXPECT_EQ(PublicKey::from_jwk(key.public_key().jwk())->thumbprint(), key.public_key().thumbprint());
  EXPECT_TRUE(key.pem().starts_with("-----BEGIN PRIVATE KEY-----"));
}

TEST(Keys, SignSoThatOnlyTheirPublicHalfVerifies) {
  const auto key = PrivateKey::generate();
  const auto signature = key.sign("message");

  ASSERT_EQ(signature.size(), 64u);
  EXPECT_TRUE(key.public_key().verify("message", signature));
  EXPECT_FALSE(PrivateKey::generate().public_key().verify("message", signature));
  EXPECT_FALSE(key.public_key().verify("massage", signature));
  EXPECT_FALSE(key.public_key().verify("message", signature.substr(1)));
  EXPECT_FALSE(key.public_key().verify("message", std::string(64, '\0')));
}

TEST(Keys, SignaturesAlwaysHaveTheirFullLength) {
  const auto key = PrivateKey::generate();

  // One in 128 has an r or an s with a leading zero byte.
  for (int i = 0; i < 600; ++i) {
    const auto message = std::to_string(i);
    const auto signature = key.sign(message);
    ASSERT_EQ(signature.size(), 64u);
    ASSERT_TRUE(key.public_key().verify(message, signature)) << i;
  }
}

TEST(Keys, RefuseJwksThatAreNoP256Key) {
  const std::string good(rfc_key);
  const auto with = [&](const std::string& from, const std::string& to) {
    auto out = good;
    return out.replace(out.find(from), from.size(), to);
  };

  for (const auto& jwk : {std::string(), std::string("[]"), with("EC", "RSA"), with("P-256", "P-384"),
                          with("f83O", "f83P"), with("f83O", "AAAAf83O"), with("\"x\"", "\"z\""),
                          with("f83O", "f8=O"), with("\"kty\"", "\"d\":\"AAAA\",\"kty\"")})
    EXPECT_FALSE(PublicKey::from_jwk(jwk)) << jwk;
}

TEST(Keys, RefusePemThatIsNoPlainP256Key) {
  EXPECT_FALSE(PrivateKey::from_pem(""));
  EXPECT_FALSE(PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
}

TEST(Jws, CarriesItsPayload) {
  const auto key = PrivateKey::generate();

  const auto verified =
      verify_compact(sign_compact(key, "{\"a\":1}", "test+jws"), key.public_key(), "test+jws");

  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->payload, "{\"a\":1}");
  EXPECT_EQ(verified->kid, key.public_key().thumbprint());
}

TEST(Jws, IsRefusedByAnotherKeyAndForAnotherPurpose) {
  const auto key = PrivateKey::generate();
  const auto jws = sign_compact(key, "payload", "one");

  EXPECT_FALSE(verify_compact(jws, PrivateKey::generate().public_key(), "one"));
  EXPECT_FALSE(verify_compact(jws, key.public_key(), "other"));
}

TEST(Jws, IsRefusedAfterAnyChange) {
  const auto key = PrivateKey::generate();
  const auto jws = sign_compact(key, "payload", "one");

  for (std::size_t i = 0; i < jws.size(); ++i) {
    auto changed = jws;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto verified = verify_compact(changed, key.public_key(), "one");
    ASSERT_FALSE(verified) << i;
    EXPECT_EQ(verified.error().reason, Reason::unauthenticated);
  }
}

TEST(Jws, RefusesHeadersThatWeakenIt) {
  const auto key = PrivateKey::generate();
  const auto kid = key.public_key().thumbprint();
  const auto header = [&](const std::string& alg, const std::string& more) {
    return R"({"alg":")" + alg + R"(","kid":")" + kid + R"(","typ":"one")" + more + "}";
  };
  ASSERT_TRUE(verify_compact(with_header(key, header("ES256", "")), key.public_key(), "one"));

  for (const auto& bad :
       {header("none", ""), header("HS256", ""), header("ES384", ""), header("es256", ""),
        header("ES256", R"(,"crit":["b64"],"b64":false)"), header("ES256", R"(,"alg":"ES256")"),
        std::string(R"({"alg":"ES256","typ":"one"})"), std::string("[]"), std::string("x")})
    EXPECT_FALSE(verify_compact(with_header(key, bad), key.public_key(), "one")) << bad;
}

TEST(Jws, RefusesOtherShapes) {
  const auto key = PrivateKey::generate();
  const auto jws = sign_compact(key, "payload", "one");

  for (const auto& bad : {std::string(), std::string("."), std::string(".."), jws + ".", jws + "=", " " + jws,
                          jws + "\n", jws.substr(0, jws.rfind('.') + 1)})
    EXPECT_FALSE(verify_compact(bad, key.public_key(), "one")) << bad;
}

}  // namespace
}  // namespace restante::proxy
