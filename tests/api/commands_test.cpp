// SPDX-License-Identifier: Apache-2.0
#include "api/commands.hpp"

#include "place.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <unistd.h>

namespace restante::api::test {
namespace {

struct CommandsTest : testing::Test {
  Result<CommandLines> command(const std::string& name, const std::string& arguments = "{}") {
    return place.run(run_command(administration, name, arguments));
  }
  /// A request on the control socket by this user.
  Answer control(std::uint32_t uid, const std::string& body) {
    const auto handler = make_control(place.loop.get_executor(), administration);
    auto request = place.request("POST", "/control", "", body);
    request.peer.unix_socket = true;
    request.peer.uid = uid;
    const auto response = place.run(handler->handle(request));
    return {response.status, {}, std::get<std::string>(response.body)};
  }

  Place place;
  Administration administration{
      *place.accounts,
      *place.areas,
      place.jobs.get(),
      server_jkt,
      "http://127.0.0.1:8470",
      place.pool.get_executor(),
      [] { return Result<std::string>("copy.db"); },
      [this] { return place.store->check(); },
      [this] { return place.store->scrub(); },
      [](const accounts::Account&) -> Database::Work { return [](Tx&) { return Result<void>(); }; }};
};

TEST_F(CommandsTest, AddAndListUsers) {
  const auto added =
      command("user-add",
              R"({"name":"ana","role":"admin","quota_bytes":1000,"lan":true,"password":"correct horse"})");
  const auto listed = command("user-list");

  ASSERT_TRUE(added && listed);
  const auto user = boost::json::parse(listed->at(0));
  EXPECT_EQ(user.at("name"), "ana");
  EXPECT_EQ(user.at("role"), "admin");
  EXPECT_EQ(user.at("quota_bytes"), 1000);
  EXPECT_EQ(user.at("lan"), true);
  EXPECT_EQ(listed->at(0).find("argon2"), std::string::npos);
  EXPECT_EQ(command("user-add", R"({"name":"ana"})").error().reason, Reason::conflict);
  EXPECT_EQ(command("user-add", R"({"name":"x","role":"king"})").error().reason, Reason::invalid);
  EXPECT_EQ(command("user-add", R"({"name":"x","role":"guest","lan":true})").error().reason, Reason::invalid);
}

TEST_F(CommandsTest, PairGivesOneUrl) {
  ASSERT_TRUE(command("user-add", R"({"name":"ana"})"));

  const auto paired = command("pair", R"({"name":"ana"})");

  ASSERT_TRUE(paired);
  ASSERT_EQ(paired->size(), 1u);
  const std::string url(boost::json::parse(paired->at(0)).at("url").as_string());
  EXPECT_TRUE(url.starts_with(std::string("http://127.0.0.1:8470/pair#k=") + server_jkt + "&c=")) << url;
  EXPECT_EQ(command("pair", R"({"name":"ben"})").error().reason, Reason::not_found);
}

TEST_F(CommandsTest, ARemovedUserTakesDownloadsFilesAndDevicesAlong) {
  const auto anas = place.connect("ana"), bens = place.connect("ben");
  for (int i = 0; i < 300; ++i) ASSERT_EQ(place.send("POST", "/v1/proxies", anas, place.core(i)).status, 202);
  const auto kept = place.submit(bens, 1);
  const auto file = place.publish("ana", "x.bin", "0123456789");

  const auto removed = command("user-remove", R"({"name":"ana"})");

  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(place.send("GET", "/v1/jobs", anas).status, 401);
  EXPECT_EQ(place.send("GET", "/v1/jobs/" + kept, bens).status, 200);
  EXPECT_EQ(command("user-remove", R"({"name":"ana"})").error().reason, Reason::not_found);
  std::function<Result<std::int64_t>(Tx&)> count = [](Tx& tx) {
    return tx.repo<jobs::JobRecords>().count_unended(AccountId{1});
  };
  EXPECT_EQ(place.run(place.store->read_value<std::int64_t>(count)), 0);
  EXPECT_FALSE(std::filesystem::exists(place.folder + "/areas/ana/x.bin"));
}

TEST_F(CommandsTest, CheckFindsASoundPlaceSound) {
  const auto findings = command("check");

  ASSERT_TRUE(findings);
  for (const auto& finding : *findings) EXPECT_EQ(boost::json::parse(finding).at("ok"), true) << finding;
}

TEST_F(CommandsTest, UnknownCommandsAreNamed) {
  EXPECT_EQ(command("dance").error().reason, Reason::usage);
  EXPECT_EQ(command("user-list", "[]").error().reason, Reason::invalid);
}

TEST_F(CommandsTest, OnlyTheServersUserAndRootMayGiveThem) {
  const std::string body = R"({"command":"user-list","args":{}})";

  EXPECT_EQ(control(::geteuid(), body).status, 200);
  EXPECT_EQ(control(0, body).status, 200);
  EXPECT_EQ(control(::geteuid() + 1, body).status, 403);
  EXPECT_EQ(control(0, "{").status, 400);
}

}  // namespace
}  // namespace restante::api::test
