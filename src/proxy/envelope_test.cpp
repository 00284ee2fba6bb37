// SPDX-License-Identifier: Apache-2.0
#include "proxy/envelope.hpp"

#include "proxy/key_set.hpp"

#include <gtest/gtest.h>

namespace restante::proxy {
namespace {

constexpr std::string_view core = R"({"v":1,"id":"01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a"})";
const Instant now{Seconds{1795335600}};
constexpr std::int64_t later = 1796200000;

/// A place with one key, and one device that it knows.
class Known final : public EnvelopeKeys {
public:
  std::shared_ptr<const PrivateKey> decryption_key(std::string_view kid) const override {
    return names_key(kid, place->public_key().thumbprint()) ? place : nullptr;
  }
  std::optional<PublicKey> device_key(std::string_view jkt) const override {
    if (jkt != device.public_key().thumbprint()) return std::nullopt;
    return device.public_key();
  }
  std::shared_ptr<const PrivateKey> place = std::make_shared<const PrivateKey>(PrivateKey::generate());
  PrivateKey device = PrivateKey::generate();
};

TEST(Envelope, OpensWhatWasSignedAndSealed) {
  const Known known;
  for (const auto form : {SealedForm::compact, SealedForm::json}) {
    const auto sealed = seal_for(known.place->public_key(), sign_document(known.device, core), later, form);

    const auto opened = open_document(sealed, known, now);

    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->core.text, core);
    EXPECT_EQ(opened->device, known.device.public_key().thumbprint());
    EXPECT_TRUE(opened->sealed);
  }
}

TEST(Envelope, OpensWhatCameAsALink) {
  const Known known;
  const auto sealed =
      seal_for(known.place->public_key(), sign_document(known.device, core), later, SealedForm::compact);

  EXPECT_TRUE(open_document("web+restante:p/" + sealed + "\n", known, now));
  EXPECT_TRUE(open_document("https://home.example:8443/p#" + sealed, known, now));
}

TEST(Envelope, IsRefusedWithTheReason) {
  const Known known, other;
  const auto reason = [&](const std::string& text, Instant at = now) {
    const auto opened = open_document(text, known, at);
    return opened ? std::string("opened") : std::string(code(opened.error().reason));
  };
  const auto inner = sign_document(known.device, core);

  EXPECT_EQ(reason(seal_for(other.place->public_key(), inner, later, SealedForm::json)), "not-for-me");
  EXPECT_EQ(reason(seal_for(known.place->public_key(), inner, 1, SealedForm::json)), "expired");
  EXPECT_EQ(reason(sign_document(other.device, core)), "unknown-device");
  EXPECT_EQ(reason("a.b.c"), "seal-refused");
  auto changed = seal_for(known.place->public_key(), inner, later, SealedForm::compact);
  changed[changed.size() - 2] = changed[changed.size() - 2] == 'A' ? 'B' : 'A';
  EXPECT_EQ(reason(changed), "bad-signature");
}

TEST(KeySets, AreBelievedOfThePinnedPlaceOnly) {
  const auto identity = PrivateKey::generate(), stranger = PrivateKey::generate();
  const auto pin = identity.public_key().thumbprint();
  const auto key = PrivateKey::generate().public_key();

  const auto good = verify_key_set(sign_key_set(identity, {pin, 5, {key}}), pin);

  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->issued, 5);
  EXPECT_EQ(good->keys.at(0).thumbprint(), key.thumbprint());
  EXPECT_FALSE(verify_key_set(sign_key_set(stranger, {pin, 5, {key}}), pin));
}

}  // namespace
}  // namespace restante::proxy
