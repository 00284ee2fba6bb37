// SPDX-License-Identifier: Apache-2.0
#include "proxy/recurrence.hpp"

#include "base/text.hpp"
#include "proxy/zone.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace restante::proxy {
namespace {

constexpr std::array<std::string_view, 7> day_codes{"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
constexpr std::array<std::string_view, 7> day_names{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};

tl::unexpected<Error> wrong(std::string message) {
  return fail(Reason::invalid, "the repetition " + std::move(message),
              "write it as in FREQ=DAILY, FREQ=WEEKLY;BYDAY=MO,FR or FREQ=MONTHLY;BYMONTHDAY=1");
}

std::optional<int> number(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  int value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Weekday> weekday(std::string_view code) {
  const auto found = std::find(day_codes.begin(), day_codes.end(), code);
  if (found == day_codes.end()) return std::nullopt;
  return static_cast<Weekday>(found - day_codes.begin());
}

/// Calls `use` for each part between commas; false as soon as it says so.
template <class Use>
bool each_value(std::string_view list, Use use) {
  for (;;) {
    const auto comma = list.find(',');
    if (!use(list.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

bool read_days(std::string_view list, Recurrence& rule) {
  return each_value(list, [&](std::string_view one) {
    if (one.size() < 2 || rule.days.size() >= 64) return false;
    Recurrence::Day day;
    const auto code = weekday(one.substr(one.size() - 2));
    if (!code) return false;
    day.weekday = *code;
    if (const auto before = one.substr(0, one.size() - 2); !before.empty()) {
      const auto ordinal = number(before);
      if (!ordinal || *ordinal == 0 || *ordinal < -5 || *ordinal > 5) return false;
      day.ordinal = *ordinal;
    }
    rule.days.push_back(day);
    return true;
  });
}

bool read_month_days(std::string_view list, Recurrence& rule) {
  return each_value(list, [&](std::string_view one) {
    const auto day = number(one);
    if (!day || *day == 0 || *day < -31 || *day > 31 || rule.month_days.size() >= 62) return false;
    rule.month_days.push_back(*day);
    return true;
  });
}

/// YYYYMMDD, YYYYMMDDTHHMMSS or YYYYMMDDTHHMMSSZ.
std::optional<Recurrence::Until> read_until(std::string_view text) {
  const auto digits = [&](std::size_t at, std::size_t count) {
    int value = 0;
    for (char c : text.substr(at, count)) {
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  if (text.size() != 8 && text.size() != 15 && text.size() != 16) return std::nullopt;
  Recurrence::Until out;
  out.year = digits(0, 4);
  out.month = digits(4, 2);
  out.day = digits(6, 2);
  if (out.year < 0 || out.month < 0 || out.day < 0) return std::nullopt;
  if (!to_instant("UTC", {out.year, out.month, out.day})) return std::nullopt;
  if (text.size() == 8) return out;
  const int hour = digits(9, 2), minute = digits(11, 2), second = digits(13, 2);
  if (text[8] != 'T' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return std::nullopt;
  out.second = hour * 3600 + minute * 60 + second;
  if (text.size() == 16 && text[15] != 'Z') return std::nullopt;
  out.utc = text.size() == 16;
  return out;
}

/// What a part means for itself; whether the parts fit together is looked at afterwards.
Result<void> read_part(std::string_view name, std::string_view value, Recurrence& rule) {
  const RecurrenceLimits limits;
  const auto bad = [&] { return wrong(fmt::format("has a {} that cannot be: {}", name, value)); };
  if (name == "FREQ") {
    if (value == "DAILY")
      rule.every = Recurrence::Every::day;
    else if (value == "WEEKLY")
      rule.every = Recurrence::Every::week;
    else if (value == "MONTHLY")
      rule.every = Recurrence::Every::month;
    else
      return wrong("is neither daily, nor weekly, nor monthly");
  } else if (name == "INTERVAL") {
    const auto interval = number(value);
    if (!interval || *interval < 1 || *interval > limits.interval) return bad();
    rule.interval = *interval;
  } else if (name == "COUNT") {
    rule.count = number(value);
    if (!rule.count || *rule.count < 1 || *rule.count > limits.count) return bad();
  } else if (name == "UNTIL") {
    rule.until = read_until(value);
    if (!rule.until) return bad();
  } else if (name == "WKST") {
    const auto day = weekday(value);
    if (!day) return bad();
    rule.week_start = *day;
  } else if (name == "BYDAY") {
    if (!read_days(value, rule)) return bad();
  } else if (name == "BYMONTHDAY") {
    if (!read_month_days(value, rule)) return bad();
  } else {
    return wrong(fmt::format("has the part {}, which this place does not know", name));
  }
  return {};
}

/// A day as the calendar has it. Days are counted from 1970-01-01.
struct Date {
  int year = 1970, month = 1, day = 1;
};

std::int64_t number_of(int year, int month, int day) {
  using namespace std::chrono;
  return sys_days{std::chrono::year{year} / std::chrono::month{static_cast<unsigned>(month)} /
                  std::chrono::day{static_cast<unsigned>(day)}}
      .time_since_epoch()
      .count();
}

Date date_of(std::int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days(day)}};
  return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day()))};
}

int weekday_of(std::int64_t day) {
  return static_cast<int>(((day + 3) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
}

int length_of_month(int year, int month) {
  const auto last =
      std::chrono::year{year} / std::chrono::month{static_cast<unsigned>(month)} / std::chrono::last;
  return static_cast<int>(static_cast<unsigned>(last.day()));
}

/// The days of one rule, period by period.
class Days {
public:
  Days(const Recurrence& rule, std::int64_t first)
      : rule_(rule), first_(first), first_date_(date_of(first)), week_(first - from_week_start(first)) {}

  /// In which period a day lies; not before the first.
  std::int64_t period_of(std::int64_t day) const {
    std::int64_t units = 0;
    switch (rule_.every) {
      case Recurrence::Every::day:
        units = day - first_;
        break;
      case Recurrence::Every::week:
        units = (day - week_) / 7;
        break;
      case Recurrence::Every::month: {
        const Date date = date_of(day);
        units = (date.year - first_date_.year) * 12 + date.month - first_date_.month;
        break;
      }
    }
    return std::max<std::int64_t>(0, units / rule_.interval);
  }

  /// In order, none twice. Empty with `after_all` set: past the year 9999.
  const std::vector<std::int64_t>& of_period(std::int64_t period, bool& after_all) {
    days_.clear();
    after_all = false;
    const std::int64_t units = period * rule_.interval;
    switch (rule_.every) {
      case Recurrence::Every::day:
        add_if_fits(first_ + units);
        break;
      case Recurrence::Every::week:
        for (std::int64_t day = week_ + units * 7, end = day + 7; day < end; ++day)
          if (rule_.days.empty() ? weekday_of(day) == weekday_of(first_) : on_wanted_weekday(day))
            days_.push_back(day);
        break;
      case Recurrence::Every::month:
        month(units);
        break;
    }
    after_all = date_of(days_.empty() ? first_ + units : days_.back()).year > 9999;
    return days_;
  }

private:
  std::int64_t from_week_start(std::int64_t day) const {
    return (weekday_of(day) - static_cast<int>(rule_.week_start) + 7) % 7;
  }

  bool on_wanted_weekday(std::int64_t day) const {
    const int weekday = weekday_of(day);
    return std::any_of(rule_.days.begin(), rule_.days.end(),
                       [&](const auto& one) { return static_cast<int>(one.weekday) == weekday; });
  }

  /// BYDAY within a month: the ordinals count days of the same name from its beginning, or from its end.
  bool on_wanted_day(std::int64_t day, int day_of_month, int length) const {
    const int weekday = weekday_of(day);
    return std::any_of(rule_.days.begin(), rule_.days.end(), [&](const auto& one) {
      if (static_cast<int>(one.weekday) != weekday) return false;
      if (one.ordinal == 0) return true;
      return one.ordinal > 0 ? (day_of_month - 1) / 7 + 1 == one.ordinal
                             : -((length - day_of_month) / 7 + 1) == one.ordinal;
    });
  }

  bool on_wanted_month_day(int day_of_month, int length) const {
    return std::any_of(rule_.month_days.begin(), rule_.month_days.end(), [&](int wanted) {
      return wanted > 0 ? wanted == day_of_month : length + 1 + wanted == day_of_month;
    });
  }

  void add_if_fits(std::int64_t day) {
    if (!rule_.days.empty() && !on_wanted_weekday(day)) return;
    const Date date = date_of(day);
    if (!rule_.month_days.empty() && !on_wanted_month_day(date.day, length_of_month(date.year, date.month)))
      return;
    days_.push_back(day);
  }

  void month(std::int64_t months) {
    const std::int64_t counted = first_date_.year * 12 + first_date_.month - 1 + months;
    const int year = static_cast<int>(counted / 12), month = static_cast<int>(counted % 12) + 1;
    if (year > 9999) return;
    const int length = length_of_month(year, month);
    const std::int64_t begin = number_of(year, month, 1);
    for (int day = 1; day <= length; ++day) {
      const std::int64_t one = begin + day - 1;
      const bool plain = rule_.days.empty() && rule_.month_days.empty();
      if (plain && day != first_date_.day) continue;
      if (!rule_.month_days.empty() && !on_wanted_month_day(day, length)) continue;
      if (!rule_.days.empty() && !on_wanted_day(one, day, length)) continue;
      days_.push_back(one);
    }
  }

  const Recurrence& rule_;
  std::int64_t first_;
  Date first_date_;
  std::int64_t week_;  ///< the first day of the first week
  std::vector<std::int64_t> days_;
};

LocalTime local_of(std::int64_t day, int second_of_day) {
  const Date date = date_of(day);
  LocalTime out;
  out.year = date.year;
  out.month = date.month;
  out.day = date.day;
  out.minute = second_of_day / 60;
  out.second = second_of_day % 60;
  return out;
}

std::int64_t day_number(const LocalTime& local) {
  return number_of(local.year, local.month, local.day);
}

/// Calls `use` with each occurrence, in order, until it returns false or there are no more. May leave out
/// those before `from`.
template <class Use>
void each_occurrence(const Recurrence& rule, std::string_view zone, Instant given, Instant from, Use use) {
  const RecurrenceLimits limits;
  const Instant start = std::chrono::floor<Seconds>(given);
  const LocalTime wall = to_local(zone, start);
  const int second_of_day = wall.minute * 60 + wall.second;
  const std::int64_t first = day_number(wall);
  std::optional<Instant> last;
  if (rule.until) {
    const auto& until = *rule.until;
    const auto at = to_instant(until.utc ? "UTC" : zone,
                               local_of(number_of(until.year, until.month, until.day), until.second));
    if (at) last = *at;
  }
  Days days(rule, first);
  // COUNT counts from the beginning; else what lies two days before `from` and earlier is over.
  std::int64_t period = 0;
  if (!rule.count && from > start)
    period = std::max<std::int64_t>(0, days.period_of(day_number(to_local(zone, from)) - 2));
  int counted = 0;
  for (int empty = 0; empty < limits.periods; ++period) {
    bool after_all = false;
    const auto& some = days.of_period(period, after_all);
    if (after_all) return;
    ++empty;
    for (const std::int64_t day : some) {
      if (day < first) continue;
      empty = 0;
      // The start may be the second of two equal wall-clock times.
      const auto at = day == first ? Result<Instant>(start) : to_instant(zone, local_of(day, second_of_day));
      if (!at || (last && *at > *last)) return;
      if (!use(*at)) return;
      if (rule.count && ++counted >= *rule.count) return;
    }
  }
}

}  // namespace

Result<Recurrence> parse_recurrence(std::string_view rrule) {
  Recurrence rule;
  std::vector<std::string_view> seen;
  for (std::string_view left = rrule;;) {
    const auto end = left.find(';');
    const std::string_view part = left.substr(0, end);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) return wrong("is not made of NAME=VALUE");
    const std::string_view name = part.substr(0, equals);
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      return wrong(fmt::format("says {} twice", name));
    seen.push_back(name);
    if (seen.size() == 1 && name != "FREQ") return wrong("does not begin with FREQ");
    if (auto read = read_part(name, part.substr(equals + 1), rule); !read) return fail(read.error());
    if (end == std::string_view::npos) break;
    left.remove_prefix(end + 1);
  }
  if (rule.count && rule.until) return wrong("has both COUNT and UNTIL");
  const bool ordinals =
      std::any_of(rule.days.begin(), rule.days.end(), [](const auto& one) { return one.ordinal != 0; });
  if (ordinals && rule.every != Recurrence::Every::month)
    return wrong("numbers its days, which is for months (RFC 5545 §3.3.10)");
  if (!rule.month_days.empty() && rule.every == Recurrence::Every::week)
    return wrong("has days of the month, which do not go with weeks (RFC 5545 §3.3.10)");
  return rule;
}

std::optional<Instant> next_occurrence(const Recurrence& rule, std::string_view zone, Instant start,
                                       Instant after) {
  std::optional<Instant> found;
  each_occurrence(rule, zone, start, after, [&](Instant at) {
    if (at <= after) return true;
    found = at;
    return false;
  });
  return found;
}

std::optional<Instant> occurrence_at(const Recurrence& rule, std::string_view zone, Instant start,
                                     Instant now) {
  // The last that has passed is looked for backwards, twice as far each time: a start may lie centuries ago.
  std::optional<Instant> found;
  for (auto back = std::chrono::days(2); start <= now; back *= 2) {
    const bool all = now - start < back;
    const Instant from = all ? start : now - back;
    each_occurrence(rule, zone, start, from, [&](Instant at) {
      if (at > now) return false;
      found = at;
      return true;
    });
    if (found || all) break;
  }
  return found ? found : next_occurrence(rule, zone, start, now);
}

Instant moved_along(std::string_view zone, Instant time, Instant from, Instant to) {
  const auto day = [&](Instant at) { return day_number(to_local(zone, at)); };
  LocalTime wall = to_local(zone, time);
  const Millis fraction = time - std::chrono::floor<Seconds>(time);
  const auto moved =
      to_instant(zone, local_of(day(time) + day(to) - day(from), wall.minute * 60 + wall.second));
  return moved ? *moved + fraction : to + (time - from);
}

Result<std::string> parse_person_recurrence(std::string_view given) {
  const std::string text = ascii_lower(trimmed(given, " "));
  if (text.starts_with("freq=") || text.starts_with("rrule:")) {
    std::string rule(trimmed(given, " "));
    if (text.starts_with("rrule:")) rule.erase(0, 6);
    for (char& c : rule)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    auto parsed = parse_recurrence(rule);
    if (!parsed) return fail(Reason::usage, parsed.error().message, parsed.error().hint);
    return rule;
  }
  const auto not_one = [&] {
    return fail(Reason::usage, fmt::format("'{}' is not a repetition", given),
                "write it as day, week, month, '2 weeks', weekday, mo,we,fr or FREQ=MONTHLY;BYMONTHDAY=1");
  };
  if (text == "weekday") return std::string("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR");
  std::string_view unit = text;
  int interval = 1;
  if (const auto space = unit.find(' '); space != std::string_view::npos) {
    const auto count = number(unit.substr(0, space));
    if (!count || *count < 1 || *count > RecurrenceLimits().interval) return not_one();
    interval = *count;
    unit = trimmed(unit.substr(space), " ");
  }
  const std::string every = interval == 1 ? std::string() : fmt::format(";INTERVAL={}", interval);
  if (unit == "day" || unit == "days" || unit == "daily") return "FREQ=DAILY" + every;
  if (unit == "week" || unit == "weeks" || unit == "weekly") return "FREQ=WEEKLY" + every;
  if (unit == "month" || unit == "months" || unit == "monthly") return "FREQ=MONTHLY" + every;
  std::string days;
  const bool all = each_value(unit, [&](std::string_view one) {
    for (const std::string_view code : day_codes)
      if (one.size() >= 2 && iequals(one.substr(0, 2), code) && one.size() <= 9) {
        days += (days.empty() ? "" : ",") + std::string(code);
        return iequals(one, code) ||
               std::any_of(day_names.begin(), day_names.end(), [&](std::string_view name) {
                 return iequals(one, name) || (one.size() == 3 && iequals(one, name.substr(0, 3)));
               });
      }
    return false;
  });
  if (!all || interval != 1) return not_one();
  return "FREQ=WEEKLY;BYDAY=" + days;
}

namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i)
    out += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return out;
}

std::string ordinal_words(int number) {
  constexpr std::array<std::string_view, 6> names{"", "first", "second", "third", "fourth", "fifth"};
  if (number == -1) return "last";
  const std::string name(names.at(static_cast<std::size_t>(std::abs(number))));
  return number > 0 ? name : name + " last";
}

std::string days_words(const Recurrence& rule) {
  constexpr unsigned working_days = 0b0011111;
  unsigned plain = 0;
  std::vector<std::string> parts;
  for (const auto& one : rule.days) {
    const std::string name(day_names.at(static_cast<std::size_t>(one.weekday)));
    if (one.ordinal == 0) plain |= 1u << static_cast<unsigned>(one.weekday);
    parts.push_back(one.ordinal == 0 ? name : "the " + ordinal_words(one.ordinal) + " " + name);
  }
  if (plain == working_days && parts.size() == 5) return "Monday to Friday";
  return joined(parts);
}

}  // namespace

std::string recurrence_words(std::string_view rrule) {
  const auto rule = parse_recurrence(rrule);
  if (!rule) return std::string(rrule);
  constexpr std::array<std::string_view, 3> units{"day", "week", "month"};
  const std::string unit(units.at(static_cast<std::size_t>(rule->every)));
  std::string out = rule->interval == 1 ? "every " + unit : fmt::format("every {} {}s", rule->interval, unit);
  if (!rule->month_days.empty()) {
    std::vector<std::string> parts;
    for (const int day : rule->month_days) {
      if (day > 0)
        parts.push_back(fmt::format("day {}", day));
      else
        parts.push_back(day == -1 ? "the last day" : fmt::format("the last day but {}", -day - 1));
    }
    out += " on " + joined(parts);
    if (!rule->days.empty()) out += " if that is a " + days_words(*rule);
  } else if (!rule->days.empty()) {
    out += " on " + days_words(*rule);
  }
  if (rule->count) out += *rule->count == 1 ? ", once" : fmt::format(", {} times", *rule->count);
  if (rule->until)
    out += fmt::format(", until {:04}-{:02}-{:02}", rule->until->year, rule->until->month, rule->until->day);
  return out;
}

}  // namespace restante::proxy
