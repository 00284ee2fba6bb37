// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>

namespace restante::files {

/// One sync of the whole file system instead of one for each of many small files, as long as that is cheaper
/// (others may have much to write there) and nothing was ever lost. Its functions run in the disk pool, one
/// at a time.
class VolumeSync {
public:
  explicit VolumeSync(int folder);

  bool worth(std::size_t files) const;
  /// False: something was lost, and it is not known what; every file has to be synced by itself.
  bool sync(std::size_t files);

private:
  static constexpr std::size_t least_files = 4;
  /// Beyond this time the files are synced one by one for a while.
  static constexpr std::chrono::milliseconds patience{250}, patience_each{4};
  static constexpr std::chrono::seconds rest{2};

  UniqueFd folder_;
  std::atomic<bool> usable_;
  std::chrono::steady_clock::time_point not_before_{};
};

}  // namespace restante::files
