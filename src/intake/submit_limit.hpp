// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"

#include <string>
#include <unordered_map>

namespace restante::intake {

/// How often an account may submit: a bucket of `per_minute` that fills evenly. One loop.
class SubmitLimit {
public:
  explicit SubmitLimit(int per_minute) : per_minute_(per_minute) {}

  struct Verdict {
    bool allowed = false;
    int left = 0;          ///< further submissions that would be accepted now
    Seconds until_full{};  ///< when the bucket is as at the beginning
    Seconds retry_after{};
  };
  Verdict take(AccountId account, Instant now);

  /// Structured fields of draft-ietf-httpapi-ratelimit-headers.
  std::string policy_header() const;                        ///< "submit";q=600;w=60
  static std::string state_header(const Verdict& verdict);  ///< "submit";r=599;t=1

private:
  struct Bucket {
    double tokens = 0;
    Instant at{};
  };
  int per_minute_;
  std::unordered_map<AccountId, Bucket> buckets_;  // one for each account at most
};

}  // namespace restante::intake
