// SPDX-License-Identifier: Apache-2.0
#include "proxy/envelope.hpp"

#include "proxy/jws.hpp"
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

/// Sealed JSON whose seal is broken.
std::string broken(std::string sealed) {
  const auto at = sealed.rfind('"') - 2;
  sealed[at] = sealed[at] == 'A' ? 'B' : 'A';
  return sealed;
}

TEST(Envelope, IsCheckedInTheOrderOfTheFormat) {
  // Each breaks one check and all that come after it (FORMATS.md §1.6): the first one's reason is told.
  const Known known, other;
  auto signed_wrongly = sign_document(known.device, core);
  signed_wrongly[signed_wrongly.size() - 3] = signed_wrongly[signed_wrongly.size() - 3] == 'A' ? 'B' : 'A';
  auto by_a_stranger = sign_document(other.device, core);
  by_a_stranger[by_a_stranger.size() - 3] = by_a_stranger[by_a_stranger.size() - 3] == 'A' ? 'B' : 'A';
  const auto of_another_type = sign_compact(other.device, core, "JWT");
  const auto seal = [](const Known& place, const std::string& inner, std::int64_t exp) {
    return seal_for(place.place->public_key(), inner, exp, SealedForm::json);
  };
  const std::string padding(2u << 20, ' ');
  const std::vector<std::pair<std::string, std::string>> wanted{
      {"bad-signature", seal(known, signed_wrongly, later)},
      {"unknown-device", seal(known, by_a_stranger, later)},
      {"seal-refused", seal(known, of_another_type, later)},
      {"bad-signature", broken(seal(known, of_another_type, later))},
      {"expired", broken(seal(known, of_another_type, 1))},
      {"not-for-me", broken(seal(other, of_another_type, 1))},
      {"too-large", broken(seal(other, of_another_type, 1)).insert(1, padding)}};

  for (const auto& [reason, document] : wanted) {
    const auto opened = open_document(document, known, now);
    ASSERT_FALSE(opened) << reason;
    EXPECT_EQ(code(opened.error().reason), reason) << opened.error().message;
  }
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
