// SPDX-License-Identifier: Apache-2.0
// POST /v1/compose and POST /v1/probe: what a person sees before anything is handed in.
#include "base/text.hpp"
#include "place.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace restante::api::test {
namespace {

constexpr const char* octets = "application/octet-stream";
constexpr const char* command =
    "curl 'http://127.0.0.1:9/a.bin?key=S3CR3T' -H 'Cookie: sid=S3CR3T' -u ana:S3CR3T -o lecture.bin";

struct ComposeTest : testing::Test {
  ComposeTest() : device(place.connect("ana", accounts::Role::user, "correct horse")) {}

  Answer compose(const std::string& text, const std::string& target = "/v1/compose") {
    return place.send("POST", target, device, text, octets);
  }
  std::size_t jobs() { return place.send("GET", "/v1/jobs", device).json().as_array().size(); }

  Place place;
  std::string device;
};

TEST_F(ComposeTest, TheCoreCanBeHandedInAsItIs) {
  const auto answer = compose(command);

  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(jobs(), 0u) << "nothing is stored by it";
  const auto understood = answer.json();
  EXPECT_EQ(understood.at("kind"), "curl");
  const auto& one = understood.at("requests").at(0);
  const auto core = boost::json::serialize(one.at("core"));
  EXPECT_EQ(place.send("POST", "/v1/proxies", device, core).status, 202);
  EXPECT_EQ(place.send("GET", "/v1/jobs", device).json().at(0).at("name"), "lecture.bin");
}

TEST_F(ComposeTest, WhatIsShownHoldsNoSecret) {
  auto understood = compose(command).json();
  auto& one = understood.at("requests").at(0).as_object();
  one.erase("core");

  const auto shown = boost::json::serialize(understood);

  EXPECT_EQ(shown.find("S3CR3T"), std::string::npos) << shown;
  EXPECT_EQ(one.at("secrets").as_array().size(), 2u) << shown;
  EXPECT_EQ(one.at("url"), "http://127.0.0.1:9/a.bin?\u2026");
}

TEST_F(ComposeTest, TheKindMayBeSaid) {
  EXPECT_EQ(compose("http://127.0.0.1:9/a.bin\n", "/v1/compose?kind=aria2").json().at("kind"), "aria2");
  EXPECT_EQ(compose("http://127.0.0.1:9/a.bin\n", "/v1/compose?kind=tea").status, 400);
  EXPECT_EQ(compose("nothing at all").status, 400);
}

TEST_F(ComposeTest, SecretsOverALineWithoutTlsAreRefused) {
  for (const std::string& text : {std::string(command), std::string("http://192.0.2.1/plain")}) {
    auto request = place.request("POST", "/v1/compose", device, text, octets);
    request.peer.both_loopback = false;

    EXPECT_EQ(place.send(std::move(request)).status, text == command ? 403 : 200) << text;
  }
}

TEST_F(ComposeTest, ALookTellsOfEachFileAndStoresNothing) {
  std::vector<std::string> asked;
  place.transfers.answer = [&](const jobs::TransferOrder& order) {
    asked.push_back(order.source.url);
    jobs::TransferResult result;
    result.outcome = order.file == 0 ? jobs::Outcome::complete : jobs::Outcome::failed;
    result.reason = Reason::not_found;
    result.message = "404 Not Found";
    result.facts.http_status = order.file == 0 ? 200 : 404;
    result.facts.name_hint = "a.bin";
    result.facts.total_bytes = 10;
    return result;
  };
  auto core = boost::json::parse(place.core(1)).as_object();
  auto& files = core.at("what").as_object().at("files").as_array();
  files.push_back(boost::json::parse(R"({"sources":[{"url":"http://127.0.0.1:9/second"}]})"));

  const auto answer = place.send("POST", "/v1/probe", device, boost::json::serialize(core));

  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto found = answer.json();
  ASSERT_EQ(found.at("files").as_array().size(), 2u);
  EXPECT_EQ(found.at("files").at(0).at("probe").at("size_bytes"), 10);
  EXPECT_FALSE(found.at("files").at(0).at("probe").as_object().contains("refused"));
  EXPECT_EQ(found.at("files").at(1).at("index"), 1);
  EXPECT_EQ(found.at("files").at(1).at("probe").at("refused"), "not-found");
  EXPECT_EQ(asked.size(), 2u);
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(ComposeTest, ALookIsRefusedAsTheRequestItselfWouldBe) {
  auto core = boost::json::parse(place.core(1)).as_object();
  core["aud"] = boost::json::parse(R"([{"jkt":")" + std::string(43, 'A') + R"("}])");

  EXPECT_EQ(place.send("POST", "/v1/probe", device, boost::json::serialize(core)).status, 422);
  EXPECT_EQ(place.send("POST", "/v1/probe", device, "{}", octets).status, 415);
}

TEST_F(ComposeTest, AShortTextGivesNoEndlessAnswer) {
  std::string text = "curl --data-raw $'";
  for (int i = 0; i < 10'000; ++i) text += "\\x01";
  text += "'";
  for (int i = 0; i < 250; ++i) text += " http://127.0.0.1:9/" + std::to_string(i);

  const auto answer = compose(text);

  ASSERT_EQ(answer.status, 200) << answer.body.substr(0, 500);
  EXPECT_LT(answer.body.size(), ApiLimits{}.composed_bytes + 512 * 1024);
  EXPECT_LT(answer.json().at("requests").as_array().size(), 250u);
  EXPECT_GT(answer.json().at("requests").as_array().size(), 10u);
  EXPECT_NE(answer.body.find("there is too much in it at once"), std::string::npos);
}

TEST_F(ComposeTest, WhatIsReadCountsAlsoIfItIsRefused) {
  for (const char* way : {"/v1/compose", "/v1/share"}) {
    ApiLimits limits;
    limits.submit_per_minute = 1;
    Place narrow(limits);
    const auto token = narrow.connect("ana");
    const char* type = std::string_view(way) == "/v1/share" ? "text/plain" : octets;

    EXPECT_EQ(narrow.send("POST", way, token, "nothing at all", type).status, 400) << way;
    EXPECT_EQ(narrow.send("POST", way, token, "nothing at all", type).status, 429) << way;
  }
}

TEST_F(ComposeTest, LooksCountAgainstWhatAnAccountMaySubmit) {
  ApiLimits limits;
  limits.submit_per_minute = 1;
  Place narrow(limits);
  narrow.transfers.answer = [](const jobs::TransferOrder&) { return jobs::TransferResult{}; };
  const auto token = narrow.connect("ana");

  EXPECT_EQ(narrow.send("POST", "/v1/probe", token, narrow.core(1)).status, 200);
  EXPECT_EQ(narrow.send("POST", "/v1/probe", token, narrow.core(1)).status, 429);
}

}  // namespace
}  // namespace restante::api::test
