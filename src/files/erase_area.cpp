// SPDX-License-Identifier: Apache-2.0
#include "files/areas_on_disk.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::files {

namespace {

/// Each level of the descent holds two descriptors.
constexpr int deepest_folder = 64;

std::unique_ptr<DIR, int (*)(DIR*)> entries_of(int folder) {
  UniqueFd again(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::unique_ptr<DIR, int (*)(DIR*)> stream(again ? ::fdopendir(again.get()) : nullptr, ::closedir);
  if (stream) again.release();
  return stream;
}

/// Everything in the folder goes, whoever put it there. Links are not followed, other file systems are not
/// entered. Errors name nothing: names of files do not belong into a log.
Result<void> clear_folder(int folder, std::uint64_t device, int depth) {
  if (depth == deepest_folder)
    return fail(Reason::storage, "folders in an area lie too deep inside each other to be erased",
                "remove them by hand");
  FileFacts facts;
  file_facts(folder, facts);
  if (facts.device != device)
    return fail(Reason::storage, "another file system is mounted in an area that is to be erased",
                "unmount it");
  const auto entries = entries_of(folder);
  if (!entries) return fail_errno(Reason::storage, "read a folder that is to be erased", errno);
  // Removing entries while reading is permitted; one that appears meanwhile may be missed, and is met when
  // the folder cannot be removed.
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) continue;
    if (errno != EISDIR && errno != EPERM) return fail_errno(Reason::storage, "erase a file", errno);
    const UniqueFd inside = open_beneath(folder, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
    if (!inside) return fail_errno(Reason::storage, "open a folder that is to be erased", errno);
    if (auto cleared = clear_folder(inside.get(), device, depth + 1); !cleared) return cleared;
    if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
      return fail_errno(Reason::storage, "erase a folder", errno);
  }
  return {};
}

}  // namespace

Task<Result<void>> AreasOnDisk::erase_area(AccountId account) {
  const auto pass = co_await begin_change(account);
  auto work = [this, account]() -> Result<void> {
    auto root = area_if_there(account);
    if (!root) return fail(std::move(root.error()));
    if (!*root) return {};
    FileFacts facts;
    file_facts(root->get(), facts);
    if (auto cleared = clear_folder(root->get(), facts.device, 0); !cleared) return cleared;
    // The rows go only when it is certain that the files do not come back.
    if (::fsync(root->get()) != 0) return fail_errno(Reason::storage, "sync a folder", errno);
    return {};
  };
  co_return co_await offload(pool_, work);
}

}  // namespace restante::files
