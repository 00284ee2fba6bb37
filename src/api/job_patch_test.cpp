// SPDX-License-Identifier: Apache-2.0
#include "api/job_patch.hpp"

#include <gtest/gtest.h>

namespace restante::api {
namespace {

Result<jobs::Change> read(std::string body, std::string type = "application/merge-patch+json") {
  http::Request request;
  request.headers = {{"content-type", std::move(type)}};
  request.body = std::move(body);
  return read_change(request);
}

TEST(JobPatch, LeavesAloneWhatItDoesNotName) {
  const auto change = read(R"({"name":"new.bin"})");

  ASSERT_TRUE(change);
  EXPECT_EQ(change->name, "new.bin");
  EXPECT_FALSE(change->start);
  EXPECT_FALSE(change->by);
  EXPECT_FALSE(change->windows);
  EXPECT_FALSE(change->folder);
  EXPECT_FALSE(change->rate_bytes_per_s);
}

TEST(JobPatch, SetsTimesAndTakesThemAwayWithNull) {
  const auto change = read(R"({"when":{"start":"2027-02-01T00:00:00Z","by":null,"tz":"Europe/Paris"}})");

  ASSERT_TRUE(change && change->start && change->by);
  EXPECT_EQ(*change->start, "2027-02-01T00:00:00Z");
  EXPECT_EQ(*change->by, std::nullopt);
  EXPECT_EQ(change->tz, "Europe/Paris");
}

TEST(JobPatch, ReadsWindows) {
  const auto change = read(R"({"when":{"windows":[{"from":"22:30","to":"24:00","days":["MO","SU"]}]}})");

  ASSERT_TRUE(change && change->windows);
  const auto& window = change->windows->at(0);
  EXPECT_EQ(window.from_minute, 22 * 60 + 30);
  EXPECT_EQ(window.to_minute, 1440);
  EXPECT_EQ(window.days, (std::vector<proxy::Weekday>{proxy::Weekday::mo, proxy::Weekday::su}));
}

TEST(JobPatch, ReadsNewLinks) {
  const auto change = read(R"({"sources":[{"url":"https://a.test/x?sig=1"},{"url":"http://b.test/x"}]})");

  ASSERT_TRUE(change && change->sources);
  EXPECT_EQ(*change->sources, (std::vector<std::string>{"https://a.test/x?sig=1", "http://b.test/x"}));
}

TEST(JobPatch, NamesTheMemberThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"nonsense":1})", "/nonsense"},
      {R"({"sources":[]})", "/sources"},
      {R"({"sources":"http://a.test/"})", "/sources"},
      {R"({"sources":[{"url":"http://a.test/"},{"url":5}]})", "/sources/1"},
      {R"({"sources":[{"url":"http://a.test/","pri":1}]})", "/sources/0"},
      {R"({"name":5})", "/name"},
      {R"({"when":5})", "/when"},
      {R"({"when":{"start":5}})", "/when/start"},
      {R"({"when":{"repeat":"FREQ=DAILY"}})", "/when/repeat"},
      {R"({"when":{"windows":[{"from":"24:00","to":"06:00"}]}})", "/when/windows/0/from"},
      {R"({"when":{"windows":[{"from":"01:00","to":"24:01"}]}})", "/when/windows/0/to"},
      {R"({"when":{"windows":[{"from":"1:00","to":"06:00"}]}})", "/when/windows/0/from"},
      {R"({"when":{"windows":[{"from":"01:00","to":"06:00","days":["XX"]}]}})", "/when/windows/0/days"},
      {R"({"limits":{"rate":0}})", "/limits/rate"},
      {R"({"limits":{"rate":1.5}})", "/limits/rate"},
      {R"({"limits":{"bytes":1}})", "/limits/bytes"}};
  for (const auto& [body, pointer] : cases) {
    const auto change = read(body);
    ASSERT_FALSE(change) << body;
    EXPECT_EQ(change.error().reason, Reason::invalid) << body;
    EXPECT_EQ(change.error().pointer, pointer) << body;
  }
}

TEST(JobPatch, RefusesOtherBodies) {
  EXPECT_EQ(read("{", "application/json").error().reason, Reason::malformed);
  EXPECT_EQ(read("[]", "application/json").error().reason, Reason::invalid);
  EXPECT_EQ(read("{}", "text/plain").error().reason, Reason::media_type);
}

}  // namespace
}  // namespace restante::api
