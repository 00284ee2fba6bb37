// SPDX-License-Identifier: Apache-2.0
#include "proxy/zone.hpp"

#include "base/text.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <cstdlib>
#include <exception>

namespace restante::proxy {

namespace {

using namespace std::chrono_literals;

/// Null: UTC (also for unknown zones); the only place that touches the database.
const date::time_zone* find_zone(std::string_view name) {
  for (std::string_view prefix : {"posix/", "right/"})
    if (name.starts_with(prefix)) return nullptr;
  if (name.empty() || name == "UTC" || name == "localtime" || name == "posixrules" || name == "Factory")
    return nullptr;
  try {
    return date::locate_zone(std::string(name));
  } catch (const std::exception&) {
    return nullptr;  // the library's only way to say that there is none
  }
}

/// Seconds of the zone's clocks since their 1970-01-01.
using Wall = std::chrono::duration<std::int64_t>;

Instant resolve(const date::time_zone* zone, Wall wall) {
  if (zone == nullptr) return Instant(wall);
  // Overlap: the first occurrence; gap: the offset before it. Both are `first` (RFC 5545 §3.3.5).
  const auto info = zone->get_info(date::local_seconds(wall));
  return Instant(wall - info.first.offset);
}

Wall wall_at(const date::time_zone* zone, Instant instant) {
  const auto utc = std::chrono::floor<Seconds>(instant);
  Wall wall = utc.time_since_epoch();
  if (zone != nullptr) wall += zone->get_info(utc).offset;
  return wall;
}

Seconds offset_at(const date::time_zone* zone, Instant instant) {
  return zone == nullptr ? Seconds(0) : Seconds(zone->get_info(std::chrono::floor<Seconds>(instant)).offset);
}

std::int64_t day_of(Wall wall) {
  return std::chrono::floor<std::chrono::days>(wall).count();
}

std::optional<std::int64_t> day_number(int year, int month, int day) {
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (year < 0 || year > 9999 || month < 1 || day < 1 || !date.ok()) return std::nullopt;
  return sys_days{date}.time_since_epoch().count();
}

Weekday weekday_of(std::int64_t day) {
  return static_cast<Weekday>(((day + 3) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
}

/// "YYYY-MM-DDTHH:MM:SS[.fff](Z|+HH:MM)[[!]Zone]" taken apart.
struct Ixdtf {
  Wall wall{0};
  Millis fraction{0};
  std::optional<Seconds> offset;  ///< none: Z or -00:00, the local offset is not known
  std::string_view zone;
  bool critical = false;
};

bool number(std::string_view text, std::size_t at, std::size_t count, int& out) {
  out = 0;
  if (at + count > text.size()) return false;
  for (char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + (c - '0');
  }
  return true;
}

bool is_zone_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '+' ||
         c == '/' || c == '.' || c == '-';
}

std::optional<Ixdtf> take_apart(std::string_view text) {
  int year, month, day, hour, minute, second;
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':')
    return std::nullopt;
  if (!number(text, 0, 4, year) || !number(text, 5, 2, month) || !number(text, 8, 2, day) ||
      !number(text, 11, 2, hour) || !number(text, 14, 2, minute) || !number(text, 17, 2, second))
    return std::nullopt;
  const auto date = day_number(year, month, day);
  if (!date || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  Ixdtf out;
  out.wall =
      std::chrono::days(*date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + Seconds(second);
  std::size_t at = 19;
  if (text[at] == '.') {
    int scale = 100;
    const std::size_t start = ++at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
      out.fraction += Millis((text[at] - '0') * scale);
    if (at == start || at - start > 9) return std::nullopt;
  }
  if (at >= text.size()) return std::nullopt;
  if (text[at] == 'Z') {
    ++at;
  } else {
    int hours, minutes;
    if ((text[at] != '+' && text[at] != '-') || !number(text, at + 1, 2, hours) || at + 3 >= text.size() ||
        text[at + 3] != ':' || !number(text, at + 4, 2, minutes) || hours > 23 || minutes > 59)
      return std::nullopt;
    const Seconds offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (text[at] == '+')
      out.offset = offset;
    else if (offset != 0s)
      out.offset = -offset;
    at += 6;
  }
  if (at == text.size()) return out;
  if (text[at] != '[' || !text.ends_with(']')) return std::nullopt;
  out.zone = text.substr(at + 1, text.size() - at - 2);
  if (out.zone.starts_with('!')) {
    out.critical = true;
    out.zone.remove_prefix(1);
  }
  if (out.zone.empty()) return std::nullopt;
  for (char c : out.zone)
    if (!is_zone_character(c)) return std::nullopt;
  return out;
}

}  // namespace

bool has_ixdtf_shape(std::string_view text) {
  return take_apart(text).has_value();
}

Result<Instant> parse_ixdtf(std::string_view text) {
  const auto parts = take_apart(text);
  if (!parts)
    return fail(Reason::invalid, "it is not a date and time with its zone",
                "write it as in 2026-11-28T01:00:00+01:00 or 2026-11-28T00:00:00Z");
  const Instant by_offset(parts->wall - parts->offset.value_or(0s));
  if (parts->zone.empty() || !parts->offset) {
    if (parts->critical && !is_zone(parts->zone))
      return fail(Reason::invalid, "its time zone is not known here",
                  "give an IANA name, as in Europe/Paris");
    return by_offset + parts->fraction;
  }
  if (!is_zone(parts->zone)) {
    if (parts->critical)
      return fail(Reason::invalid, "its time zone is not known here",
                  "give an IANA name, as in Europe/Paris");
    return by_offset + parts->fraction;
  }
  const auto* zone = find_zone(parts->zone);
  if (offset_at(zone, by_offset) == *parts->offset) return by_offset + parts->fraction;
  if (parts->critical)
    return fail(Reason::invalid, "its offset is not the one of its time zone then",
                "correct the offset, or leave out the '!' to go by the clocks of the zone");
  return resolve(zone, parts->wall) + parts->fraction;
}

bool is_zone(std::string_view name) {
  return name == "UTC" || find_zone(name) != nullptr;
}

std::string system_zone() {
  if (const char* variable = std::getenv("TZ")) {
    std::string_view name(variable);
    if (name.starts_with(':')) name.remove_prefix(1);
    if (is_zone(name)) return std::string(name);
  }
  try {
    std::string name = date::current_zone()->name();
    if (is_zone(name)) return name == "Etc/UTC" ? "UTC" : name;
  } catch (const std::exception&) {
    return "UTC";  // neither /etc/localtime nor /etc/timezone names a zone
  }
  return "UTC";
}

Result<Instant> to_instant(std::string_view zone, const LocalTime& local) {
  if (!zone.empty() && !is_zone(zone))
    return fail(Reason::invalid, fmt::format("'{}' is not a known time zone", zone),
                "give an IANA name, as in Europe/Paris");
  const auto day = day_number(local.year, local.month, local.day);
  if (!day || local.minute < 0 || local.minute > 1440 || local.second < 0 || local.second > 59)
    return fail(Reason::invalid, "there is no such day or time of day", "correct the date");
  return resolve(find_zone(zone),
                 std::chrono::days(*day) + std::chrono::minutes(local.minute) + Seconds(local.second));
}

LocalTime to_local(std::string_view zone_name, Instant instant) {
  const auto* zone = find_zone(zone_name);
  const Wall wall = wall_at(zone, instant);
  const auto day = day_of(wall);
  const auto seconds = wall.count() - day * 86400;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days(day)}};
  LocalTime out;
  out.year = static_cast<int>(date.year());
  out.month = static_cast<int>(static_cast<unsigned>(date.month()));
  out.day = static_cast<int>(static_cast<unsigned>(date.day()));
  out.minute = static_cast<int>(seconds / 60);
  out.second = static_cast<int>(seconds % 60);
  out.weekday = weekday_of(day);
  out.offset = offset_at(zone, instant);
  return out;
}

std::string local_text(std::string_view zone, Instant instant) {
  const auto t = to_local(zone, instant);
  auto out =
      fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", t.year, t.month, t.day, t.minute / 60, t.minute % 60);
  if (t.second != 0) out += fmt::format(":{:02}", t.second);
  return out + " " + (find_zone(zone) == nullptr ? std::string("UTC") : std::string(zone));
}

std::string to_ixdtf(std::string_view zone, Instant instant) {
  if (find_zone(zone) == nullptr) return to_rfc3339(std::chrono::floor<Seconds>(instant));
  const auto t = to_local(zone, instant);
  const auto offset = std::chrono::duration_cast<std::chrono::minutes>(t.offset).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{:02}:{:02}[{}]", t.year, t.month, t.day,
                     t.minute / 60, t.minute % 60, t.second, offset < 0 ? '-' : '+', std::abs(offset) / 60,
                     std::abs(offset) % 60, zone);
}

namespace {

struct Opening {
  Instant from, to;
};

/// Calls `use` for every opening that begins on the days first..last of the zone.
template <class Use>
void each_opening(const std::vector<Window>& windows, const date::time_zone* zone, std::int64_t first,
                  std::int64_t last, Use use) {
  for (auto day = first; day <= last; ++day) {
    const auto weekday = weekday_of(day);
    for (const Window& window : windows) {
      bool today = window.days.empty();
      for (Weekday wanted : window.days) today = today || wanted == weekday;
      if (!today) continue;
      const auto end_day = day + (window.to_minute <= window.from_minute ? 1 : 0);
      const Opening opening{
          resolve(zone, std::chrono::days(day) + std::chrono::minutes(window.from_minute)),
          resolve(zone, std::chrono::days(end_day) + std::chrono::minutes(window.to_minute))};
      if (opening.from < opening.to) use(opening);
    }
  }
}

}  // namespace

bool window_open(const std::vector<Window>& windows, std::string_view zone_name, Instant now) {
  if (windows.empty()) return true;
  const auto* zone = find_zone(zone_name);
  const auto today = day_of(wall_at(zone, now));
  bool open = false;
  // Openings last a day and an hour at most, so the day before yesterday's are over.
  each_opening(windows, zone, today - 2, today,
               [&](const Opening& o) { open = open || (o.from <= now && now < o.to); });
  return open;
}

std::optional<Instant> next_opening(const std::vector<Window>& windows, std::string_view zone_name,
                                    Instant now) {
  if (window_open(windows, zone_name, now)) return now;
  const auto* zone = find_zone(zone_name);
  const auto today = day_of(wall_at(zone, now));
  std::optional<Instant> first;
  // Two weeks: this week's opening may fall into the hour that a clock change leaves out.
  each_opening(windows, zone, today - 1, today + 14, [&](const Opening& o) {
    if (o.from > now && (!first || o.from < *first)) first = o.from;
  });
  return first;
}

std::optional<Instant> closing(const std::vector<Window>& windows, std::string_view zone_name, Instant now) {
  if (windows.empty()) return std::nullopt;
  const auto* zone = find_zone(zone_name);
  const auto today = day_of(wall_at(zone, now));
  std::vector<Opening> openings;
  each_opening(windows, zone, today - 2, today + 9, [&](const Opening& o) { openings.push_back(o); });
  Instant end = now;
  for (bool grew = true; grew;) {
    grew = false;
    for (const Opening& o : openings)
      if (o.from <= end && o.to > end) {
        end = o.to;
        grew = true;
      }
  }
  if (end == now || end > now + std::chrono::days(8)) return std::nullopt;
  return end;
}

}  // namespace restante::proxy
