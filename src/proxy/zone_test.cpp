// SPDX-License-Identifier: Apache-2.0
#include "proxy/zone.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante::proxy {
namespace {

// Paris 2026: clocks go back on 25 October at 03:00 (02:00 to 03:00 comes twice). 2027: they go forward on 28
// March at 02:00 (02:00 to 03:00 is left out).
constexpr std::string_view paris = "Europe/Paris";

Instant at(std::string_view rfc3339) {
  return *from_rfc3339(rfc3339);
}

std::string utc_of(std::string_view ixdtf) {
  const auto instant = parse_ixdtf(ixdtf);
  return instant ? to_rfc3339(*instant) : "refused: " + instant.error().message;
}

std::string utc_of_paris(int year, int month, int day, int minute) {
  LocalTime local;
  local.year = year;
  local.month = month;
  local.day = day;
  local.minute = minute;
  const auto instant = to_instant(paris, local);
  return instant ? to_rfc3339(*instant) : "refused";
}

TEST(Ixdtf, GoesByTheOffset) {
  EXPECT_EQ(utc_of("2026-11-28T01:00:00+01:00"), "2026-11-28T00:00:00Z");
  EXPECT_EQ(utc_of("2026-11-28T01:00:00.2509-03:30"), "2026-11-28T04:30:00.250Z");
  EXPECT_EQ(utc_of("2026-11-28T01:00:00-00:00"), "2026-11-28T01:00:00Z");
}

TEST(Ixdtf, GoesByTheZoneWhereTheOffsetContradictsIt) {
  EXPECT_EQ(utc_of("2026-11-28T01:00:00+01:00[Europe/Paris]"), "2026-11-28T00:00:00Z");
  EXPECT_EQ(utc_of("2026-07-01T01:00:00+01:00[Europe/Paris]"), "2026-06-30T23:00:00Z");
}

TEST(Ixdtf, KeepsTheOccurrenceThatTheOffsetNames) {
  EXPECT_EQ(utc_of("2026-10-25T02:30:00+02:00[Europe/Paris]"), "2026-10-25T00:30:00Z");
  EXPECT_EQ(utc_of("2026-10-25T02:30:00+01:00[Europe/Paris]"), "2026-10-25T01:30:00Z");
}

TEST(Ixdtf, TakesZAsAnInstantWithoutLocalOffset) {
  EXPECT_EQ(utc_of("2026-07-01T01:00:00Z[Europe/Paris]"), "2026-07-01T01:00:00Z");
  EXPECT_EQ(utc_of("2026-07-01T01:00:00Z[!Europe/Paris]"), "2026-07-01T01:00:00Z");
}

TEST(Ixdtf, AnUnknownZoneMattersOnlyIfItIsCritical) {
  EXPECT_EQ(utc_of("2026-11-28T01:00:00+01:00[Mars/Olympus]"), "2026-11-28T00:00:00Z");
  EXPECT_FALSE(parse_ixdtf("2026-11-28T01:00:00+01:00[!Mars/Olympus]"));
  EXPECT_FALSE(parse_ixdtf("2026-11-28T01:00:00Z[!Mars/Olympus]"));
}

TEST(Ixdtf, ACriticalZoneMustAgreeWithTheOffset) {
  EXPECT_EQ(utc_of("2026-11-28T01:00:00+01:00[!Europe/Paris]"), "2026-11-28T00:00:00Z");
  EXPECT_FALSE(parse_ixdtf("2026-11-28T01:00:00+02:00[!Europe/Paris]"));
}

TEST(Zone, TakesTheFirstOfAnOverlapAndTheOffsetBeforeAGap) {
  EXPECT_EQ(utc_of_paris(2026, 10, 25, 150), "2026-10-25T00:30:00Z");
  EXPECT_EQ(utc_of_paris(2027, 3, 28, 150), "2027-03-28T01:30:00Z");
  EXPECT_EQ(utc_of_paris(2026, 11, 27, 1440), "2026-11-27T23:00:00Z");
}

TEST(Zone, ShowsWhatTheClocksShow) {
  EXPECT_EQ(local_text(paris, at("2026-11-28T00:00:00Z")), "2026-11-28 01:00 Europe/Paris");
  EXPECT_EQ(local_text("UTC", at("2026-11-28T00:00:07Z")), "2026-11-28 00:00:07 UTC");
  EXPECT_EQ(to_ixdtf(paris, at("2026-10-25T01:30:00Z")), "2026-10-25T02:30:00+01:00[Europe/Paris]");
  EXPECT_EQ(to_ixdtf("America/St_Johns", at("2026-11-28T00:00:00Z")),
            "2026-11-27T20:30:00-03:30[America/St_Johns]");
  EXPECT_EQ(to_local(paris, at("2026-11-28T00:00:00Z")).weekday, Weekday::sa);
  EXPECT_EQ(to_local(paris, at("1969-12-31T23:30:00Z")).day, 1);
}

TEST(Zone, KnowsIanaNamesOnly) {
  for (const char* name : {"Europe/Paris", "America/New_York", "UTC", "Etc/GMT+5"})
    EXPECT_TRUE(is_zone(name)) << name;
  for (const char* name :
       {"", "Paris", "Mars/Olympus", "localtime", "posix/Europe/Paris", "../Europe/Paris", "europe/paris"})
    EXPECT_FALSE(is_zone(name)) << name;
}

TEST(Zone, TheSystemHasOne) {
  EXPECT_TRUE(is_zone(system_zone())) << system_zone();
}

TEST(Zone, RefusesDaysThatDoNotExist) {
  EXPECT_EQ(utc_of_paris(2026, 2, 29, 0), "refused");
  EXPECT_EQ(utc_of_paris(2026, 13, 1, 0), "refused");
  EXPECT_EQ(utc_of_paris(2026, 1, 1, 1441), "refused");
}

Window hours(int from, int to, std::vector<Weekday> days = {}) {
  Window window;
  window.from_minute = from * 60;
  window.to_minute = to * 60;
  window.days = std::move(days);
  return window;
}

std::string opening(const std::vector<Window>& windows, std::string_view zone, std::string_view now) {
  const auto instant = next_opening(windows, zone, at(now));
  return instant ? to_rfc3339(*instant) : "never";
}

std::string end(const std::vector<Window>& windows, std::string_view zone, std::string_view now) {
  const auto instant = closing(windows, zone, at(now));
  return instant ? to_rfc3339(*instant) : "never";
}

TEST(Windows, WithoutAnyBytesAlwaysFlow) {
  EXPECT_TRUE(window_open({}, paris, at("2026-11-28T00:00:00Z")));
  EXPECT_EQ(opening({}, paris, "2026-11-28T00:00:00Z"), "2026-11-28T00:00:00Z");
  EXPECT_EQ(end({}, paris, "2026-11-28T00:00:00Z"), "never");
}

TEST(Windows, BeginWithTheirFirstMinuteAndEndBeforeTheirLast) {
  const std::vector<Window> night = {hours(1, 6)};

  EXPECT_FALSE(window_open(night, "UTC", at("2026-11-28T00:59:59.999Z")));
  EXPECT_TRUE(window_open(night, "UTC", at("2026-11-28T01:00:00Z")));
  EXPECT_TRUE(window_open(night, "UTC", at("2026-11-28T05:59:59.999Z")));
  EXPECT_FALSE(window_open(night, "UTC", at("2026-11-28T06:00:00Z")));
}

TEST(Windows, CrossMidnightOnTheDayThatTheyBegin) {
  const std::vector<Window> friday = {hours(23, 6, {Weekday::fr})};

  EXPECT_EQ(opening(friday, "UTC", "2026-11-26T12:00:00Z"), "2026-11-27T23:00:00Z");
  EXPECT_TRUE(window_open(friday, "UTC", at("2026-11-28T05:00:00Z")));
  EXPECT_EQ(end(friday, "UTC", "2026-11-28T05:00:00Z"), "2026-11-28T06:00:00Z");
  EXPECT_FALSE(window_open(friday, "UTC", at("2026-11-28T23:30:00Z")));
  EXPECT_EQ(opening(friday, "UTC", "2026-11-28T06:00:00Z"), "2026-12-04T23:00:00Z");
}

TEST(Windows, ThatTouchOrOverlapAreOne) {
  const std::vector<Window> windows = {hours(1, 3), hours(2, 5), hours(5, 6), hours(8, 9)};

  EXPECT_EQ(end(windows, "UTC", "2026-11-28T01:30:00Z"), "2026-11-28T06:00:00Z");
  EXPECT_EQ(opening(windows, "UTC", "2026-11-28T06:00:00Z"), "2026-11-28T08:00:00Z");
}

TEST(Windows, ThatCoverEveryHourNeverEnd) {
  EXPECT_EQ(end({hours(0, 24)}, paris, "2026-10-24T12:00:00Z"), "never");
  EXPECT_EQ(end({hours(7, 7)}, paris, "2026-10-24T12:00:00Z"), "never");
  EXPECT_EQ(end({hours(7, 7, {Weekday::mo})}, "UTC", "2026-11-23T12:00:00Z"), "2026-11-24T07:00:00Z");
}

TEST(Windows, FollowTheClocksWhenTheyGoBack) {
  const std::vector<Window> night = {hours(1, 6)};

  EXPECT_EQ(opening(night, paris, "2026-10-24T20:00:00Z"), "2026-10-24T23:00:00Z");
  EXPECT_EQ(end(night, paris, "2026-10-24T23:00:00Z"), "2026-10-25T05:00:00Z");  // six hours long
  EXPECT_TRUE(window_open(night, paris, at("2026-10-25T00:30:00Z")));
  EXPECT_TRUE(window_open(night, paris, at("2026-10-25T01:30:00Z")));
  EXPECT_EQ(opening(night, paris, "2026-10-25T05:00:00Z"), "2026-10-26T00:00:00Z");
}

TEST(Windows, FollowTheClocksWhenTheyGoForward) {
  const std::vector<Window> night = {hours(1, 6)};

  EXPECT_EQ(opening(night, paris, "2027-03-27T20:00:00Z"), "2027-03-28T00:00:00Z");
  EXPECT_EQ(end(night, paris, "2027-03-28T00:00:00Z"), "2027-03-28T04:00:00Z");  // four hours long
}

TEST(Windows, ThatLieInTheHourLeftOutWaitForTheNextDay) {
  EXPECT_EQ(opening({hours(2, 3)}, paris, "2027-03-27T20:00:00Z"), "2027-03-29T00:00:00Z");
  EXPECT_EQ(opening({hours(2, 3, {Weekday::su})}, paris, "2027-03-27T20:00:00Z"), "2027-04-04T00:00:00Z");
}

TEST(Windows, OpeningAndClosingAgreeWithWhatIsOpenInEveryQuarterOfAnHour) {
  const std::vector<Window> windows = {hours(2, 3), hours(23, 1, {Weekday::sa, Weekday::su}),
                                       hours(12, 14, {Weekday::we})};

  for (const char* start : {"2026-10-23T00:00:00Z", "2027-03-26T00:00:00Z"}) {
    for (Instant now = at(start); now < at(start) + std::chrono::days(5); now += std::chrono::minutes(15)) {
      const bool open = window_open(windows, paris, now);
      const auto from = next_opening(windows, paris, now);
      ASSERT_TRUE(from);
      EXPECT_EQ(*from == now, open) << to_rfc3339(now);
      EXPECT_TRUE(window_open(windows, paris, *from)) << to_rfc3339(now);
      if (*from > now) {
        EXPECT_FALSE(window_open(windows, paris, *from - Millis(1))) << to_rfc3339(now);
      }
      const auto to = closing(windows, paris, now);
      EXPECT_EQ(to.has_value(), open) << to_rfc3339(now);
      if (to) {
        EXPECT_FALSE(window_open(windows, paris, *to)) << to_rfc3339(now);
        EXPECT_TRUE(window_open(windows, paris, *to - Millis(1))) << to_rfc3339(now);
      }
    }
  }
}

}  // namespace
}  // namespace restante::proxy
