// SPDX-License-Identifier: Apache-2.0
// Who may do what: docs/internals/access.md.
#include "api/routes.hpp"
#include "base/text.hpp"
#include "place.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace restante::api::test {
namespace {

struct RightsTest : testing::Test {
  std::string new_token(const std::string& by, const std::string& kind) {
    const auto made =
        place.send("POST", "/v1/tokens", by, fmt::format(R"({{"kind":"{}","label":"kitchen radio"}})", kind));
    EXPECT_EQ(made.status, 201) << made.body;
    return std::string(made.json().at("token").as_string());
  }
  int status(const std::string& method, const std::string& path, const std::string& token,
             const std::string& body = {}) {
    return place.send(method, path, token, body).status;
  }

  Place place;
};

TEST_F(RightsTest, ATokenThatMayOnlySubmitIsToldIdAndStateAndNothingElse) {
  const auto device = place.connect("ana");
  const auto token = new_token(device, "submit");
  place.submit(device, 1);

  const auto accepted = place.send("POST", "/v1/proxies", token, place.core(2));
  const auto again = place.send("POST", "/v1/proxies", token, place.core(2));
  const auto same_id = place.send("POST", "/v1/proxies", token, place.core(1));
  const auto batch = place.send("POST", "/v1/proxies", token, place.core(3) + "\n", "application/jsonl");

  ASSERT_EQ(accepted.status, 202) << accepted.body;
  EXPECT_EQ(accepted.json().as_object().size(), 2u);
  EXPECT_EQ(accepted.json().at("state"), "scheduled");
  EXPECT_FALSE(accepted.headers.contains("location"));
  EXPECT_EQ(again.body, accepted.body);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(same_id.status, 202) << "the device's download of that id is none of its business";
  EXPECT_EQ(boost::json::parse(batch.body).at("job").as_object().size(), 2u);
  for (const Route& route : routes()) {
    if (route.rights == Rights::open || route.rights == Rights::submit) continue;
    std::string path(route.pattern);
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{'))
      path.replace(at, path.find('}', at) + 1 - at, std::string(32, 'f'));
    EXPECT_EQ(status(std::string(route.method), path, token), 403) << route.method << " " << path;
  }
  EXPECT_EQ(place.send("GET", "/v1/jobs", device).json().as_array().size(), 4u);
}

TEST_F(RightsTest, SubmitTokensNeverUseUpWhatTheAccountMaySubmit) {
  ApiLimits limits;
  limits.submit_per_minute = 2;
  Place narrow(limits);
  const auto device = narrow.connect("ana");
  const auto made = narrow.send("POST", "/v1/tokens", device, R"({"kind":"submit","label":"script"})");
  const std::string token(made.json().at("token").as_string());

  for (int i = 0; i < 3; ++i) narrow.send("POST", "/v1/proxies", token, narrow.core(i));

  EXPECT_EQ(narrow.send("POST", "/v1/proxies", token, narrow.core(4)).status, 429);
  EXPECT_EQ(narrow.send("POST", "/v1/proxies", device, narrow.core(5)).status, 202);
}

TEST_F(RightsTest, AnAppPasswordWorksByBearerAndByBasicWithItsName) {
  const auto device = place.connect("ana");
  place.connect("ben");
  const auto secret = new_token(device, "app-password"), submit = new_token(device, "submit");
  const auto by_basic = [&](const std::string& text, bool private_peer = true) {
    auto request = place.request("GET", "/v1/files");
    request.headers.emplace_back("Authorization", "Basic " + to_base64(text));
    request.peer.both_loopback = private_peer;
    return place.send(std::move(request)).status;
  };

  EXPECT_EQ(status("GET", "/v1/jobs", secret), 200);
  EXPECT_EQ(by_basic("ana:" + secret), 200);
  EXPECT_EQ(by_basic("ben:" + secret), 401);
  EXPECT_EQ(by_basic(":" + secret), 401);
  EXPECT_EQ(by_basic("ana:" + device), 401) << "a device's token is no password";
  EXPECT_EQ(by_basic("ana:" + submit), 401);
  EXPECT_EQ(by_basic("ana:" + secret, false), 401) << "never where somebody may listen";
  EXPECT_EQ(by_basic("ana"), 401);
}

TEST_F(RightsTest, ProgramsMakeNoFurtherWaysIn) {
  const auto device = place.connect("ana", accounts::Role::admin);
  const auto secret = new_token(device, "app-password");

  EXPECT_EQ(status("POST", "/v1/tokens", secret, R"({"kind":"submit","label":"x"})"), 403);
  EXPECT_EQ(status("GET", "/v1/tokens", secret), 403);
  EXPECT_EQ(status("GET", "/v1/users", secret), 403) << "an admin's app password is none of an admin";
  EXPECT_EQ(status("POST", "/v1/invites", secret, R"({"from":"2126-01-01T00:00:00Z"})"), 403);
  EXPECT_EQ(status("DELETE", "/v1/session", secret), 409);
}

TEST_F(RightsTest, ARevokedTokenIsOutAtOnceAndIsListedByItsOwnerOnly) {
  const auto anas = place.connect("ana"), bens = place.connect("ben");
  const auto secret = new_token(anas, "app-password");
  const auto listed = place.send("GET", "/v1/tokens", anas);
  const std::string id(listed.json().at("tokens").at(0).at("id").as_string());

  EXPECT_EQ(listed.body.find(secret), std::string::npos);
  EXPECT_EQ(listed.json().at("tokens").at(0).at("label"), "kitchen radio");
  EXPECT_EQ(place.send("GET", "/v1/tokens", bens).body, R"({"tokens":[]})");
  EXPECT_EQ(status("DELETE", "/v1/tokens/" + id, bens), 404);
  EXPECT_EQ(status("GET", "/v1/jobs", secret), 200);
  EXPECT_EQ(status("DELETE", "/v1/tokens/" + id, anas), 204);
  EXPECT_EQ(status("GET", "/v1/jobs", secret), 401);
}

TEST_F(RightsTest, OnlyAdminsLookAfterUsersAndSeeSizesOnly) {
  const auto admin = place.connect("root", accounts::Role::admin), user = place.connect("ana");
  place.submit(user, 1);
  place.publish("ana", "private name.bin", "0123456789");

  EXPECT_EQ(status("GET", "/v1/users", user), 403);
  EXPECT_EQ(status("POST", "/v1/users", user, R"({"name":"eve"})"), 403);
  EXPECT_EQ(status("PATCH", "/v1/users/ana", user, R"({"role":"admin"})"), 403);
  EXPECT_EQ(status("DELETE", "/v1/users/root", user), 403);
  const auto added = place.send("POST", "/v1/users", admin, R"({"name":"eve","quota_bytes":1000})");
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(added.json().at("role"), "user") << "least rights, unless said otherwise";
  EXPECT_EQ(added.json().at("lan"), false);
  const auto users = place.send("GET", "/v1/users", admin);
  EXPECT_EQ(users.json().at("users").at(1).at("used_bytes"), 10);
  for (const char* secret : {"private name", "f1.bin", "argon2"})
    EXPECT_EQ(users.body.find(secret), std::string::npos) << secret;
}

TEST_F(RightsTest, AChangeOfAUserCountsAtOnce) {
  const auto admin = place.connect("root", accounts::Role::admin), user = place.connect("ana");
  const auto change = [&](const std::string& body) {
    return place.send("PATCH", "/v1/users/ana", admin, body, "application/merge-patch+json");
  };

  EXPECT_EQ(change(R"({"role":"admin"})").status, 200);
  EXPECT_EQ(status("GET", "/v1/users", user), 200);
  EXPECT_EQ(change(R"({"role":"user","quota_bytes":5,"lan":true})").json().at("quota_bytes"), 5);
  EXPECT_EQ(status("GET", "/v1/users", user), 403);
  EXPECT_FALSE(change(R"({"quota_bytes":null})").json().as_object().contains("quota_bytes"));
  EXPECT_EQ(change(R"({"role":"guest"})").status, 400) << "lan is no guest's";
  for (const char* wrong : {R"({"role":"king"})", R"({"quota_bytes":-1})", R"({"lan":"yes"})",
                            R"({"password":""})", R"({"password":"short"})", R"({"name":"x"})"})
    EXPECT_EQ(change(wrong).status, 400) << wrong;
}

TEST_F(RightsTest, TheLastAdminStaysOne) {
  const auto admin = place.connect("root", accounts::Role::admin);
  place.connect("ana");

  EXPECT_EQ(status("PATCH", "/v1/users/root", admin, R"({"role":"user"})"), 409);
  EXPECT_EQ(status("DELETE", "/v1/users/root", admin), 409);
  EXPECT_EQ(status("PATCH", "/v1/users/ana", admin, R"({"role":"admin"})"), 200);
  EXPECT_EQ(status("DELETE", "/v1/users/root", admin), 204);
  EXPECT_EQ(status("GET", "/v1/users", admin), 401);
}

TEST_F(RightsTest, WhatWasLetInLosesTheBodyWithTheRight) {
  const auto device = place.connect("ana");
  const auto file = place.publish("ana", "x.bin", "0123456789");
  const auto content = place.begin(place.request("GET", "/v1/files/" + file, device));
  const auto stream = place.begin(place.request("GET", "/v1/events", device));
  ASSERT_TRUE(content.may_go_on && stream.may_go_on);
  EXPECT_TRUE(content.may_go_on() && stream.may_go_on());

  const auto devices = place.send("GET", "/v1/devices", device).json();
  const std::string id(devices.at("devices").at(0).at("id").as_string());
  ASSERT_EQ(status("DELETE", "/v1/devices/" + id, device), 204);

  EXPECT_FALSE(content.may_go_on());
  EXPECT_FALSE(stream.may_go_on());
}

}  // namespace
}  // namespace restante::api::test
