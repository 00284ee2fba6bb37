// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "files/beneath.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace restante::files {

/// A regular file as a look through an area saw it.
struct SeenFile {
  std::string name;  ///< relative to the area
  std::uint64_t inode = 0, size_bytes = 0, links = 0;
  std::int64_t mtime_ns = 0;
};

/// What a look passed over, and for whom it matters.
struct PassedOver {
  std::size_t links = 0;          ///< symbolic links
  std::size_t special = 0;        ///< pipes, sockets, devices
  std::size_t mounts = 0;         ///< folders of another file system
  std::size_t names = 0;          ///< not UTF-8, with control characters, or too long
  std::size_t deep = 0;           ///< folders too deep inside
  std::size_t shut = 0;           ///< folders that may not be read
  std::size_t outside_names = 0;  ///< files that have names outside the area too (found by reconcile)
  std::string example_name;       ///< of `names`, printable
  bool too_many = false;          ///< the area has more files than are listed
};

struct WalkLimits {
  std::size_t files = 500'000;
  std::size_t slice = 4096;  ///< entries looked at in one step
  int depth = 32;
};

/// Looks through an area, slice by slice. Nothing is opened but folders, each beneath the area without
/// following links; names that begin with a dot are left out. One thread at a time, which may be another one
/// for each step.
class Walk {
public:
  /// `watch`: an inotify descriptor that is to see changes in every folder, or -1.
  Walk(UniqueFd root, int watch, std::size_t watches_left, WalkLimits limits);
  ~Walk();

  bool step();  ///< false: it is done

  std::vector<SeenFile> files;
  PassedOver passed_over;
  std::set<int> watches;  ///< of the folders, those that could be had
  bool all_watched = true;

private:
  struct Closer {
    void operator()(void* stream) const;
  };
  bool next_folder();
  void watch_folder(int folder);
  void take(const char* name, unsigned char type);

  UniqueFd root_;
  int watch_;
  std::size_t watches_left_;
  WalkLimits limits_;
  std::uint64_t device_ = 0;
  std::vector<std::string> pending_{""};  ///< folders still to be read
  std::unique_ptr<void, Closer> stream_;  ///< the folder that is being read
  std::string folder_;
  int depth_ = 0;
};

/// Whether other programs' files of this name are listed: valid UTF-8 without characters that steer a
/// terminal or the reading order, not hidden by a dot in front.
bool is_listable(const std::string& segment);

}  // namespace restante::files
