// SPDX-License-Identifier: Apache-2.0
#include "jobs/time_plan.hpp"

#include "base/text.hpp"
#include "proxy/zone.hpp"

#include <algorithm>

namespace restante::jobs {
namespace {

/// The time in which bytes may flow between two instants. Looks at no more than 1,000 openings: beyond that
/// the time is ample.
Millis open_time(const Hours& hours, Instant from, Instant to) {
  if (hours.windows.empty()) return std::max(Millis(0), to - from);
  Millis sum{0};
  Instant at = from;
  for (int i = 0; i < 1000 && at < to; ++i) {
    const auto opening = proxy::next_opening(hours.windows, hours.zone, at);
    if (!opening || *opening >= to) break;
    const auto end = proxy::closing(hours.windows, hours.zone, *opening);
    if (!end) return sum + (to - *opening);
    sum += std::min(*end, to) - *opening;
    at = std::max(*end, *opening + Millis(1));
  }
  return sum;
}

}  // namespace

Hours hours_of(const proxy::When& when, const std::string& place_zone) {
  return Hours{when.start, when.by,  when.windows, when.tz.empty() ? place_zone : when.tz,
               when.miss,  when.late};
}

std::optional<Instant> next_run(const Hours& hours, Instant from) {
  const Instant earliest = hours.start ? std::max(*hours.start, from) : from;
  return proxy::next_opening(hours.windows, hours.zone, earliest);
}

std::optional<Instant> next_alarm(const Hours& hours, Instant now) {
  std::optional<Instant> at;
  if (!hours.windows.empty()) at = proxy::closing(hours.windows, hours.zone, now);
  if (hours.by && *hours.by > now) at = at ? std::min(*at, *hours.by) : *hours.by;
  return at;
}

bool overdue(const Hours& hours, Instant now) {
  return hours.by && now >= *hours.by;
}

Plan plan(const Hours& hours, Instant now, std::optional<Instant> begin,
          std::optional<std::uint64_t> remaining_bytes, std::optional<std::uint64_t> bytes_per_s) {
  if (!hours.by) return {};
  const Instant by = *hours.by;
  if (now >= by) return {"cannot", "its deadline " + to_rfc3339(by) + " has passed"};
  if (!begin) return {"cannot", "its hours never come"};
  if (*begin >= by) return {"cannot", "it may not run before its deadline " + to_rfc3339(by)};
  if (!remaining_bytes || !bytes_per_s || *bytes_per_s == 0) return {};
  const double needed = static_cast<double>(*remaining_bytes) / static_cast<double>(*bytes_per_s);
  const double there = static_cast<double>(open_time(hours, std::max(*begin, now), by).count()) / 1000.0;
  if (needed > there)
    return {"cannot", human_size(*remaining_bytes) + " do not fit into the time until " + to_rfc3339(by)};
  if (needed * 1.5 > there)
    return {"tight", human_size(*remaining_bytes) + " just fit into the time until " + to_rfc3339(by)};
  return {};
}

}  // namespace restante::jobs
