// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"

#include <optional>

namespace restante::jobs {

/// How long between attempts.
struct RetryRules {
  Millis first{1000};
  Millis longest{600000};
  Millis room{5000};                   ///< until it is looked whether there is room again
  Seconds longest_retry_after{86400};  ///< a content server may not ask for more
};

/// The wait before the attempt that follows attempt number `attempt` (1 is the first): `first`, doubled for
/// each earlier attempt up to `longest`, less up to a quarter by `jitter` (0 <= jitter < 1), so that jobs
/// that failed together do not come back together. A server's Retry-After (RFC 9110 §10.2.3) is a floor.
Millis retry_delay(int attempt, double jitter, std::optional<Seconds> retry_after, const RetryRules& rules);

}  // namespace restante::jobs
