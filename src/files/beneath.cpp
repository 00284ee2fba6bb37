// SPDX-License-Identifier: Apache-2.0
#include "files/beneath.hpp"

#include "files/names.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace restante::files {

namespace {

constexpr int busy_retries = 100;  ///< openat2 answers EAGAIN when a rename raced with it
constexpr int folder_names = 100;  ///< "x", "x (1)", ... until one is a folder

}  // namespace

UniqueFd open_beneath(int folder, const std::string& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  for (int i = 0; i < busy_retries; ++i) {
    fd = ::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return UniqueFd(static_cast<int>(fd));
}

Result<void> require_openat2() {
  const UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd tried = open_beneath(root.get(), ".", O_PATH | O_DIRECTORY);
  if (tried) return {};
  return fail(Reason::storage,
              "this system lacks openat2(2), which keeps names inside their folder: " + errno_text(errno),
              "Linux 5.6 or newer is needed, and a container must not filter the call");
}

int apply_terms(int fd, const FolderTerms& terms, int parent) {
  struct stat is{}, above{};
  if (::fstat(fd, &is) != 0 || ::fstat(parent, &above) != 0) return errno;
  const bool inherits = (above.st_mode & S_ISGID) != 0;
  const uid_t owner = terms.owner.value_or(is.st_uid);
  const gid_t group = terms.group ? *terms.group : inherits ? above.st_gid : is.st_gid;
  // Before the mode: a change of owner takes set-ID bits away.
  if ((owner != is.st_uid || group != is.st_gid) && ::fchown(fd, owner, group) != 0) return errno;
  mode_t mode = terms.mode;
  if (S_ISDIR(is.st_mode) && inherits) mode |= S_ISGID;
  return ::fchmod(fd, mode) == 0 ? 0 : errno;
}

Result<Folder> ensure_folder(int root, const std::string& path, const FolderTerms& terms, Taken taken) {
  Folder at;
  at.handle = open_beneath(root, ".", O_RDONLY | O_DIRECTORY);
  if (!at.handle) return fail_errno(Reason::storage, "open the area's folder", errno);
  for (const auto& segment : split_path(path)) {
    UniqueFd next;
    std::string name = segment;
    for (int i = 1; i <= folder_names && !next; ++i) {
      next = open_beneath(at.handle.get(), name, O_RDONLY | O_DIRECTORY);
      if (next) break;
      if (errno == ENOENT) {
        const bool made = ::mkdirat(at.handle.get(), name.c_str(), terms.mode & 0700) == 0;
        if (!made && errno != EEXIST) return fail_errno(Reason::storage, "make the folder " + name, errno);
        if (::fsync(at.handle.get()) != 0) return fail_errno(Reason::storage, "sync a folder", errno);
        next = open_beneath(at.handle.get(), name, O_RDONLY | O_DIRECTORY);
        if (next && made)
          if (const int error = apply_terms(next.get(), terms, at.handle.get()); error != 0)
            return fail_errno(Reason::storage, "give the folder " + name + " to its owner and group", error);
        if (next) break;
      }
      const bool occupied = errno == ENOTDIR || errno == ELOOP;
      if (!occupied) return fail_errno(Reason::storage, "open the folder " + name, errno);
      if (taken == Taken::refuse)
        return fail(Reason::conflict,
                    "the folder " + name + " cannot be opened: something else has its name");
      name = numbered(segment, i);
    }
    if (!next) return fail(Reason::storage, "the folder " + segment + " cannot be made: its names are taken");
    at.handle = std::move(next);
    at.path += (at.path.empty() ? "" : "/") + name;
  }
  return at;
}

LastSegment open_parent(int root, const std::string& path) {
  const auto slash = path.rfind('/');
  LastSegment out;
  out.name = slash == std::string::npos ? path : path.substr(slash + 1);
  out.folder =
      open_beneath(root, slash == std::string::npos ? "." : path.substr(0, slash), O_RDONLY | O_DIRECTORY);
  return out;
}

int rename_no_replace(int from_folder, const std::string& from, int to_folder, const std::string& to) {
  if (::renameat2(from_folder, from.c_str(), to_folder, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  if (::linkat(from_folder, from.c_str(), to_folder, to.c_str(), 0) != 0) return errno;
  return ::unlinkat(from_folder, from.c_str(), 0) == 0 ? 0 : errno;
}

int file_facts(int fd, FileFacts& out) {
  struct stat is{};
  if (::fstat(fd, &is) != 0) return errno;
  out.device = is.st_dev;
  out.inode = is.st_ino;
  out.size_bytes = static_cast<std::uint64_t>(is.st_size);
  out.mtime_ns = static_cast<std::int64_t>(is.st_mtim.tv_sec) * 1'000'000'000 + is.st_mtim.tv_nsec;
  out.links = is.st_nlink;
  out.regular = S_ISREG(is.st_mode);
  return 0;
}

int look_beneath(int folder, const std::string& path, FileFacts& out) {
  const UniqueFd there = open_beneath(folder, path, O_PATH);
  return there ? file_facts(there.get(), out) : errno;
}

UniqueFd open_regular(int folder, const std::string& path, FileFacts& out) {
  for (int i = 0; i < busy_retries; ++i) {
    FileFacts before;
    if (const int error = look_beneath(folder, path, before); error != 0 || !before.regular) {
      errno = error != 0 ? error : ENXIO;
      return {};
    }
    UniqueFd fd = open_beneath(folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd) return fd;
    if (const int error = file_facts(fd.get(), out); error != 0) {
      errno = error;
      return {};
    }
    if (out.regular && out.inode == before.inode && out.device == before.device) return fd;
  }
  errno = EAGAIN;
  return {};
}

}  // namespace restante::files
