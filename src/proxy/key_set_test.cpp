// SPDX-License-Identifier: Apache-2.0
#include "proxy/key_set.hpp"

#include "base/text.hpp"
#include "proxy/jws.hpp"

#include <gtest/gtest.h>

namespace restante::proxy {
namespace {

class SignedKeySets : public testing::Test {
protected:
  static std::string refused(const std::string& jws, const std::string& pin) {
    const auto read = verify_key_set(jws, pin);
    return read ? "believed" : std::string(code(read.error().reason));
  }
  std::string said(std::string_view payload) const {
    return sign_introducing(identity_, payload, key_set_type);
  }

  PrivateKey identity_ = PrivateKey::generate();
  std::string pin_ = identity_.public_key().thumbprint();
  PublicKey key_ = PrivateKey::generate().public_key();
  std::string good_ = sign_key_set(identity_, {pin_, 7, {key_}});
};

TEST_F(SignedKeySets, GiveTheNewestKeyFirst) {
  const auto older = PrivateKey::generate().public_key();

  const auto set = verify_key_set(sign_key_set(identity_, {pin_, 7, {key_, older}}), pin_);

  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->place, pin_);
  EXPECT_EQ(set->issued, 7);
  ASSERT_EQ(set->keys.size(), 2u);
  EXPECT_EQ(set->keys[0].thumbprint(), key_.thumbprint());
  EXPECT_EQ(set->keys[1].thumbprint(), older.thumbprint());
}

TEST_F(SignedKeySets, OfAnotherPlaceAreNotBelieved) {
  const auto stranger = PrivateKey::generate();
  const auto theirs = stranger.public_key().thumbprint();

  EXPECT_EQ(refused(sign_key_set(stranger, {pin_, 7, {key_}}), pin_), "bad-signature") << "signed for us";
  EXPECT_EQ(refused(sign_key_set(stranger, {theirs, 7, {key_}}), pin_), "bad-signature") << "its own";
  EXPECT_EQ(refused(sign_key_set(identity_, {theirs, 7, {key_}}), pin_), "malformed") << "speaks of another";
  EXPECT_EQ(refused(good_, theirs), "bad-signature") << "pinned to another";
}

TEST_F(SignedKeySets, AreRefusedWhicheverByteIsChanged) {
  for (std::size_t i = 0; i < good_.size(); ++i) {
    auto changed = good_;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(refused(changed, pin_), "bad-signature") << i;
  }
}

TEST_F(SignedKeySets, OfAnotherTypeOrWithoutTheKeyThatSignsAreRefused) {
  const auto payload =
      *from_base64url(good_.substr(good_.find('.') + 1, good_.rfind('.') - good_.find('.') - 1));

  EXPECT_EQ(refused(sign_introducing(identity_, payload, "vnd.restante.proxy+jws"), pin_), "bad-signature");
  EXPECT_EQ(refused(sign_compact(identity_, payload, key_set_type), pin_), "bad-signature");
  EXPECT_EQ(refused(said(payload), pin_), "believed") << "the control";
}

TEST_F(SignedKeySets, WithoutKeysWithTooManyOrOffTheCurveAreRefused) {
  const std::string start = R"({"iss":")" + pin_ + R"(","iat":7,"keys":[)";
  std::vector<PublicKey> many(17, key_);

  EXPECT_EQ(refused(said(start + "]}"), pin_), "malformed");
  EXPECT_EQ(refused(sign_key_set(identity_, {pin_, 7, many}), pin_), "malformed");
  EXPECT_EQ(refused(said(start + R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]})"), pin_), "malformed");
  EXPECT_EQ(refused(said(R"({"iss":")" + pin_ + R"(","iat":-1,"keys":[]})"), pin_), "malformed");
  EXPECT_EQ(refused(said("[]"), pin_), "malformed");
  EXPECT_EQ(refused("", pin_), "bad-signature");
}

}  // namespace
}  // namespace restante::proxy
