// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "proxy/zone.hpp"

#include <gtest/gtest.h>

namespace restante::proxy {
namespace {

std::string at(std::string_view text, std::string_view now = "2026-11-27T12:00:00Z",
               std::string_view zone = "Europe/Paris") {
  const auto instant = parse_person_time(text, zone, *from_rfc3339(now));
  return instant ? to_rfc3339(*instant) : "refused";
}

std::int64_t seconds(std::string_view text) {
  const auto duration = parse_duration(text);
  return duration ? duration->count() : -1;
}

std::string window(std::string_view text) {
  const auto parsed = parse_person_window(text);
  return parsed ? window_text(*parsed) : "refused";
}

TEST(PersonTime, ATimeOfDayIsTheNextOneOnTheClocksOfTheZone) {
  EXPECT_EQ(at("02:00"), "2026-11-28T01:00:00Z");
  EXPECT_EQ(at("2:00"), "2026-11-28T01:00:00Z");
  EXPECT_EQ(at("14:00"), "2026-11-27T13:00:00Z");
  EXPECT_EQ(at("13:00"), "2026-11-28T12:00:00Z");  // it is 13:00 now
  EXPECT_EQ(at("02:00", "2026-11-27T12:00:00Z", "UTC"), "2026-11-28T02:00:00Z");
}

TEST(PersonTime, KnowsTodayTomorrowAndWeekdays) {
  EXPECT_EQ(at("today 18:00"), "2026-11-27T17:00:00Z");
  EXPECT_EQ(at("today 03:00"), "2026-11-27T02:00:00Z");
  EXPECT_EQ(at("tomorrow 02:00"), "2026-11-28T01:00:00Z");
  EXPECT_EQ(at("Tomorrow  2:00"), "2026-11-28T01:00:00Z");
  EXPECT_EQ(at("fri 18:00"), "2026-11-27T17:00:00Z");
  EXPECT_EQ(at("friday 12:00"), "2026-12-04T11:00:00Z");
  EXPECT_EQ(at("THU 12:00"), "2026-12-03T11:00:00Z");
}

TEST(PersonTime, TomorrowIsTheDayAfterOnTheClocksOfTheZone) {
  EXPECT_EQ(at("tomorrow 02:00", "2026-11-27T23:30:00Z"), "2026-11-29T01:00:00Z");
}

TEST(PersonTime, CountsAhead) {
  EXPECT_EQ(at("+90s"), "2026-11-27T12:01:30Z");
  EXPECT_EQ(at("+5m"), "2026-11-27T12:05:00Z");
  EXPECT_EQ(at("+1h30m"), "2026-11-27T13:30:00Z");
  EXPECT_EQ(at("+2d"), "2026-11-29T12:00:00Z");
  EXPECT_EQ(at("+1w"), "2026-12-04T12:00:00Z");
  EXPECT_EQ(at("+0s"), "2026-11-27T12:00:00Z");
  EXPECT_EQ(at("now"), "2026-11-27T12:00:00Z");
}

TEST(PersonTime, DaysAheadKeepTheClockAndHoursDoNot) {
  EXPECT_EQ(at("+1d", "2026-10-24T12:00:00Z"), "2026-10-25T13:00:00Z");
  EXPECT_EQ(at("+24h", "2026-10-24T12:00:00Z"), "2026-10-25T12:00:00Z");
}

TEST(PersonTime, FollowsRfc5545WhereTheClocksChange) {
  EXPECT_EQ(at("02:30", "2026-10-24T20:00:00Z"), "2026-10-25T00:30:00Z");
  EXPECT_EQ(at("02:30", "2027-03-27T20:00:00Z"), "2027-03-28T01:30:00Z");
}

TEST(PersonTime, TakesInstantsAsDocumentsHaveThem) {
  EXPECT_EQ(at("2026-11-28T01:00:00+01:00"), "2026-11-28T00:00:00Z");
  EXPECT_EQ(at("2026-11-28T01:00:00+01:00[Europe/Paris]"), "2026-11-28T00:00:00Z");
}

TEST(PersonTime, RefusesTheRestWithAnExample) {
  for (const char* text : {"",
                           " ",
                           "25:00",
                           "24:00",
                           "2:0",
                           "soon",
                           "2026-11-28",
                           "2026-11-28T02:00:00",
                           "2026-11-28 02:00",
                           "+",
                           "+5",
                           "+5x",
                           "+m5",
                           "+5m1h",
                           "-5m",
                           "+-5m",
                           "mon",
                           "someday 02:00",
                           "tomorrow",
                           "02:00 tomorrow",
                           "m 02:00",
                           "+99999d",
                           "2026-02-30T00:00:00Z",
                           "1795335600"})
    EXPECT_EQ(at(text), "refused") << text;
  const auto error = parse_person_time("2026-11-28T02:00:00", "UTC", Instant()).error();
  EXPECT_EQ(error.reason, Reason::usage);
  EXPECT_NE(error.message.find("zone"), std::string::npos);
  EXPECT_NE(error.hint.find("+01:00"), std::string::npos);
}

TEST(Duration, ReadsIso8601AndShortForms) {
  EXPECT_EQ(seconds("P30D"), 30 * 86400);
  EXPECT_EQ(seconds("PT1H"), 3600);
  EXPECT_EQ(seconds("P2W"), 14 * 86400);
  EXPECT_EQ(seconds("P1DT2H3M4S"), 86400 + 2 * 3600 + 3 * 60 + 4);
  EXPECT_EQ(seconds("30d"), 30 * 86400);
  EXPECT_EQ(seconds("12h"), 12 * 3600);
  EXPECT_EQ(seconds("1h30m"), 5400);
  EXPECT_EQ(seconds("2W"), 14 * 86400);
}

TEST(Duration, RefusesWhatHasNoFixedLengthOrIsNone) {
  for (const char* text :
       {"", "P", "PT", "P1DT", "P1Y", "P1M", "1y", "30", "d", "1.5h", "-1h", "1m1h", "P1H", "P1W1D", "p1d x"})
    EXPECT_EQ(seconds(text), -1) << text;
}

TEST(Duration, IsWrittenAsItIsRead) {
  for (std::int64_t count : {0L, 1L, 90L, 3600L, 86400L, 30L * 86400L, 86401L, 99'999L * 86400L,
                             210'846L * 86400L, 5'060'312L * 3600L, 9'999'999L * 3600L + 9'999'999'999L})
    EXPECT_EQ(seconds(duration_text(Seconds(count))), count);
  EXPECT_EQ(duration_text(std::chrono::days(30)), "P30D");
}

TEST(PersonWindow, ReadsHoursAndDays) {
  EXPECT_EQ(window("23:00-06:00"), "23:00-06:00");
  EXPECT_EQ(window("1:00-24:00@MO,TU"), "01:00-24:00@MO,TU");
  EXPECT_EQ(window("08:00-18:00@mo-fr"), "08:00-18:00@MO,TU,WE,TH,FR");
  EXPECT_EQ(window("08:00-18:00@sat-mon, wed"), "08:00-18:00@MO,WE,SA,SU");
}

TEST(PersonWindow, RefusesTheRest) {
  for (const char* text :
       {"", "23:00", "23:00-", "-06:00", "24:00-06:00", "01:00-24:01", "1-6", "01:00-06:00@",
        "01:00-06:00@XX", "01:00-06:00@MO,", "01:00-06:00@MO TU", "01:00_06:00"})
    EXPECT_EQ(window(text), "refused") << text;
}

}  // namespace
}  // namespace restante::proxy
