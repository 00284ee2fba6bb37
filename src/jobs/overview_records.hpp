// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace restante::jobs {

/// What is counted of downloads is counted in pieces of time so long: the clocks of all zones go by them.
inline constexpr std::chrono::minutes overview_slot{15};
/// Counts of failures are kept so long.
inline constexpr std::chrono::hours failures_kept{32 * 24};

/// How many, and how much of them is to come.
struct Amount {
  std::int64_t downloads = 0;
  std::uint64_t bytes = 0;   ///< of those whose size is known
  std::int64_t unknown = 0;  ///< downloads whose size is not

  Amount& operator+=(const Amount& other) {
    downloads += other.downloads;
    bytes += other.bytes;
    unknown += other.unknown;
    return *this;
  }
};

/// All downloads of the place in numbers, for whoever looks after it: no names, no addresses, no accounts. A
/// view over one Tx, implemented by src/store. Errors of every method: storage, disk-full.
class OverviewRecords {
public:
  virtual ~OverviewRecords() = default;

  /// How often downloads failed, expired or needed somebody. They stay counted when the downloads are erased.
  struct Failures {
    Instant slot{};  ///< its beginning
    Reason reason = Reason::internal;
    std::int64_t count = 0;
  };
  virtual Result<std::vector<Failures>> failures(Instant since) = 0;  ///< oldest first

  struct Unended {
    std::int64_t scheduled = 0, waiting = 0, running = 0, paused = 0, held = 0;
  };
  virtual Result<Unended> unended() = 0;

  struct Planned {
    Instant slot{};  ///< its beginning; what is late counts for the slot of `now`
    Amount amount;
  };
  /// Those that are scheduled or wait for a time, by when they are looked at next: before `until`, soonest
  /// first.
  virtual Result<std::vector<Planned>> planned(Instant now, Instant until) = 0;
  virtual Result<Amount> running() = 0;
  virtual Result<Amount> planned_from(Instant from) = 0;  ///< those later than `planned` was asked for
};

}  // namespace restante::jobs
