// SPDX-License-Identifier: Apache-2.0
#include "jobs/retry.hpp"

#include <algorithm>

namespace restante::jobs {

Millis retry_delay(int attempt, double jitter, std::optional<Seconds> retry_after, const RetryRules& rules) {
  Millis full = std::min(rules.first, rules.longest);
  for (int i = 1; i < attempt && full < rules.longest; ++i) full = std::min(full * 2, rules.longest);
  const auto less = static_cast<Millis::rep>(static_cast<double>(full.count()) * 0.25 * jitter);
  Millis delay = full - Millis(less);
  if (retry_after) {
    const Seconds asked = std::clamp(*retry_after, Seconds(0), rules.longest_retry_after);
    delay = std::max(delay, Millis(asked));
  }
  return delay;
}

}  // namespace restante::jobs
