// SPDX-License-Identifier: Apache-2.0
#include "intake/submit_limit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace restante::intake {

SubmitLimit::Verdict SubmitLimit::take(AccountId account, Instant now) {
  const double full = per_minute_, per_ms = full / 60000.0;
  auto [found, fresh] = buckets_.try_emplace(account, Bucket{full, now});
  Bucket& bucket = found->second;
  // A clock that was set back must not take tokens away.
  const auto passed = std::max<std::int64_t>((now - bucket.at).count(), 0);
  bucket.tokens = std::min(full, bucket.tokens + static_cast<double>(passed) * per_ms);
  bucket.at = now;
  Verdict verdict;
  verdict.allowed = bucket.tokens >= 1;
  if (verdict.allowed)
    bucket.tokens -= 1;
  else
    verdict.retry_after =
        Seconds{std::max(1ll, std::llround(std::ceil((1 - bucket.tokens) / per_ms / 1000)))};
  verdict.left = static_cast<int>(bucket.tokens);
  verdict.until_full = Seconds{std::llround(std::ceil((full - bucket.tokens) / per_ms / 1000))};
  return verdict;
}

std::string SubmitLimit::policy_header() const {
  return fmt::format("\"submit\";q={};w=60", per_minute_);
}

std::string SubmitLimit::state_header(const Verdict& verdict) {
  return fmt::format("\"submit\";r={};t={}", verdict.left, verdict.until_full.count());
}

}  // namespace restante::intake
