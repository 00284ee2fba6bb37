// SPDX-License-Identifier: Apache-2.0
// The first start (THREATS.md D10): a fresh place lets nobody in before its one-time code was used.
#include "place.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace restante::api::test {
namespace {

struct SetupTest : testing::Test {
  std::string setup_code() {
    auto made = place.run(place.accounts->new_setup_code());
    EXPECT_TRUE(made) << made.error().message;
    return made.value_or("");
  }
  Answer set_up(const std::string& code, const std::string& name = "ana",
                const std::string& password = "correct horse") {
    return place.send("POST", "/v1/setup", "",
                      fmt::format(R"({{"code":"{}","name":"{}","password":"{}"}})", code, name, password));
  }

  Place place;
};

TEST_F(SetupTest, BeforeItsCodeIsUsedNothingIsOpen) {
  setup_code();

  EXPECT_EQ(place.send("GET", "/v1/setup").body, R"({"needed":true})");
  EXPECT_EQ(set_up(std::string(22, 'A')).status, 401);
  EXPECT_EQ(set_up("").status, 401);
  EXPECT_EQ(place.send("POST", "/v1/session", "", R"({"user":"admin","password":"admin"})").status, 401);
  EXPECT_EQ(place.send("GET", "/v1/users").status, 401);
  EXPECT_TRUE(place.accounts->snapshot()->accounts().empty());
}

TEST_F(SetupTest, WithoutACodeNoneOpens) {
  EXPECT_EQ(set_up("").status, 401);
  EXPECT_EQ(set_up(std::string(22, 'A')).status, 401);
  EXPECT_TRUE(place.accounts->snapshot()->accounts().empty());
}

TEST_F(SetupTest, TheCodeMakesOneAdministratorOnce) {
  const auto code = setup_code();

  const auto first = set_up(code);
  const auto second = set_up(code, "eve");

  ASSERT_EQ(first.status, 201) << first.body;
  const std::string token(first.json().at("token").as_string());
  EXPECT_EQ(place.send("GET", "/v1/users", token).status, 200) << "signed in, as an administrator";
  EXPECT_EQ(second.status, 409);
  EXPECT_EQ(second.reason(), "conflict");
  EXPECT_EQ(place.accounts->snapshot()->accounts().size(), 1u);
  EXPECT_EQ(place.send("GET", "/v1/setup").body, R"({"needed":false})");
  EXPECT_FALSE(place.run(place.accounts->new_setup_code())) << "there is an account";
}

TEST_F(SetupTest, ARefusedNameOrPasswordLeavesTheCodeGood) {
  const auto code = setup_code();

  EXPECT_EQ(set_up(code, "No Name!").status, 400);
  EXPECT_EQ(set_up(code, "ana", "short").status, 400);

  EXPECT_EQ(set_up(code).status, 201);
}

TEST_F(SetupTest, OnlyTheLastCodeCounts) {
  const auto before = setup_code();
  const auto after = setup_code();

  EXPECT_EQ(set_up(before).status, 401);
  EXPECT_EQ(set_up(after).status, 201);
}

TEST_F(SetupTest, ACodeIsOfNoUseOnceThereIsAUser) {
  const auto code = setup_code();
  place.connect("bob");

  EXPECT_EQ(set_up(code).status, 409);
  EXPECT_EQ(place.accounts->snapshot()->accounts().size(), 1u);
}

TEST_F(SetupTest, WrongCodesAreHeardMoreAndMoreSlowly) {
  const auto code = setup_code();

  for (int i = 0; i < 10; ++i) EXPECT_EQ(set_up(fmt::format("wrong{}", i)).status, 401);
  const auto slow = set_up(code);

  EXPECT_EQ(slow.status, 429);
  EXPECT_TRUE(slow.headers.contains("retry-after"));
  EXPECT_TRUE(place.accounts->snapshot()->accounts().empty());
}

TEST_F(SetupTest, WithACookieTheTokenIsNotTold) {
  auto asked = place.request(
      "POST", "/v1/setup", "",
      fmt::format(R"({{"code":"{}","name":"ana","password":"correct horse","cookie":true}})", setup_code()));
  asked.headers.emplace_back("Origin", "http://127.0.0.1:8470");

  const auto answer = place.send(std::move(asked));

  ASSERT_EQ(answer.status, 201) << answer.body;
  EXPECT_FALSE(answer.json().as_object().contains("token"));
  EXPECT_TRUE(answer.json().as_object().contains("csrf"));
  EXPECT_NE(answer.headers.at("set-cookie").find("HttpOnly"), std::string::npos);
}

TEST_F(SetupTest, TheCodeIsNotInTheStore) {
  const auto code = setup_code();
  const auto ask = [](Tx& tx) {
    return tx.repo<accounts::AccountRecords>().setting(accounts::setup_setting);
  };

  const auto stored = place.run(place.store->read_value<std::optional<std::string>>(ask));

  ASSERT_TRUE(stored && *stored);
  EXPECT_EQ((*stored)->find(code), std::string::npos);
}

}  // namespace
}  // namespace restante::api::test
