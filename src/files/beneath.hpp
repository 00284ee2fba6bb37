// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace restante::files {

/// openat2(2) with RESOLVE_BENEATH, NO_SYMLINKS and NO_MAGICLINKS: the only way this module opens anything
/// below its roots. `path` is relative. Empty on error, with errno.
UniqueFd open_beneath(int folder, const std::string& path, int flags, mode_t mode = 0);

/// Error storage where the kernel has no openat2 (Linux before 5.6, or a filter that hides it).
Result<void> require_openat2();

/// What to do where a segment is taken by something else than a folder.
enum class Taken { use_next_name, refuse };

/// Whose a file or folder becomes, and what others may do with it. No owner: the server's own user. No group:
/// that of a set-group-ID folder, else the server's.
struct FolderTerms {
  mode_t mode = 0755;
  std::optional<uid_t> owner;
  std::optional<gid_t> group;
};

/// Applies them to an open file or folder. Without a group of its own, `parent` gives it where it is a
/// set-group-ID folder; a new folder in one stays one. 0 or an errno.
int apply_terms(int fd, const FolderTerms& terms, int parent);

/// A folder below another, made where missing (its parents synced). Errors: storage, disk-full, conflict
/// (refused because something else has the name).
struct Folder {
  UniqueFd handle;   ///< readable, so that it can be synced
  std::string path;  ///< relative, as it is now; "" for the root itself
};
Result<Folder> ensure_folder(int root, const std::string& path, const FolderTerms& terms, Taken taken);

/// The folder that holds the last segment of `path`, and that segment. The handle is empty on error, with
/// errno.
struct LastSegment {
  UniqueFd folder;
  std::string name;
};
LastSegment open_parent(int root, const std::string& path);

/// renameat2(RENAME_NOREPLACE), or link and unlink where the file system knows no such flag. 0 or an errno;
/// EEXIST: the new name is taken.
int rename_no_replace(int from_folder, const std::string& from, int to_folder, const std::string& to);

/// What tells a changed file from the one that a row was written for.
struct FileFacts {
  std::uint64_t device = 0, inode = 0, size_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::uint64_t links = 0;  ///< names of the file
  bool regular = false;
};
/// 0 or an errno.
int file_facts(int fd, FileFacts& out);

/// Looks without opening anything (O_PATH): a pipe wakes nobody, a device does nothing. 0 or an errno.
int look_beneath(int folder, const std::string& path, FileFacts& out);
/// Opens a regular file for reading. What else lies there (a folder, a link, a pipe, a device) is looked at
/// and not opened: errno ENXIO. Empty on error, with errno.
UniqueFd open_regular(int folder, const std::string& path, FileFacts& out);

}  // namespace restante::files
