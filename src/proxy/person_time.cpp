// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "proxy/zone.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace restante::proxy {

namespace {

constexpr std::array<std::string_view, 7> day_codes = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
constexpr std::array<std::string_view, 7> day_names = {"monday", "tuesday",  "wednesday", "thursday",
                                                       "friday", "saturday", "sunday"};

/// "mo", "mon" or "monday", in any case.
std::optional<Weekday> weekday_from(std::string_view text) {
  const auto lower = ascii_lower(text);
  for (std::size_t i = 0; i < day_names.size(); ++i)
    if (lower == day_names[i] ||
        ((lower.size() == 2 || lower.size() == 3) && day_names[i].starts_with(lower)))
      return static_cast<Weekday>(i);
  return std::nullopt;
}

/// "2:00" or "02:00"; "24:00" only where it is allowed.
std::optional<int> clock_from(std::string_view text, bool with_24) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon < 1 || colon > 2 || text.size() != colon + 3)
    return std::nullopt;
  int parts[2] = {0, 0};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == colon) continue;
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    int& part = parts[i < colon ? 0 : 1];
    part = part * 10 + (text[i] - '0');
  }
  const int minute = parts[0] * 60 + parts[1];
  if (parts[1] > 59 || minute > 1440 || (minute == 1440 && !with_24)) return std::nullopt;
  return minute;
}

struct Span {
  std::int64_t days = 0, seconds = 0;
};

struct Unit {
  char letter;
  std::size_t digits;  ///< at most
  std::int64_t Span::* part;
  std::int64_t factor;
};
constexpr Unit weeks{'W', 4, &Span::days, 7}, days{'D', 5, &Span::days, 1},
    hours{'H', 7, &Span::seconds, 3600}, minutes{'M', 8, &Span::seconds, 60},
    seconds{'S', 10, &Span::seconds, 1};

/// Takes "<digits><letter>" off the front of `text` if it is there.
bool take(std::string_view& text, const Unit& unit, Span& out) {
  std::size_t at = 0;
  std::int64_t value = 0;
  while (at < text.size() && at < unit.digits && text[at] >= '0' && text[at] <= '9')
    value = value * 10 + (text[at++] - '0');
  if (at == 0 || at >= text.size() || text[at] != unit.letter) return false;
  out.*unit.part += value * unit.factor;
  text.remove_prefix(at + 1);
  return true;
}

/// ISO 8601 after the 'P'.
bool take_iso(std::string_view text, Span& out) {
  if (text.empty()) return false;
  if (take(text, weeks, out)) return text.empty();
  take(text, days, out);
  if (text.empty()) return true;
  if (text.front() != 'T' || text.size() == 1) return false;
  text.remove_prefix(1);
  take(text, hours, out);
  take(text, minutes, out);
  take(text, seconds, out);
  return text.empty();
}

/// "1w2d3h4m5s": any of them, in this order.
bool take_short(std::string_view text, Span& out) {
  if (text.empty()) return false;
  std::string upper;
  for (char c : text) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  std::string_view left = upper;
  for (const Unit* unit : {&weeks, &days, &hours, &minutes, &seconds}) take(left, *unit, out);
  return left.empty();
}

tl::unexpected<Error> not_a_time(std::string_view text, std::string_view why = "is not a time") {
  return fail(Reason::usage, fmt::format("'{}' {}", text, why),
              "write it as 02:00, tomorrow 02:00, fri 18:00, +90s, +1h30m, +2d or 2026-11-28T01:00:00+01:00");
}

/// The first time after now that the clocks of the zone show this minute; of this weekday, if one is wanted.
Result<Instant> next_at(std::string_view zone, Instant now, int minute, std::optional<Weekday> wanted) {
  LocalTime local = to_local(zone, now);
  for (int ahead = 0; ahead <= 8; ++ahead) {
    const std::chrono::sys_days day =
        std::chrono::sys_days{std::chrono::year{local.year} / local.month / local.day} +
        std::chrono::days(ahead);
    const std::chrono::year_month_day date{day};
    const auto weekday = static_cast<Weekday>((static_cast<int>(local.weekday) + ahead) % 7);
    if (wanted && weekday != *wanted) continue;
    LocalTime then;
    then.year = static_cast<int>(date.year());
    then.month = static_cast<int>(static_cast<unsigned>(date.month()));
    then.day = static_cast<int>(static_cast<unsigned>(date.day()));
    then.minute = minute;
    auto instant = to_instant(zone, then);
    if (!instant || *instant > now) return instant;
  }
  return fail(Reason::usage, "there is no such time in the next days");
}

Result<Instant> days_ahead(std::string_view zone, Instant now, std::int64_t count,
                           std::optional<int> minute) {
  const LocalTime local = to_local(zone, now);
  const std::chrono::sys_days day =
      std::chrono::sys_days{std::chrono::year{local.year} / local.month / local.day} +
      std::chrono::days(count);
  const std::chrono::year_month_day date{day};
  LocalTime then;
  then.year = static_cast<int>(date.year());
  then.month = static_cast<int>(static_cast<unsigned>(date.month()));
  then.day = static_cast<int>(static_cast<unsigned>(date.day()));
  then.minute = minute.value_or(local.minute);
  then.second = minute ? 0 : local.second;
  return to_instant(zone, then);
}

Result<Instant> ahead_by(std::string_view text, std::string_view zone, Instant now) {
  Span span;
  if (!take_short(text.substr(1), span)) return not_a_time(text);
  if (span.days > 36500) return not_a_time(text, "is too far ahead");
  if (span.days == 0) return now + Seconds(span.seconds);
  auto day = days_ahead(zone, now, span.days, std::nullopt);
  if (!day) return day;
  return *day + Seconds(span.seconds);
}

}  // namespace

Result<Instant> parse_person_time(std::string_view given, std::string_view zone, Instant now) {
  const auto text = trimmed(given, " \t");
  if (!zone.empty() && !is_zone(zone))
    return fail(Reason::usage, fmt::format("'{}' is not a known time zone", zone),
                "give an IANA name, as in Europe/Paris");
  if (text.empty()) return not_a_time(text);
  if (text == "now") return now;
  if (text.front() == '+') return ahead_by(text, zone, now);
  if (has_ixdtf_shape(text)) {
    auto instant = parse_ixdtf(text);
    if (!instant)
      return fail(Reason::usage, fmt::format("'{}': {}", text, instant.error().message),
                  instant.error().hint);
    return instant;
  }
  if (const auto minute = clock_from(text, false)) return next_at(zone, now, *minute, std::nullopt);
  if (const auto space = text.find_first_of(" \t"); space != std::string_view::npos) {
    const auto day = ascii_lower(text.substr(0, space));
    const auto minute = clock_from(trimmed(text.substr(space), " \t"), false);
    if (minute && day == "today") return days_ahead(zone, now, 0, minute);
    if (minute && day == "tomorrow") return days_ahead(zone, now, 1, minute);
    if (const auto weekday = weekday_from(day); minute && weekday)
      return next_at(zone, now, *minute, weekday);
  }
  if (text.size() >= 16 && text[4] == '-' && text[7] == '-')
    return not_a_time(text, "is not a date and time with its zone");
  return not_a_time(text);
}

Result<Seconds> parse_duration(std::string_view text) {
  Span span;
  const bool good =
      text.starts_with('P') ? take_iso(text.substr(1), span) : take_short(trimmed(text, " \t"), span);
  if (!good)
    return fail(Reason::usage, fmt::format("'{}' is not a duration", text),
                "write it as 30d, 12h, 1h30m, 90s or P30D");
  return Seconds(span.days * 86400 + span.seconds);
}

std::string duration_text(Seconds duration) {
  auto left = duration.count();
  if (left != 0 && left % 86400 == 0 && left / 86400 <= 99'999) return fmt::format("P{}D", left / 86400);
  if (left <= 9'999'999'999) return fmt::format("PT{}S", left);
  // Each unit has as many digits as parse_duration takes.
  const auto take_off = [&left](std::int64_t factor, std::int64_t most) {
    const std::int64_t count = std::min<std::int64_t>(left / factor, most);
    left -= count * factor;
    return count;
  };
  const auto whole_days = take_off(86400, 99'999), whole_hours = take_off(3600, 9'999'999),
             whole_minutes = take_off(60, 99'999'999);
  return fmt::format("P{}DT{}H{}M{}S", whole_days, whole_hours, whole_minutes, left);
}

Result<Window> parse_person_window(std::string_view given) {
  const auto text = trimmed(given, " \t");
  const auto wrong = [&] {
    return fail(Reason::usage, fmt::format("'{}' is not a window of hours", text),
                "write it as 23:00-06:00, 23:00-06:00@MO,TU or 08:00-18:00@MO-FR");
  };
  const auto at = text.find('@');
  const auto span = text.substr(0, at);
  const auto dash = span.find('-');
  if (dash == std::string_view::npos) return wrong();
  const auto from = clock_from(trimmed(span.substr(0, dash), " \t"), false);
  const auto to = clock_from(trimmed(span.substr(dash + 1), " \t"), true);
  if (!from || !to) return wrong();
  Window out;
  out.from_minute = *from;
  out.to_minute = *to;
  if (at == std::string_view::npos) return out;

  bool wanted[7] = {};
  std::string_view left = text.substr(at + 1);
  for (bool more = true; more;) {
    const auto comma = left.find(',');
    const auto part = trimmed(left.substr(0, comma), " \t");
    const auto range = part.find('-');
    const auto first = weekday_from(part.substr(0, range));
    const auto last = range == std::string_view::npos ? first : weekday_from(part.substr(range + 1));
    if (!first || !last) return wrong();
    for (auto day = static_cast<std::size_t>(*first);; day = (day + 1) % 7) {
      wanted[day] = true;
      if (day == static_cast<std::size_t>(*last)) break;
    }
    more = comma != std::string_view::npos;
    if (more) left.remove_prefix(comma + 1);
  }
  for (std::size_t day = 0; day < 7; ++day)
    if (wanted[day]) out.days.push_back(static_cast<Weekday>(day));
  return out;
}

std::string window_text(const Window& window) {
  auto out = fmt::format("{:02}:{:02}-{:02}:{:02}", window.from_minute / 60, window.from_minute % 60,
                         window.to_minute / 60, window.to_minute % 60);
  for (std::size_t i = 0; i < window.days.size(); ++i)
    out += fmt::format("{}{}", i == 0 ? '@' : ',', day_codes[static_cast<std::size_t>(window.days[i])]);
  return out;
}

}  // namespace restante::proxy
