// SPDX-License-Identifier: Apache-2.0
#include "transfer/pace.hpp"

#include <algorithm>

namespace restante::transfer {

Pace::Pace(std::optional<std::uint64_t> bytes_per_s, std::chrono::milliseconds burst, TimePoint now)
    : rate_(bytes_per_s), burst_(burst), filled_at_(now) {
}

void Pace::fill(TimePoint now) {
  const std::chrono::duration<double> spent = now - filled_at_;
  filled_at_ = std::max(filled_at_, now);
  if (!rate_ || spent.count() <= 0) return;
  const auto rate = static_cast<double>(*rate_);
  left_ = std::min(left_ + rate * spent.count(), rate * burst_.count());
}

bool Pace::over(TimePoint now) {
  if (!rate_) return false;
  fill(now);
  return left_ <= 0;
}

void Pace::took(std::uint64_t bytes, TimePoint now) {
  if (!rate_) return;
  fill(now);
  left_ -= static_cast<double>(bytes);
}

void Pace::set(std::optional<std::uint64_t> bytes_per_s, TimePoint now) {
  if (bytes_per_s == rate_) return;
  fill(now);
  if (!rate_) left_ = 0;
  rate_ = bytes_per_s;
  if (!rate_) return;
  const auto rate = static_cast<double>(*rate_);
  left_ = std::clamp(left_, -rate, rate * burst_.count());
}

}  // namespace restante::transfer
