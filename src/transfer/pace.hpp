// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace restante::transfer {

/// How fast bytes may come: a token bucket. What came is taken from it even if it does not hold so much, and
/// then nothing more may come until that is made up for; so the size of what comes at once does not matter.
/// Several connections of a transfer may share one.
class Pace {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `burst`: how long the bucket takes to fill; nothing is in it at the beginning.
  Pace(std::optional<std::uint64_t> bytes_per_s, std::chrono::milliseconds burst, TimePoint now);

  /// Whether to wait before more is taken.
  bool over(TimePoint now);
  void took(std::uint64_t bytes, TimePoint now);
  /// From now on; none: as fast as it can. Of what came too early, at most a second's worth is held against
  /// the new rate: a transfer that becomes slow does not fall silent.
  void set(std::optional<std::uint64_t> bytes_per_s, TimePoint now);

  const std::optional<std::uint64_t>& bytes_per_s() const { return rate_; }

private:
  void fill(TimePoint now);

  std::optional<std::uint64_t> rate_;
  std::chrono::duration<double> burst_;
  double left_ = 0;  ///< bytes; below 0: came too early
  TimePoint filled_at_;
};

}  // namespace restante::transfer
