// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace restante {

/// Wall-clock instants, always UTC, in milliseconds: the precision in which they are stored.
using Instant = std::chrono::sys_time<std::chrono::milliseconds>;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

inline constexpr Instant never = Instant::max();

/// The present, as everything that decides by time sees it. Called on any thread.
class Clock {
public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
};

class SystemClock final : public Clock {
public:
  Instant now() const override { return std::chrono::floor<Millis>(std::chrono::system_clock::now()); }
};

/// For tests: stands still until told otherwise. One thread.
class ManualClock final : public Clock {
public:
  explicit ManualClock(Instant start) : now_(start) {}
  Instant now() const override { return now_; }
  void set(Instant to) { now_ = to; }
  void advance(Millis by) { now_ += by; }

private:
  Instant now_;
};

}  // namespace restante
