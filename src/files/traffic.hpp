// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/database.hpp"
#include "files/records.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace restante::files {

/// The month of an instant, in UTC: year * 12 + month, counted from 0.
std::int64_t month_of(Instant at);
/// When the month ends and a new one begins.
Instant month_end(std::int64_t month);

/// What each account fetches and is served in a calendar month. Counting and asking work on any thread;
/// `start` and `save` on the control loop. What was counted since the last save is lost with a crash.
class Traffic {
public:
  using Limit = std::function<std::optional<std::uint64_t>(AccountId)>;

  Traffic(Executor loop, Database& database, const Clock& clock, Limit limit);

  /// Reads the month. Errors: storage.
  Task<Result<void>> start();
  /// Stores what was counted since.
  Task<Result<void>> save();

  void fetched(AccountId account, std::uint64_t bytes);
  void served(AccountId account, std::uint64_t bytes);

  MonthTraffic of(AccountId account) const;
  /// What the account may still fetch or be served this month; none: there is no limit. What runs may end,
  /// so more than the limit can have been used.
  std::optional<std::uint64_t> left(AccountId account) const;
  /// For people, where nothing is left: how much it was, and when it goes on. Empty: there is some left.
  std::string used_up(AccountId account) const;

private:
  struct Counter {
    std::atomic<std::int64_t> month{0};
    std::atomic<std::uint64_t> fetched{0}, served{0};                  ///< in this month
    std::atomic<std::uint64_t> fetched_unsaved{0}, served_unsaved{0};  ///< of these
  };
  using Counters = std::map<AccountId, std::shared_ptr<Counter>>;

  std::shared_ptr<Counter> known(AccountId account) const;
  std::shared_ptr<Counter> made(AccountId account);  ///< control loop
  void count(AccountId account, std::uint64_t fetched, std::uint64_t served);

  Executor loop_;
  Database& database_;
  const Clock& clock_;
  Limit limit_;
  std::atomic<std::shared_ptr<const Counters>> counters_;  ///< replaced on the control loop
};

}  // namespace restante::files
