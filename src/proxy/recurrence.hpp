// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "proxy/document.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Repetition: the part of RFC 5545 §3.3.10 that a document may ask for (FORMATS.md §2). Everything here is
/// pure but for the zone database, like proxy/zone.hpp. Any thread.
namespace restante::proxy {

struct RecurrenceLimits {
  int count = 9999;
  int interval = 9999;
  /// Days, weeks or months that are looked through for the next occurrence; beyond, it never comes.
  int periods = 1200;
};

/// An RRULE value: FREQ=DAILY, WEEKLY or MONTHLY with INTERVAL, BYDAY, BYMONTHDAY, COUNT or UNTIL, and WKST.
struct Recurrence {
  enum class Every { day, week, month } every = Every::day;
  int interval = 1;
  struct Day {
    Weekday weekday = Weekday::mo;
    int ordinal = 0;  ///< of its kind in the month, from the end if negative; 0: each one
  };
  std::vector<Day> days;        ///< BYDAY
  std::vector<int> month_days;  ///< BYMONTHDAY; negative: from the end
  std::optional<int> count;
  /// UNTIL, inclusive. A date alone is the whole day; without Z it is meant by the clocks of the zone.
  struct Until {
    int year = 1970, month = 1, day = 1;
    int second = 86399;  ///< of the day
    bool utc = false;
  };
  std::optional<Until> until;
  Weekday week_start = Weekday::mo;
};

/// Error: invalid (another rule part, one that does not fit the frequency, both COUNT and UNTIL, a number out
/// of its range).
Result<Recurrence> parse_recurrence(std::string_view rrule);

/// The first occurrence after `after` of the series that begins at `start` (DTSTART) by the clocks of `zone`;
/// nullopt: there is none. `start` itself counts only if the rule fits it, and fractions of its second do
/// not. Wall-clock times that the zone does not have, or has twice: as in proxy/zone.hpp (RFC 5545 §3.3.10).
std::optional<Instant> next_occurrence(const Recurrence& rule, std::string_view zone, Instant start,
                                       Instant after);

/// The one that a series begins with which is accepted at `now`: the last that has passed (its content is
/// fetched once, at once), else the first to come. nullopt: there is none at all.
std::optional<Instant> occurrence_at(const Recurrence& rule, std::string_view zone, Instant start,
                                     Instant now);

/// `time` so many days later as `to` is later than `from`, at the same time of day by the clocks of `zone`: a
/// deadline at eight stays at eight when these change.
Instant moved_along(std::string_view zone, Instant time, Instant from, Instant to);

/// A repetition as people type it, as an RRULE value: what parse_recurrence takes, `day`, `week`, `month`,
/// `2 weeks`, `mo,we,fr`, `weekday`. Error: usage.
Result<std::string> parse_person_recurrence(std::string_view text);

/// For people: "every day", "every 2 weeks on Monday and Friday, 5 times". What is not a rule: as it is.
std::string recurrence_words(std::string_view rrule);

}  // namespace restante::proxy
