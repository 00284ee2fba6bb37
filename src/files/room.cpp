// SPDX-License-Identifier: Apache-2.0
// What may still be written: free space above the reserve, and the account's quota.
#include "base/sparse_file.hpp"
#include "files/areas_on_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace restante::files {

namespace {

/// Of a partial file that arrives in several places at once, only what is there counts.
std::uint64_t held_bytes(int folder, const char* name, const struct stat& status) {
  const auto length = static_cast<std::uint64_t>(status.st_size);
  if (static_cast<std::uint64_t>(status.st_blocks) * 512 >= length) return length;
  const UniqueFd file = open_beneath(folder, name, O_RDONLY | O_NONBLOCK);
  return file ? data_bytes(file.get()) : length;
}

}  // namespace

Result<AreasOnDisk::Arriving> AreasOnDisk::arriving(AccountId account) const {
  auto folder = incoming_folder(account);
  if (!folder) return fail(std::move(folder.error()));
  const int copy = ::openat(folder->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* list = copy < 0 ? nullptr : ::fdopendir(copy);
  if (list == nullptr) {
    const int error = errno;
    if (copy >= 0) ::close(copy);
    return fail_errno(Reason::storage, "list the partial files", error);
  }
  Arriving out;
  while (const dirent* entry = ::readdir(list)) {
    struct stat there{};
    if (::fstatat(folder->get(), entry->d_name, &there, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(there.st_mode)) continue;
    out.bytes += held_bytes(folder->get(), entry->d_name, there);
    out.names.emplace(entry->d_name);
  }
  ::closedir(list);
  return out;
}

Result<Areas::Volume> AreasOnDisk::look_at_volume() const {
  struct statvfs volume{};
  if (::fstatvfs(roots_.incoming.get(), &volume) != 0)
    return fail_errno(Reason::storage, "ask for the free space of the incoming folder", errno);
  const std::uint64_t block = volume.f_frsize;
  Volume out;
  out.total_bytes = volume.f_blocks * block;
  out.free_bytes = volume.f_bavail * block;
  const std::uint64_t part =
      out.total_bytes / 100 * static_cast<std::uint64_t>(options_.limits.reserve_percent);
  out.reserve_bytes = std::min(options_.limits.reserve_bytes, part);
  return out;
}

Task<Result<Areas::Volume>> AreasOnDisk::volume() {
  auto look = [this] { return look_at_volume(); };
  co_return co_await offload(pool_, look);
}

Result<jobs::Room> AreasOnDisk::volume_room() const {
  const auto volume = look_at_volume();
  if (!volume) return fail(volume.error());
  jobs::Room room;
  room.volume_bytes = volume->free_bytes - std::min(volume->free_bytes, volume->reserve_bytes);
  room.missing_bytes = volume->reserve_bytes - std::min(volume->free_bytes, volume->reserve_bytes);
  return room;
}

Task<Result<jobs::Room>> AreasOnDisk::room(AccountId account) {
  const auto quota = options_.quota_bytes(account);
  if (!quota) {
    auto look = [this] { return volume_room(); };
    auto volume = co_await offload(pool_, look);
    if (volume) volume->traffic_used_up = traffic_.used_up(account);
    co_return volume;
  }
  // Partial files first: what is published in between is counted twice rather than not at all.
  Arriving partial;
  auto look = [this, account, &partial]() -> Result<jobs::Room> {
    auto found = arriving(account);
    if (!found) return fail(std::move(found.error()));
    partial = std::move(*found);
    return volume_room();
  };
  auto room = co_await offload(pool_, look);
  if (!room) co_return room;
  std::function<Result<std::uint64_t>(Tx&)> ask = [account, &partial](Tx& tx) -> Result<std::uint64_t> {
    auto& records = tx.repo<FileRecords>();
    auto used = records.used_bytes(account);
    if (!used) return used;
    auto intents = records.intents();
    if (!intents) return fail(std::move(intents.error()));
    // Renamed already, but not yet in the records.
    for (const Intent& one : *intents) {
      const auto& what = one.what;
      if (what.account == account &&
          !partial.names.contains(incoming_name(what.job, what.file, what.generation)))
        *used += what.size_bytes;
    }
    return used;
  };
  auto used = co_await database_.read_value<std::uint64_t>(ask);
  if (!used) co_return fail(std::move(used.error()));
  const std::uint64_t taken = *used + partial.bytes;
  room->over_quota_bytes = taken - std::min(*quota, taken);
  room->quota_bytes = *quota - std::min(*quota, taken);
  room->traffic_used_up = traffic_.used_up(account);
  co_return room;
}

}  // namespace restante::files
