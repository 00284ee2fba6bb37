// SPDX-License-Identifier: Apache-2.0
#include "api/erasure.hpp"
#include "base/text.hpp"
#include "place.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>

namespace restante::api::test {
namespace {

using testing::HasSubstr;
using testing::Not;

struct GuestsTest : testing::Test {
  GuestsTest() : admin(place.connect("desk", accounts::Role::admin)) {}

  Answer invite(Seconds from, Seconds until, const std::string& more = {}) {
    const Instant now = place.clock.now();
    return place.send("POST", "/v1/invites", admin,
                      R"({"from":")" + to_rfc3339(now + from) + R"(","until":")" + to_rfc3339(now + until) +
                          "\"" + more + "}");
  }
  /// The code of an invitation's URL.
  static std::string code_of(const Answer& invited) {
    const std::string url(invited.json().at("url").as_string());
    const auto at = url.find("&c=") + 3;
    return url.substr(at, url.find('&', at) - at);
  }
  Answer sign_in(const std::string& code) {
    return place.send("POST", "/v1/session", "", R"({"code":")" + code + "\"}");
  }
  /// A guest who is connected; the token, and the name.
  std::pair<std::string, std::string> guest() {
    const auto invited = invite(-day, day, R"(,"label":"room 12")");
    const auto session = sign_in(code_of(invited));
    return {std::string(session.json().at("token").as_string()),
            std::string(invited.json().at("invite").at("name").as_string())};
  }

  static constexpr Seconds day{86400};
  Place place;
  std::string admin;
};

TEST_F(GuestsTest, AnInvitationTellsTheStayAndItsUrlNothingOfTheGuest) {
  const auto invited = invite(day, 3 * day, R"(,"label":"Ms Kanarie","quota_bytes":1000)");

  ASSERT_EQ(invited.status, 201) << invited.body;
  const auto said = invited.json();
  const auto& guest = said.at("invite");
  const std::string url(invited.json().at("url").as_string());
  EXPECT_EQ(guest.at("state"), "coming");
  EXPECT_EQ(guest.at("label"), "Ms Kanarie");
  EXPECT_EQ(guest.at("quota_bytes"), 1000);
  EXPECT_EQ(guest.at("connected"), false);
  EXPECT_THAT(url, HasSubstr(std::string("http://127.0.0.1:8470/pair#k=") + server_jkt + "&c="));
  EXPECT_THAT(url, HasSubstr("&until=" + std::string(guest.at("until").as_string())));
  EXPECT_THAT(url, Not(HasSubstr("Kanarie")));
}

TEST_F(GuestsTest, WhatMakesNoSenseIsRefusedWithItsPointer) {
  const auto backwards = invite(2 * day, day);
  const auto past = invite(-2 * day, -day);
  const auto unreadable = place.send("POST", "/v1/invites", admin, R"({"from":"today","until":"later"})");
  const auto misspelt = invite(-day, day, R"(,"lan":true)");

  for (const auto& [answer, pointer] : {std::pair{&backwards, "/until"}, std::pair{&past, "/until"},
                                        std::pair{&unreadable, "/from"}, std::pair{&misspelt, "/lan"}}) {
    EXPECT_EQ(answer->status, 400) << answer->body;
    EXPECT_EQ(answer->json().at("pointer"), pointer);
  }
}

TEST_F(GuestsTest, OnlyAdministratorsInviteAndSeeGuests) {
  const auto [token, name] = guest();
  const auto ana = place.connect("ana");

  for (const auto& who : {ana, token}) {
    EXPECT_EQ(place.send("GET", "/v1/invites", who).status, 403);
    EXPECT_EQ(place.send("POST", "/v1/invites", who, "{}").status, 403);
    EXPECT_EQ(place.send("DELETE", "/v1/invites/" + name, who).status, 403);
  }
  EXPECT_EQ(place.send("GET", "/v1/invites").status, 401);
}

TEST_F(GuestsTest, TheOperatorSeesSizesAndNeverNamesOfFilesNorUrls) {
  const auto [token, name] = guest();
  place.submit(token, 1);
  place.publish(name, "kanarie.bin", "0123456789");

  const auto listed = place.send("GET", "/v1/invites", admin);

  ASSERT_EQ(listed.status, 200);
  const auto said = listed.json();
  const auto& seen = said.at("invites").at(0);
  EXPECT_EQ(seen.at("name").as_string(), name);
  EXPECT_EQ(seen.at("used_bytes"), 10);
  EXPECT_EQ(seen.at("connected"), true);
  EXPECT_THAT(listed.body, Not(HasSubstr("kanarie")));
  EXPECT_THAT(listed.body, Not(HasSubstr("http")));
}

TEST_F(GuestsTest, ACodeConnectsOnce) {
  const auto code = code_of(invite(day, 3 * day));

  const auto first = sign_in(code), second = sign_in(code), wrong = sign_in("AAAAAAAAAAAAAAAAAAAAAA");

  EXPECT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(first.json().at("account").at("role"), "guest");
  EXPECT_TRUE(first.json().at("account").as_object().contains("until"));
  EXPECT_EQ(second.status, 401);
  EXPECT_EQ(second.body, wrong.body);
}

TEST_F(GuestsTest, BeforeTheStayAGuestMayAskForContent) {
  const auto session = sign_in(code_of(invite(day, 3 * day)));
  const std::string token(session.json().at("token").as_string());

  EXPECT_EQ(place.send("GET", "/v1/jobs/" + place.submit(token, 1), token).status, 200);
}

TEST_F(GuestsTest, WhenTheStayHasEndedAGuestMayOnlyLookTakeAndPutAway) {
  const auto [token, name] = guest();
  const auto job = place.submit(token, 1);
  const auto file = place.publish(name, "x.bin", "0123456789");
  ASSERT_EQ(place.send("DELETE", "/v1/invites/" + name, admin).status, 204);

  const auto begun = place.send("POST", "/v1/proxies", token, place.core(2));
  const auto resumed = place.send("POST", "/v1/jobs/" + job + ":now", token);

  EXPECT_EQ(begun.status, 403);
  EXPECT_THAT(begun.body, HasSubstr("your stay here has ended"));
  EXPECT_EQ(resumed.status, 403);
  EXPECT_EQ(place.send("GET", "/v1/jobs/" + job, token).status, 200);
  EXPECT_EQ(place.send("GET", "/v1/files/" + file, token).body, "0123456789");
  EXPECT_EQ(place.send("POST", "/v1/jobs/" + job + ":cancel", token).status, 200);
  EXPECT_EQ(place.send("DELETE", "/v1/files/" + file, token).status, 204);
  EXPECT_EQ(place.send("GET", "/v1/invites", admin).json().at("invites").at(0).at("state"), "leaving");
}

TEST_F(GuestsTest, AnInvitationThatNobodyUsedIsGoneAtOnce) {
  const auto invited = invite(-day, day);
  const std::string name(invited.json().at("invite").at("name").as_string());

  ASSERT_EQ(place.send("DELETE", "/v1/invites/" + name, admin).status, 204);

  EXPECT_EQ(place.send("GET", "/v1/invites", admin).json().at("invites").at(0).at("state"), "over");
  EXPECT_EQ(sign_in(code_of(invited)).status, 401);
  EXPECT_EQ(place.send("DELETE", "/v1/invites/desk", admin).status, 404);
}

TEST_F(GuestsTest, AnErasureThatWasInterruptedAnywhereGoesOn) {
  const auto [token, name] = guest();
  place.submit(token, 1);
  place.publish(name, "x.bin", "0123456789");
  auto& parts = *place.administration;
  int scrubs = 0;
  parts.scrub_store = [&]() -> Task<Result<void>> {
    ++scrubs;
    auto failing = [](bool fails) -> Task<Result<void>> {
      if (fails) co_return fail(Reason::disk_full, "the disk is full");
      co_return Result<void>();
    };
    return failing(scrubs == 1);
  };
  // What a crash leaves: the mark alone, then all but the scrub.
  ASSERT_TRUE(place.run(place.accounts->mark_for_erasure(name)));
  EXPECT_EQ(place.send("GET", "/v1/files", token).status, 401);

  const auto first = place.run(erase_account(parts, name));
  const auto second = place.run(erase_account(parts, name));

  EXPECT_EQ(first.error().reason, Reason::disk_full);
  EXPECT_EQ(second.error().reason, Reason::not_found);
  EXPECT_THAT(place.send("GET", "/v1/invites", admin).body, Not(HasSubstr(name)));
}

}  // namespace
}  // namespace restante::api::test
