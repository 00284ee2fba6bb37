// SPDX-License-Identifier: Apache-2.0
#include "proxy/recurrence.hpp"

#include "base/text.hpp"
#include "proxy/zone.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace restante::proxy {
namespace {

using namespace std::chrono_literals;

Instant at(std::string_view text) {
  return parse_ixdtf(text).value();
}

std::string utc(std::optional<Instant> instant) {
  return instant ? to_rfc3339(*instant) : "never";
}

/// The first `count` occurrences by the clocks of the zone, without its name.
std::vector<std::string> series(std::string_view rrule, std::string_view zone, Instant start, int count) {
  const auto rule = parse_recurrence(rrule);
  if (!rule) return {rule.error().message};
  std::vector<std::string> out;
  for (auto next = next_occurrence(*rule, zone, start, start - 1ms); next && count-- > 0;
       next = next_occurrence(*rule, zone, start, *next)) {
    const auto local = local_text(zone, *next);
    out.push_back(local.substr(0, local.rfind(' ')));
  }
  return out;
}
using Texts = std::vector<std::string>;

TEST(Recurrence, RefusesWhatIsOutsideItsSubset) {
  for (const char* bad : {"",
                          "DAILY",
                          "INTERVAL=2;FREQ=DAILY",
                          "FREQ=HOURLY",
                          "FREQ=YEARLY",
                          "FREQ=DAILY;BYHOUR=3",
                          "FREQ=DAILY;BYSETPOS=1",
                          "FREQ=MONTHLY;BYMONTH=2",
                          "FREQ=DAILY;INTERVAL=0",
                          "FREQ=DAILY;INTERVAL=-1",
                          "FREQ=DAILY;INTERVAL=99999",
                          "FREQ=DAILY;COUNT=0",
                          "FREQ=DAILY;COUNT=10000",
                          "FREQ=DAILY;COUNT=1;COUNT=2",
                          "FREQ=DAILY;COUNT=2;UNTIL=20270101",
                          "FREQ=DAILY;UNTIL=20271301",
                          "FREQ=DAILY;UNTIL=20270230",
                          "FREQ=DAILY;UNTIL=20270101T250000Z",
                          "FREQ=DAILY;UNTIL=20270101T000000X",
                          "FREQ=DAILY;UNTIL=2027",
                          "FREQ=WEEKLY;BYDAY=XX",
                          "FREQ=WEEKLY;BYDAY=MO,",
                          "FREQ=WEEKLY;BYDAY=1MO",
                          "FREQ=DAILY;BYDAY=-1FR",
                          "FREQ=MONTHLY;BYDAY=0MO",
                          "FREQ=MONTHLY;BYDAY=6MO",
                          "FREQ=MONTHLY;BYDAY=+-1MO",
                          "FREQ=WEEKLY;BYMONTHDAY=1",
                          "FREQ=MONTHLY;BYMONTHDAY=0",
                          "FREQ=MONTHLY;BYMONTHDAY=32",
                          "FREQ=MONTHLY;BYMONTHDAY=-32",
                          "FREQ=DAILY;WKST=TO",
                          "FREQ=DAILY;",
                          "FREQ=DAILY;X"})
    EXPECT_FALSE(parse_recurrence(bad)) << bad;
}

TEST(Recurrence, CountsDaysWeeksAndMonths) {
  const Instant start = at("2026-11-27T01:00:00+01:00");  // a Friday
  const auto paris = "Europe/Paris";

  EXPECT_EQ(series("FREQ=DAILY", paris, start, 3),
            (Texts{"2026-11-27 01:00", "2026-11-28 01:00", "2026-11-29 01:00"}));
  EXPECT_EQ(series("FREQ=DAILY;INTERVAL=10;COUNT=2", paris, start, 9),
            (Texts{"2026-11-27 01:00", "2026-12-07 01:00"}));
  EXPECT_EQ(series("FREQ=DAILY;BYDAY=MO,TU", paris, start, 3),
            (Texts{"2026-11-30 01:00", "2026-12-01 01:00", "2026-12-07 01:00"}));
  EXPECT_EQ(series("FREQ=DAILY;BYMONTHDAY=1,-1", paris, start, 3),
            (Texts{"2026-11-30 01:00", "2026-12-01 01:00", "2026-12-31 01:00"}));
  EXPECT_EQ(series("FREQ=WEEKLY", paris, start, 2), (Texts{"2026-11-27 01:00", "2026-12-04 01:00"}));
  EXPECT_EQ(series("FREQ=WEEKLY;BYDAY=SU,MO,FR", paris, start, 4),
            (Texts{"2026-11-27 01:00", "2026-11-29 01:00", "2026-11-30 01:00", "2026-12-04 01:00"}));
  EXPECT_EQ(series("FREQ=MONTHLY", paris, start, 2), (Texts{"2026-11-27 01:00", "2026-12-27 01:00"}));
  EXPECT_EQ(series("FREQ=MONTHLY;BYDAY=1MO,-1FR", paris, start, 4),
            (Texts{"2026-11-27 01:00", "2026-12-07 01:00", "2026-12-25 01:00", "2027-01-04 01:00"}));
  EXPECT_EQ(series("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", paris, start, 2),
            (Texts{"2027-08-13 01:00", "2028-10-13 01:00"}));
  EXPECT_EQ(series("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1", paris, start, 3),
            (Texts{"2026-11-30 01:00", "2027-01-31 01:00", "2027-03-31 01:00"}));
}

TEST(Recurrence, CountsEveryOtherWeekFromTheDayOnWhichWeeksBegin) {
  // RFC 5545 §3.8.5.3 has these two.
  const Instant start = at("1997-08-05T09:00:00-04:00");

  EXPECT_EQ(series("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "America/New_York", start, 9),
            (Texts{"1997-08-05 09:00", "1997-08-10 09:00", "1997-08-19 09:00", "1997-08-24 09:00"}));
  EXPECT_EQ(series("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "America/New_York", start, 9),
            (Texts{"1997-08-05 09:00", "1997-08-17 09:00", "1997-08-19 09:00", "1997-08-31 09:00"}));
}

TEST(Recurrence, PassesOverMonthsWithoutTheDay) {
  EXPECT_EQ(series("FREQ=MONTHLY", "UTC", at("2027-01-31T03:00:00Z"), 4),
            (Texts{"2027-01-31 03:00", "2027-03-31 03:00", "2027-05-31 03:00", "2027-07-31 03:00"}));
  EXPECT_EQ(series("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=29", "UTC", at("2028-02-29T03:00:00Z"), 2),
            (Texts{"2028-02-29 03:00", "2032-02-29 03:00"}));
}

TEST(Recurrence, EndsWithItsLastDay) {
  const Instant start = at("2026-11-27T23:30:00+01:00");
  const auto last = [&](const char* until) {
    const auto all = series(std::string("FREQ=DAILY;UNTIL=") + until, "Europe/Paris", start, 99);
    return all.empty() ? "none" : all.back();
  };

  EXPECT_EQ(last("20261129"), "2026-11-29 23:30");
  EXPECT_EQ(last("20261129T233000"), "2026-11-29 23:30");
  EXPECT_EQ(last("20261129T232959"), "2026-11-28 23:30");
  EXPECT_EQ(last("20261129T223000Z"), "2026-11-29 23:30");
  EXPECT_EQ(last("20261129T222959Z"), "2026-11-28 23:30");
  EXPECT_EQ(last("20261101"), "none");
}

TEST(Recurrence, NeverComesRatherThanBeingLookedForForEver) {
  const auto rule = parse_recurrence("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30").value();

  EXPECT_EQ(utc(next_occurrence(rule, "UTC", at("2027-02-01T00:00:00Z"), at("2027-02-01T00:00:00Z"))),
            "never");
}

TEST(Recurrence, EndsWithTheCalendar) {
  const auto rule = parse_recurrence("FREQ=DAILY").value();

  EXPECT_EQ(utc(next_occurrence(rule, "UTC", at("9999-12-31T00:00:00Z"), at("9999-12-31T00:00:00Z"))),
            "never");
}

/// RFC 5545 §3.3.5: in a gap the offset from before it counts, of an overlap the first occurrence.
TEST(Recurrence, GoesByTheClocksWhereTheyChange) {
  struct Case {
    const char *zone, *start, *before, *changed, *after;
  };
  const Case cases[]{
      {"Europe/Paris", "2027-03-27T02:30:00+01:00", "2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z",
       "2027-03-29T00:30:00Z"},
      {"Europe/Paris", "2026-10-24T02:30:00+02:00", "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z",
       "2026-10-26T01:30:00Z"},
      {"Europe/London", "2027-03-27T01:15:00Z", "2027-03-27T01:15:00Z", "2027-03-28T01:15:00Z",
       "2027-03-29T00:15:00Z"},
      {"Europe/London", "2026-10-24T01:15:00+01:00", "2026-10-24T00:15:00Z", "2026-10-25T00:15:00Z",
       "2026-10-26T01:15:00Z"},
      {"America/New_York", "2027-03-13T02:30:00-05:00", "2027-03-13T07:30:00Z", "2027-03-14T07:30:00Z",
       "2027-03-15T06:30:00Z"},
      {"America/New_York", "2026-10-31T01:30:00-04:00", "2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z",
       "2026-11-02T06:30:00Z"},
      {"Australia/Lord_Howe", "2026-10-03T02:15:00+10:30", "2026-10-02T15:45:00Z", "2026-10-03T15:45:00Z",
       "2026-10-04T15:15:00Z"},
      {"Australia/Lord_Howe", "2027-04-03T01:45:00+11:00", "2027-04-02T14:45:00Z", "2027-04-03T14:45:00Z",
       "2027-04-04T15:15:00Z"},
      {"America/Santiago", "2026-09-05T00:30:00-04:00", "2026-09-05T04:30:00Z", "2026-09-06T04:30:00Z",
       "2026-09-07T03:30:00Z"},
      {"Atlantic/Azores", "2027-03-27T00:30:00-01:00", "2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z",
       "2027-03-29T00:30:00Z"},
      {"Africa/Cairo", "2027-04-29T00:30:00+02:00", "2027-04-28T22:30:00Z", "2027-04-29T22:30:00Z",
       "2027-04-30T21:30:00Z"},
      {"Asia/Beirut", "2027-03-27T00:30:00+02:00", "2027-03-26T22:30:00Z", "2027-03-27T22:30:00Z",
       "2027-03-28T21:30:00Z"},
      {"America/St_Johns", "2026-10-31T01:30:00-02:30", "2026-10-31T04:00:00Z", "2026-11-01T04:00:00Z",
       "2026-11-02T05:00:00Z"},
      {"Pacific/Auckland", "2026-09-26T02:30:00+12:00", "2026-09-25T14:30:00Z", "2026-09-26T14:30:00Z",
       "2026-09-27T13:30:00Z"},
      {"Asia/Kolkata", "2027-03-27T02:30:00+05:30", "2027-03-26T21:00:00Z", "2027-03-27T21:00:00Z",
       "2027-03-28T21:00:00Z"},
  };
  const auto daily = parse_recurrence("FREQ=DAILY").value();
  for (const Case& one : cases) {
    const Instant start = at(one.start);
    const auto changed = next_occurrence(daily, one.zone, start, start);
    ASSERT_TRUE(changed);

    EXPECT_EQ(utc(next_occurrence(daily, one.zone, start, start - 1ms)), one.before) << one.zone;
    EXPECT_EQ(utc(changed), one.changed) << one.zone;
    EXPECT_EQ(utc(next_occurrence(daily, one.zone, start, *changed)), one.after) << one.zone;
  }
}

TEST(Recurrence, BeginsAtTheSecondOfTwoEqualTimesIfThatIsItsStart) {
  const auto daily = parse_recurrence("FREQ=DAILY").value();
  const Instant second = at("2026-10-25T02:30:00+01:00");

  EXPECT_EQ(utc(next_occurrence(daily, "Europe/Paris", second, second - 1ms)), "2026-10-25T01:30:00Z");
}

TEST(Recurrence, BeginsWithTheLastThatHasPassedOrElseTheFirstToCome) {
  const auto begin = [](const char* rrule, const char* start, const char* now) {
    return utc(occurrence_at(parse_recurrence(rrule).value(), "UTC", at(start), at(now)));
  };

  EXPECT_EQ(begin("FREQ=DAILY", "2026-11-28T02:00:00Z", "2026-11-27T12:00:00Z"), "2026-11-28T02:00:00Z");
  EXPECT_EQ(begin("FREQ=DAILY", "2026-11-20T02:00:00Z", "2026-11-27T12:00:00Z"), "2026-11-27T02:00:00Z");
  EXPECT_EQ(begin("FREQ=MONTHLY;INTERVAL=7", "1950-01-01T02:00:00Z", "2026-11-27T12:00:00Z"),
            "2026-06-01T02:00:00Z");
  EXPECT_EQ(begin("FREQ=DAILY;COUNT=2", "2026-11-20T02:00:00Z", "2026-11-27T12:00:00Z"),
            "2026-11-21T02:00:00Z");
  EXPECT_EQ(begin("FREQ=WEEKLY;BYDAY=MO", "2026-11-27T11:00:00Z", "2026-11-27T12:00:00Z"),
            "2026-11-30T11:00:00Z");
  EXPECT_EQ(begin("FREQ=DAILY;UNTIL=20200101", "2026-11-20T02:00:00Z", "2026-11-27T12:00:00Z"), "never");
}

TEST(Recurrence, BeginsWithTheLastOfASeriesThatIsAgesOld) {
  const auto daily = parse_recurrence("FREQ=DAILY").value();

  EXPECT_EQ(utc(occurrence_at(daily, "Europe/Paris", at("0001-01-01T02:00:00Z"), at("2026-11-27T12:00:00Z")))
                .substr(0, 10),
            "2026-11-27");
}

TEST(MovedAlong, KeepsTheTimeOfDayWhenTheClocksChange) {
  const auto moved = [](const char* time, const char* from, const char* to) {
    return utc(moved_along("Europe/Paris", at(time), at(from), at(to)));
  };

  EXPECT_EQ(moved("2026-10-24T08:00:00+02:00", "2026-10-24T01:00:00+02:00", "2026-10-25T01:00:00+02:00"),
            "2026-10-25T07:00:00Z");
  EXPECT_EQ(moved("2027-03-27T08:00:00+01:00", "2027-03-27T02:30:00+01:00", "2027-03-28T03:30:00+02:00"),
            "2027-03-28T06:00:00Z");
  EXPECT_EQ(moved("2026-10-25T08:00:00.250+01:00", "2026-10-24T01:00:00+02:00", "2026-10-30T01:00:00+01:00"),
            "2026-10-31T07:00:00.250Z");
  EXPECT_EQ(moved("2026-10-23T23:00:00+02:00", "2026-10-24T01:00:00+02:00", "1960-01-01T01:00:00+01:00"),
            "1959-12-31T22:00:00Z");
}

TEST(PersonRecurrence, IsWrittenAsPeopleSayIt) {
  const auto rule = [](const char* text) {
    const auto read = parse_person_recurrence(text);
    return read ? *read : std::string(code(read.error().reason));
  };

  EXPECT_EQ(rule("day"), "FREQ=DAILY");
  EXPECT_EQ(rule("Daily"), "FREQ=DAILY");
  EXPECT_EQ(rule("2 weeks"), "FREQ=WEEKLY;INTERVAL=2");
  EXPECT_EQ(rule("month"), "FREQ=MONTHLY");
  EXPECT_EQ(rule("weekday"), "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR");
  EXPECT_EQ(rule("mo,We,friday"), "FREQ=WEEKLY;BYDAY=MO,WE,FR");
  EXPECT_EQ(rule("sun"), "FREQ=WEEKLY;BYDAY=SU");
  EXPECT_EQ(rule(" freq=monthly;bymonthday=-1 "), "FREQ=MONTHLY;BYMONTHDAY=-1");
  EXPECT_EQ(rule("RRULE:FREQ=DAILY;COUNT=3"), "FREQ=DAILY;COUNT=3");
  for (const char* bad :
       {"", "hour", "0 days", "-1 days", "2 mo", "mo,", "mond", "moday", "FREQ=HOURLY", "2  "})
    EXPECT_EQ(rule(bad), "usage") << bad;
}

TEST(RecurrenceWords, SayItToPeople) {
  EXPECT_EQ(recurrence_words("FREQ=DAILY"), "every day");
  EXPECT_EQ(recurrence_words("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;COUNT=5"),
            "every 2 weeks on Monday and Friday, 5 times");
  EXPECT_EQ(recurrence_words("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"), "every week on Monday to Friday");
  EXPECT_EQ(recurrence_words("FREQ=MONTHLY;BYMONTHDAY=1,15,-1;UNTIL=20270131"),
            "every month on day 1, day 15 and the last day, until 2027-01-31");
  EXPECT_EQ(recurrence_words("FREQ=MONTHLY;BYDAY=2TU,-1FR"),
            "every month on the second Tuesday and the last Friday");
  EXPECT_EQ(recurrence_words("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR"),
            "every month on day 13 if that is a Friday");
  EXPECT_EQ(recurrence_words("not a rule"), "not a rule");
}

}  // namespace
}  // namespace restante::proxy
