// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// How much each transfer may write, so that all together stay within quota and free space.
namespace restante::jobs {

/// What a transfer under way may still write.
struct Promise {
  AccountId account;
  std::uint64_t bytes = 0;
};

struct Grant {
  bool enough = false;
  std::uint64_t bytes = 0;            ///< to be written at most
  bool all = false;                   ///< more was not to be had
  Reason reason = Reason::disk_full;  ///< what ends first: disk_full or quota
  std::uint64_t left_bytes = 0;       ///< that nobody was promised yet
  std::uint64_t over_bytes = 0;       ///< of the quota, already
  std::string words;                  ///< why it is not enough, where that is another thing than room
};

/// Where the size is not known, a transfer gets a quarter of what is left, in a crowd an equal share, so that
/// others find room beside it; but at least this much, if it is there.
inline constexpr std::uint64_t least_share_bytes = 1 << 20;

/// `need`: what is missing of the file, if that is known. `all`: what it got before did not suffice; that
/// what comes is larger than it was said to be is for others to judge. `shares`: so many transfers may want
/// one now, this one included.
Grant grant(const Room& room, AccountId account, const std::vector<Promise>& promised,
            std::optional<std::uint64_t> need, bool all, std::uint64_t shares = 1);

}  // namespace restante::jobs
