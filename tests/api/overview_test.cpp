// SPDX-License-Identifier: Apache-2.0
// What an administrator sees of the whole place: numbers of everybody's downloads, and nothing that names
// them.
#include "base/text.hpp"
#include "jobs/records.hpp"
#include "place.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace restante::api::test {
namespace {

struct OverviewTest : testing::Test {
  OverviewTest() : admin(place.connect("olga", accounts::Role::admin)), user(place.connect("ana")) {}

  /// A job of ana's that changes to `state` at `at`, as the domain writes it.
  void change(const std::string& id, jobs::State state, Reason reason, Instant at) {
    Database::Work work = [&](Tx& tx) -> Result<void> {
      jobs::HistoryRow row;
      row.job = *JobId::parse(id);
      row.at = at;
      row.from = jobs::State::running;
      row.to = state;
      row.cause = "test";
      row.reason = reason;
      auto seq = tx.repo<jobs::JobRecords>().append_history(row);
      return seq ? Result<void>() : fail(seq.error());
    };
    const auto done = place.run(place.store->write(work));
    ASSERT_TRUE(done) << done.error().message;
  }
  boost::json::value ask(const std::string& path) {
    const auto answer = place.send("GET", path, admin);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json();
  }

  Place place;
  std::string admin, user;
};

TEST_F(OverviewTest, OnlyAdministratorsSeeIt) {
  for (const char* path : {"/v1/health", "/v1/failures", "/v1/week"}) {
    EXPECT_EQ(place.send("GET", path, user).status, 403) << path;
    EXPECT_EQ(place.send("GET", path).status, 401) << path;
  }
}

TEST_F(OverviewTest, HealthCountsEverybodysDownloads) {
  place.submit(user, 1);
  const auto paused = place.submit(user, 2);
  ASSERT_EQ(place.send("POST", "/v1/jobs/" + paused + ":pause", user).status, 200);

  const auto health = ask("/v1/health");

  EXPECT_EQ(health.at("downloads").at("scheduled"), 1);
  EXPECT_EQ(health.at("downloads").at("paused"), 1);
  EXPECT_EQ(health.at("mail"), "off");
  EXPECT_GT(health.at("disk").at("total_bytes").as_int64(), 0);
  EXPECT_FALSE(health.as_object().contains("certificate"));
}

TEST_F(OverviewTest, FailuresAreCountedByDayAndReasonAndStayWhenTheirDownloadsAreErased) {
  const auto id = place.submit(user, 1);
  const Instant now = place.clock.now();
  change(id, jobs::State::failed, Reason::not_found, now);
  change(id, jobs::State::failed, Reason::not_found, now);
  change(id, jobs::State::held, Reason::approval, now - std::chrono::hours(24));
  change(id, jobs::State::done, Reason::empty_result, now);

  const auto before = ask("/v1/failures?days=2");
  place.send("DELETE", "/v1/jobs/" + id, user);
  place.send("DELETE", "/v1/jobs/" + id, user);
  const auto after = ask("/v1/failures?days=2");

  const auto& days = before.at("days").as_array();
  ASSERT_EQ(days.size(), 2u);
  EXPECT_EQ(days[0].at("reasons"), boost::json::value({{"approval", 1}}));
  EXPECT_EQ(days[1].at("reasons"), boost::json::value({{"not-found", 2}}));
  EXPECT_EQ(place.send("GET", "/v1/jobs", user).body, "[]");
  EXPECT_EQ(after, before);
}

TEST_F(OverviewTest, DaysAreThoseThatAreKept) {
  EXPECT_EQ(ask("/v1/failures").at("days").as_array().size(), 7u);
  for (const char* days : {"0", "32", "-1", "7x", ""})
    EXPECT_EQ(place.send("GET", fmt::format("/v1/failures?days={}", days), admin).status, 400) << days;
}

TEST_F(OverviewTest, TheWeekTellsHowMuchIsPlannedWhen) {
  const auto soon = to_rfc3339(place.clock.now() + std::chrono::hours(30));
  auto core = place.core(1);
  core.replace(core.find("2126-01-01T00:00:00Z"), 20, soon);
  ASSERT_EQ(place.send("POST", "/v1/proxies", user, core).status, 202);
  place.submit(user, 2);

  const auto week = ask("/v1/week");

  const auto& hours = week.at("hours").as_array();
  ASSERT_EQ(hours.size(), 1u);
  EXPECT_EQ(hours[0].at("at").as_string(), soon.substr(0, 14) + "00:00Z");
  EXPECT_EQ(hours[0].at("downloads"), 1);
  EXPECT_EQ(hours[0].at("unknown"), 1);
  EXPECT_EQ(week.at("later").at("downloads"), 1);
}

TEST_F(OverviewTest, NothingNamesWhatOthersDownload) {
  place.submit(user, 1);

  for (const char* path : {"/v1/health", "/v1/failures", "/v1/week"}) {
    const auto answer = place.send("GET", path, admin);
    for (const char* name : {"f1.bin", "127.0.0.1", "ana"})
      EXPECT_EQ(answer.body.find(name), std::string::npos) << path << " " << name;
  }
}

}  // namespace
}  // namespace restante::api::test
