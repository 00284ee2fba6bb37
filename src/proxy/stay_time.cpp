// SPDX-License-Identifier: Apache-2.0
#include "proxy/stay_time.hpp"

#include "proxy/zone.hpp"

#include <charconv>
#include <optional>
#include <string>

namespace restante::proxy {

namespace {

std::optional<int> digits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.starts_with('-')) return std::nullopt;
  return value;
}

}  // namespace

Result<Instant> parse_stay_time(std::string_view text, std::string_view zone, Instant now, StayEdge edge) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return parse_person_time(text, zone, now);
  const auto year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)),
             day = digits(text.substr(8, 2));
  LocalTime local;
  local.year = year.value_or(0);
  local.month = month.value_or(0);
  local.day = day.value_or(0);
  local.minute = edge == StayEdge::until ? 24 * 60 : 0;
  auto instant = to_instant(zone, local);
  if (year && month && day && instant) return instant;
  return fail(Reason::usage, std::string(text) + " is not a day", "write a day such as 2026-12-01");
}

}  // namespace restante::proxy
