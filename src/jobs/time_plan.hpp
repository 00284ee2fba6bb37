// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "proxy/document.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace restante::jobs {

/// When a download may run, in instants: the `when` of its document at this place.
struct Hours {
  std::optional<Instant> start, by;
  std::vector<proxy::Window> windows;
  std::string zone;  ///< of the windows
  proxy::Miss miss = proxy::Miss::run;
  proxy::Late late = proxy::Late::carry_on;
};

Hours hours_of(const proxy::When& when, const std::string& place_zone);

/// The first instant, `from` or later, at which bytes may flow; nullopt: never (windows that never open).
std::optional<Instant> next_run(const Hours& hours, Instant from);

/// When a download that runs now has to be looked at again: its window closes, or its deadline passes.
std::optional<Instant> next_alarm(const Hours& hours, Instant now);

/// Past its deadline.
bool overdue(const Hours& hours, Instant now);

struct Plan {
  std::string verdict = "on-time";  ///< on-time | tight | cannot
  std::string reason;               ///< one sentence for people; empty when on time
};

/// Whether `remaining_bytes` can be here by the deadline at `bytes_per_s` (what it runs at, else its own
/// limit), beginning at `begin`. What is not known is not held against it: time alone decides then. Tight:
/// less than half as much again as needed (FORMATS.md §2).
Plan plan(const Hours& hours, Instant now, std::optional<Instant> begin,
          std::optional<std::uint64_t> remaining_bytes, std::optional<std::uint64_t> bytes_per_s);

}  // namespace restante::jobs
