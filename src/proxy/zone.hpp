// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "proxy/document.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Times as documents and people write them (FORMATS.md §2). Everything here is pure but for the zone
/// database of the system (/usr/share/zoneinfo), which is read once at the first use of a zone other than
/// UTC. Any thread.
///
/// Wall-clock times that a zone does not have, or has twice, follow RFC 5545 §3.3.5: of an overlap the first
/// occurrence counts, and in a gap the offset from before the gap.
namespace restante::proxy {

/// RFC 3339 with a numeric offset or Z, and optionally one RFC 9557 zone:
/// "2026-11-28T01:00:00+01:00[Europe/Paris]". Where offset and zone disagree, the zone with the wall clock
/// wins; with a leading '!' in the brackets that is refused, as is an unknown zone then. An unknown zone
/// without '!' is ignored. Error: invalid.
Result<Instant> parse_ixdtf(std::string_view text);

/// Whether the text has that form; whether the zone exists and agrees is not looked at.
bool has_ixdtf_shape(std::string_view text);

/// Whether the system's database has this IANA zone ("Europe/Paris"). "UTC" is always there.
bool is_zone(std::string_view name);

/// The zone of this machine: TZ, else /etc/localtime or /etc/timezone, else "UTC".
std::string system_zone();

/// A day and a time of day on the clocks of some zone.
struct LocalTime {
  int year = 1970;
  int month = 1;   ///< 1..12
  int day = 1;     ///< 1..31
  int minute = 0;  ///< since midnight; 1440 is the midnight after
  int second = 0;
  Weekday weekday = Weekday::th;  ///< of the day; ignored by to_instant
  Seconds offset{0};              ///< from UTC; ignored by to_instant
};

/// The instant at which the zone's clocks show this. Errors: invalid (no such zone or day).
Result<Instant> to_instant(std::string_view zone, const LocalTime& local);

/// What the zone's clocks show at this instant. An unknown zone is taken as UTC.
LocalTime to_local(std::string_view zone, Instant instant);

/// For people: "2026-11-28 01:00 Europe/Paris" (seconds only where there are any).
std::string local_text(std::string_view zone, Instant instant);

/// RFC 9557: "2026-11-28T01:00:00+01:00[Europe/Paris]".
std::string to_ixdtf(std::string_view zone, Instant instant);

/// Hours in which bytes may flow. No windows: always. Overlapping windows are a union. A window with equal
/// ends lasts a day. An unknown zone is taken as UTC.
bool window_open(const std::vector<Window>& windows, std::string_view zone, Instant now);

/// The first instant at or after `now` at which a window is open (`now` itself if one is).
std::optional<Instant> next_opening(const std::vector<Window>& windows, std::string_view zone, Instant now);

/// The instant at which the present opening ends; nullopt if nothing is open or it never ends.
std::optional<Instant> closing(const std::vector<Window>& windows, std::string_view zone, Instant now);

/// A time as people type it (DESIGN.md §4a): what parse_ixdtf takes, `now`, `02:00` (the next one), `today
/// 18:00`, `tomorrow 02:00`, `fri 18:00` (the next one), `+90s`, `+5m`, `+1h30m`, `+2d`, `+1w`. Wall-clock
/// times are meant in `zone`; +d and +w keep the wall clock there. Error: usage.
Result<Instant> parse_person_time(std::string_view text, std::string_view zone, Instant now);

/// ISO 8601 with weeks, days, hours, minutes and seconds ("P30D", "PT1H", "P2W"; years and months have no
/// fixed length) or as people type it ("30d", "12h", "1h30m", "90s", "2w"). Error: usage.
Result<Seconds> parse_duration(std::string_view text);

/// ISO 8601: "P30D", "PT90S".
std::string duration_text(Seconds duration);

/// "23:00-06:00", "23:00-06:00@MO,TU", "08:00-18:00@mo-fr". Error: usage.
Result<Window> parse_person_window(std::string_view text);

/// "23:00-06:00@MO,TU", which parse_person_window reads.
std::string window_text(const Window& window);

}  // namespace restante::proxy
