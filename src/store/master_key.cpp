// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "base/fd.hpp"
#include "store/disk.hpp"
#include "store/store.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::store {
namespace {

constexpr std::size_t key_size = 32;

Result<std::string> read_key(int fd, const std::string& path) {
  struct stat facts{};
  if (::fstat(fd, &facts) != 0)
    return fail_errno(Reason::storage, "cannot look at the master key " + path, errno);
  if (!S_ISREG(facts.st_mode))
    return fail(Reason::storage, "the master key " + path + " is not a file",
                "move away what stands in its place");
  if ((facts.st_mode & 077) != 0)
    return fail(Reason::storage, "the master key " + path + " may be read by others",
                "take their permission away: chmod 600 " + path);
  if (facts.st_uid != ::geteuid() && facts.st_uid != 0)
    return fail(Reason::storage, "the master key " + path + " belongs to another user",
                "make it belong to the user that runs restanted (chown)");
  std::string key(key_size + 1, '\0');
  const ssize_t count = ::read(fd, key.data(), key.size());
  if (count < 0) return fail_errno(Reason::storage, "cannot read the master key " + path, errno);
  if (static_cast<std::size_t>(count) != key_size) {
    wipe(key);
    return fail(Reason::storage, "the master key " + path + " has a wrong size: it must be exactly 32 bytes",
                "put it back from a backup; without it stored passwords cannot be read");
  }
  key.resize(key_size);
  return key;
}

/// Written beside and then linked, so that a crash leaves either no key or a whole one; never overwrites.
Result<void> make_key(const std::string& path) {
  const std::string folder = directory_of(path);
  if (::mkdir(folder.c_str(), 0700) == 0) {
    if (auto synced = sync_directory_of(folder); !synced) return synced;
  } else if (errno != EEXIST) {
    return fail_errno(Reason::storage, "cannot make the folder " + folder, errno,
                      "make its parent folder, writable for the user that runs restanted");
  }
  struct stat facts{};
  if (::stat(folder.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode))
    return fail(Reason::storage, folder + " is not a folder", "move away what stands in its place");
  if ((facts.st_mode & 022) != 0)
    return fail(Reason::storage, "others may write in the folder " + folder, "chmod 700 " + folder);

  const std::string unfinished = path + ".unfinished";
  ::unlink(unfinished.c_str());
  UniqueFd fd(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd)
    return fail_errno(Reason::storage, "cannot make the master key " + path, errno,
                      "make the folder writable for the user that runs restanted");
  std::string key = random_string(key_size);
  const ssize_t count = ::write(fd.get(), key.data(), key.size());
  const int write_error = errno;
  wipe(key);
  if (count != static_cast<ssize_t>(key_size) || ::fsync(fd.get()) != 0) {
    const int error = count < 0 ? write_error : count == static_cast<ssize_t>(key_size) ? errno : ENOSPC;
    ::unlink(unfinished.c_str());
    return fail_errno(Reason::storage, "cannot write the master key " + path, error);
  }
  const int linked = ::link(unfinished.c_str(), path.c_str());
  const int link_error = errno;
  ::unlink(unfinished.c_str());
  if (linked != 0 && link_error != EEXIST)
    return fail_errno(Reason::storage, "cannot make the master key " + path, link_error);
  return sync_directory_of(path);
}

}  // namespace

Result<std::string> load_master_key(const std::string& path, bool may_make) {
  for (bool made = false;; made = true) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (fd) return read_key(fd.get(), path);
    const int error = errno;
    if (error == ENOENT && may_make && !made) {
      if (auto done = make_key(path); !done) return fail(std::move(done.error()));
      continue;
    }
    if (error == ENOENT)
      return fail(Reason::storage, "there is no master key " + path,
                  "put it back from a backup; without it stored passwords cannot be read");
    if (error == ELOOP)
      return fail(Reason::storage, "the master key " + path + " is a symbolic link",
                  "put the key file itself there");
    return fail_errno(Reason::storage, "cannot open the master key " + path, error,
                      "make it readable for the user that runs restanted, and for no one else");
  }
}

}  // namespace restante::store
