// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace restante::accounts {

/// Makes guessing slow: after some free failures each further one doubles the wait, up to the longest. One
/// thread.
class Backoff {
public:
  struct Limits {
    int free = 10;
    Seconds longest{900};
    Seconds forgotten_after{3600};
    std::size_t keys = 10000;  ///< the one that failed longest ago goes first
  };
  explicit Backoff(Limits limits) : limits_(limits) {}

  Seconds wait(std::string_view key, Instant now) const;  ///< zero: go ahead
  void failed(const std::string& key, Instant now);
  void forgive(const std::string& key);  ///< takes one failure back
  void forget(const std::string& key);

private:
  struct Entry {
    int failures = 0;
    Instant last{};
  };
  Seconds wait_after(int failures) const;
  void make_room(Instant now);

  Limits limits_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace restante::accounts
