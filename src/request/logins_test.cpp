// SPDX-License-Identifier: Apache-2.0
#include "request/logins.hpp"

#include "request/compose.hpp"
#include "request/test_place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace restante::request {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

proxy::Credential basic(const std::string& origin, const std::string& password) {
  proxy::Credential login;
  login.scope = {origin};
  login.user = "ana";
  login.password = password;
  return login;
}

proxy::Credential bearer(const std::string& origin) {
  proxy::Credential login;
  login.kind = proxy::CredentialKind::bearer;
  login.scope = {origin};
  login.token = "K4N4RY";
  return login;
}

class LoginsTest : public testing::Test {
protected:
  TestFolder folder_;
  Home home_ = Home::open_at(folder_ / "h").value();
  Logins logins_ = Logins::open(home_).value();
};

TEST_F(LoginsTest, ComeBackSealedAndReplaceThoseOfTheSameOriginAndKind) {
  ASSERT_TRUE(logins_.put(basic("https://one.example", "K4N4RY-first")));
  ASSERT_TRUE(logins_.put(bearer("https://one.example")));
  ASSERT_TRUE(logins_.put(basic("https://two.example", "K4N4RY-two")));
  ASSERT_TRUE(logins_.put(basic("https://one.example", "K4N4RY-second")));

  const auto all = Logins::open(home_)->all().value();
  EXPECT_EQ(all.size(), 3U);
  EXPECT_EQ(all.back().password, "K4N4RY-second");
  EXPECT_THAT(home_.read("logins.sealed").value().value(), Not(HasSubstr("K4N4RY")));
  EXPECT_EQ(logins_.remove("https://one.example").value(), 2U);
  EXPECT_EQ(logins_.remove("https://one.example").value(), 0U);
  EXPECT_EQ(logins_.all()->size(), 1U);
}

TEST_F(LoginsTest, ThatAreDamagedAreRefusedByName) {
  ASSERT_TRUE(logins_.put(bearer("https://one.example")));
  std::string sealed = home_.read("logins.sealed").value().value();
  sealed.back() ^= 1;
  ASSERT_TRUE(home_.write("logins.sealed", sealed));

  EXPECT_THAT(logins_.all().error().message, HasSubstr("logins.sealed"));
  EXPECT_FALSE(logins_.put(bearer("https://two.example"))) << "nothing may be lost by writing over it";
}

TEST(LoginOrigins, AreWholeOriginsOnly) {
  EXPECT_EQ(login_origin("HTTPS://Files.Example:443/").value(), "https://files.example");
  EXPECT_EQ(login_origin("http://[::1]:81").value(), "http://[::1]:81");
  for (const char* wrong :
       {"", "files.example", "https://", "https://a/b", "https://u@a", "https://a?b", "x://a"})
    EXPECT_EQ(login_origin(wrong).error().reason, Reason::usage) << wrong;
}

proxy::Document composed(Wish wish) {
  wish.logins = {basic("https://one.example", "p"), bearer("https://one.example"),
                 basic("https://two.example", "q")};
  auto document = compose(wish, test_place(), Instant(Seconds(1795345200)));
  EXPECT_TRUE(document) << document.error().message;
  return document ? std::move(*document) : proxy::Document{};
}

TEST(StoredLogins, GoAlongWithTheirOwnOrigins) {
  Wish wish;
  wish.url = "https://one.example/a";
  wish.mirrors = {"https://two.example/a", "https://three.example/a", "http://one.example/a"};

  const auto document = composed(wish);

  ASSERT_EQ(document.access.size(), 3U);
  const auto& sources = document.files[0].sources;
  EXPECT_EQ(sources[0].credential_ids.size(), 2U);
  EXPECT_EQ(sources[1].credential_ids, std::vector<std::string>{document.access[2].id});
  EXPECT_EQ(document.access[2].password, "q");
  EXPECT_TRUE(sources[2].credential_ids.empty() && sources[3].credential_ids.empty());
}

TEST(StoredLogins, StepBackWhenTheRequestSaysHowToSignIn) {
  Wish by_user, by_token, by_header, other;
  by_user.url = "https://bob:x@one.example/a";
  by_token.url = by_header.url = other.url = "https://one.example/a";
  by_token.secret = "token";
  by_header.headers = {"Cookie: a=b"};
  other.headers = {"X-Api-Key: k"};

  for (const Wish& wish : {by_user, by_token, by_header}) EXPECT_EQ(composed(wish).access.size(), 1U);
  EXPECT_EQ(composed(other).access.size(), 3U);
}

TEST(StoredLogins, AreNamedWithoutTheirSecrets) {
  proxy::Credential header = bearer("https://one.example");
  header.kind = proxy::CredentialKind::headers;
  header.headers = {{"x-api-key", "K4N4RY"}};

  EXPECT_EQ(login_name(header), "https://one.example (headers, x-api-key)");
  EXPECT_EQ(login_name(bearer("https://one.example")), "https://one.example (bearer)");
}

TEST(ClientCertificates, ThatCannotWorkAreRefused) {
  EXPECT_THAT(certificate_credential("nothing", "").error().message, HasSubstr("no certificate"));
  EXPECT_THAT(
      certificate_credential("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "").error().message,
      HasSubstr("no private key"));
}

}  // namespace
}  // namespace restante::request
