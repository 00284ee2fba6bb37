// SPDX-License-Identifier: Apache-2.0
#include "transfer/sign_in.hpp"

#include "transfer/token_renewal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace restante::transfer {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string digest = R"(Digest realm="r", nonce="n1", qop="auth")";
const std::string newer = R"(Digest realm="r", nonce="n2", qop="auth")";
const std::string stale = R"(Digest realm="r", nonce="n3", qop="auth", stale=true)";
const std::string basic = R"(Basic realm="r")";

net::HttpUrl url(const std::string& text) {
  return net::parse_url(text).value();
}

HeaderBlock unauthorised(std::initializer_list<std::string> challenges) {
  HeaderBlock head;
  head.status = 401;
  for (const auto& one : challenges) head.fields.emplace_back("www-authenticate", one);
  return head;
}

class SigningIn : public testing::Test {
protected:
  SigningIn() {
    auto& credential = order_.credentials.emplace_back();
    credential.kind = proxy::CredentialKind::digest;
    credential.scope = {"http://h"};
    credential.user = "u";
    credential.password = "K4N4RY";
  }
  std::string answer() { return sign_in_.answer_for(order_, url("http://h/a?b=c"), "GET"); }
  bool challenge(std::initializer_list<std::string> challenges) {
    return sign_in_.take_challenge(order_, url("http://h/a?b=c"), unauthorised(challenges));
  }
  void accept(SignIn& sign_in, const std::string& info = {}) {
    HeaderBlock head;
    head.status = 200;
    if (!info.empty()) head.fields.emplace_back("authentication-info", info);
    sign_in.accepted(url("http://h/a?b=c"), head);
  }

  jobs::TransferOrder order_;
  NonceMemory memory_{4};
  SignIn sign_in_{memory_, "domain"};
};

TEST_F(SigningIn, AnswersAChallengeOnce) {
  EXPECT_EQ(answer(), "");
  ASSERT_TRUE(challenge({digest}));
  EXPECT_THAT(answer(),
              AllOf(HasSubstr("nonce=\"n1\""), HasSubstr("uri=\"/a?b=c\""), Not(HasSubstr("K4N4RY"))));
  EXPECT_FALSE(challenge({newer}));
}

TEST_F(SigningIn, TriesOnceMoreWhenOnlyTheNonceWasStale) {
  answer();
  challenge({digest});
  answer();
  ASSERT_TRUE(challenge({stale}));
  EXPECT_THAT(answer(), HasSubstr("nonce=\"n3\""));
  EXPECT_FALSE(challenge({stale}));
}

TEST_F(SigningIn, RemembersANonceThatWasGoodAndAsksForAnotherWhenItIsNot) {
  answer();
  challenge({digest});
  answer();
  accept(sign_in_);

  SignIn later(memory_, "domain");
  EXPECT_THAT(later.answer_for(order_, url("http://h/b"), "GET"),
              AllOf(HasSubstr("nonce=\"n1\""), HasSubstr("nc=00000002")));
  EXPECT_TRUE(later.take_challenge(order_, url("http://h/b"), unauthorised({newer})));
  EXPECT_THAT(later.answer_for(order_, url("http://h/b"), "GET"), HasSubstr("nonce=\"n2\""));
  EXPECT_FALSE(later.take_challenge(order_, url("http://h/b"), unauthorised({digest})));
  SignIn stranger(memory_, "other domain");
  EXPECT_EQ(stranger.answer_for(order_, url("http://h/b"), "GET"), "");
}

TEST_F(SigningIn, TakesTheNextNonceThatTheServerNames) {
  answer();
  challenge({digest});
  answer();
  accept(sign_in_, R"(nextnonce="n9")");

  EXPECT_THAT(answer(), AllOf(HasSubstr("nonce=\"n9\""), HasSubstr("nc=00000001")));
}

TEST_F(SigningIn, NeverAnswersAnotherOriginOrAnotherKindOfChallenge) {
  EXPECT_FALSE(challenge({basic}));
  EXPECT_FALSE(sign_in_.take_challenge(order_, url("https://h/"), unauthorised({digest})));
  EXPECT_TRUE(challenge({digest}));
  EXPECT_EQ(sign_in_.answer_for(order_, url("http://other/"), "GET"), "");
}

TEST_F(SigningIn, WithAPasswordForBasicAnswersDigestWhereNothingElseIsOffered) {
  order_.credentials[0].kind = proxy::CredentialKind::basic;

  EXPECT_EQ(answer(), "");
  EXPECT_FALSE(challenge({basic, digest})) << "the password was looked at and refused";
  EXPECT_TRUE(challenge({digest}));
  EXPECT_THAT(answer(), StartsWith("Digest "));
}

TEST(NonceMemory, ForgetsRatherThanGrows) {
  NonceMemory memory(2);
  for (const char* key : {"a", "b", "c"}) memory.keep(key, {});

  EXPECT_EQ(memory.find("a"), nullptr);
  EXPECT_NE(memory.find("c"), nullptr);
}

// ---- token endpoints

proxy::Credential grant() {
  proxy::Credential credential;
  credential.id = "c1";
  credential.kind = proxy::CredentialKind::oauth;
  credential.client_id = "me";
  credential.refresh_token = "old/+&=";
  return credential;
}

Result<jobs::RenewedTokens> judged(int status, std::string_view body) {
  HeaderBlock head;
  head.status = status;
  return judge_tokens(grant(), "id.test", head, body, Instant(Seconds(1000)));
}

TEST(Tokens, AreAskedForAsAForm) {
  auto credential = grant();
  EXPECT_EQ(token_request(credential).body,
            "grant_type=refresh_token&refresh_token=old%2F%2B%26%3D&client_id=me");

  credential.client_secret = "s:";
  EXPECT_THAT(token_request(credential).lines, Contains("Authorization: Basic bWU6cyUzQQ=="));
}

TEST(Tokens, ComeWithTheirEndAndPerhapsANewRefreshToken) {
  const auto both =
      judged(200, R"({"access_token":"a","token_type":"Bearer","expires_in":60,"refresh_token":"new"})");
  const auto kept = judged(200, R"({"access_token":"a","token_type":"bearer","expires_in":"60"})");
  const auto endless = judged(200, R"({"access_token":"a"})");

  ASSERT_TRUE(both && kept && endless);
  EXPECT_EQ(both->refresh_token, "new");
  EXPECT_EQ(both->expires, 1060);
  EXPECT_EQ(kept->refresh_token, "old/+&=");
  EXPECT_EQ(kept->expires, 1060);
  EXPECT_EQ(endless->expires, std::nullopt);
}

TEST(Tokens, ThatAreNotGivenNeedAPersonOrTime) {
  const auto refused = judged(400, R"({"error":"invalid_grant","error_description":"K4N4RY"})");
  EXPECT_EQ(refused.error().reason, Reason::auth_expired);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("invalid_grant"), Not(HasSubstr("K4N4RY"))));
  EXPECT_EQ(judged(400, R"({"error":"K4N4RY old"})").error().message.find("K4N4RY"), std::string::npos);
  EXPECT_EQ(judged(302, "").error().reason, Reason::auth_expired);
  EXPECT_EQ(judged(503, "").error().reason, Reason::server_error);
  EXPECT_EQ(judged(429, "").error().reason, Reason::rate_limited);
}

TEST(Tokens, ThatCannotBeUsedAreRefused) {
  for (const char* body :
       {"", "[]", "{", R"({"access_token":""})", R"({"access_token":5})",
        "{\"access_token\":\"a\\r\\nX: y\"}", R"({"access_token":"a b"})",
        R"({"access_token":"a","token_type":"mac"})", R"({"access_token":"a","refresh_token":"b\u0000"})"})
    EXPECT_EQ(judged(200, body).error().reason, Reason::malformed) << body;
}

TEST(Tokens, AreStaleAMinuteBeforeTheirEnd) {
  auto credential = grant();
  EXPECT_TRUE(is_stale(credential, Instant(Seconds(0))));
  credential.token = "a";
  EXPECT_FALSE(is_stale(credential, Instant(Seconds(1000))));
  credential.expires = 1000;
  EXPECT_FALSE(is_stale(credential, Instant(Seconds(939))));
  EXPECT_TRUE(is_stale(credential, Instant(Seconds(940))));
}

}  // namespace
}  // namespace restante::transfer
