// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/rate_rules.hpp"
#include "jobs/shares.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <string>

namespace restante::jobs {

struct PacingLimits {
  /// A transfer that has just begun is taken to want all that it gets for so long.
  Millis begins{2000};
  /// One of which nothing was heard for so long is taken to want little: what is received is written after
  /// 1.5 seconds at the latest.
  Millis silent{2500};
  std::uint64_t little_bytes_per_s = 4096;
  /// A raise that is smaller is not told, in percent; every reduction is.
  int told_from_percent = 3;
};

/// Shares the rates that running transfers have in common: of the place, of accounts, of content servers.
/// Workers are told when something changes. Plain values; control loop.
class Pacing {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using AccountRate = std::function<std::optional<std::uint64_t>(AccountId)>;

  Pacing(RateRules rules, std::string zone, AccountRate account_rate, PacingLimits limits = {})
      : rules_(std::move(rules)),
        zone_(std::move(zone)),
        account_rate_(std::move(account_rate)),
        limits_(limits) {}

  /// The pace of a job's transfer has changed.
  std::function<void(JobId, std::optional<std::uint64_t>)> on_pace;

  struct Begin {
    JobId job;
    AccountId account;
    std::string host;
    std::optional<std::uint64_t> own_bytes_per_s;  ///< its own limit
  };
  struct Now {
    TimePoint steady;
    Instant wall;
  };
  /// Its transfer begins, one at a time of a job; the others are told what is left. Its first pace.
  std::optional<std::uint64_t> begin(const Begin& who, Now now);
  void end(JobId job, Now now);
  /// Its own limit is another one from now on. Of a job without a transfer: nothing.
  void change(JobId job, std::optional<std::uint64_t> own_bytes_per_s, Now now);
  /// Of its transfer; none: there is no limit, or no transfer.
  std::optional<std::uint64_t> pace_of(JobId job) const;
  /// How fast bytes come; `held_back`: more could have come than its pace let through.
  void heard(JobId job, std::uint64_t bytes_per_s, bool held_back, TimePoint now);
  /// Once a second while something runs: what is not used goes to others, hours begin and end, an account's
  /// rate was changed.
  void tick(Now now);

private:
  struct Transfer {
    AccountId account;
    std::optional<int> server;
    std::optional<std::uint64_t> own, pace;
    TimePoint fresh_since, heard_at;
    std::uint64_t bytes_per_s = 0;
    bool held_back = false;
  };
  CommonRates common(Instant now) const;
  std::optional<std::uint64_t> expected(const Transfer& one, TimePoint now) const;
  void share(Now now, std::optional<JobId> untold = std::nullopt);

  RateRules rules_;
  std::string zone_;
  AccountRate account_rate_;
  PacingLimits limits_;
  std::map<JobId, Transfer> transfers_;
};

}  // namespace restante::jobs
