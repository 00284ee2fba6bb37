// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "files/records.hpp"
#include "files/walk.hpp"

#include <vector>

namespace restante::files {

/// What the rows must become so that they say what is on the disk.
struct Changes {
  struct Moved {
    FileRecord now;  ///< with its new name, version, facts
    std::string name_before;
    std::int64_t version_before = 0;
  };
  std::vector<FileRecord> added;  ///< without ids
  std::vector<Moved> changed;     ///< other bytes, or another name
  std::vector<FileRecord> gone;
  std::vector<TrashedFile> back;  ///< deleted files that lie in the area; `file.name` is where
  std::size_t outside_names = 0;  ///< files that were left out because they have names elsewhere

  bool empty() const { return added.empty() && changed.empty() && gone.empty() && back.empty(); }
};

/// Files are told by name, then by inode, size and time. A file with several names is one of ours, or all its
/// names lie in the area; else it is left out: it could be somebody else's file.
Changes reconcile(AccountId account, const std::vector<FileRecord>& rows, const std::vector<SeenFile>& seen,
                  const std::vector<TrashedFile>& trash);

}  // namespace restante::files
