// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "files/areas_on_disk.hpp"

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <set>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace restante::files {

namespace {

constexpr std::uint64_t little_space_bytes = 256ull << 20;

/// The calling thread's reads wait for everybody else's while this lives (ioprio_set(2), idle class).
class IdleReads {
public:
  IdleReads() : before_(::syscall(SYS_ioprio_get, who_process, 0)) {
    ::syscall(SYS_ioprio_set, who_process, 0, idle_class << class_shift);
  }
  ~IdleReads() { ::syscall(SYS_ioprio_set, who_process, 0, before_ < 0 ? 0 : before_); }
  IdleReads(const IdleReads&) = delete;
  IdleReads& operator=(const IdleReads&) = delete;

private:
  static constexpr int who_process = 1, idle_class = 3, class_shift = 13;
  long before_;
};

/// Names in a folder, without "." and "..".
std::vector<std::string> names_in(int folder) {
  std::vector<std::string> out;
  UniqueFd again(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* stream = again ? ::fdopendir(again.get()) : nullptr;
  if (stream == nullptr) return out;
  again.release();
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") out.push_back(name);
  }
  ::closedir(stream);
  return out;
}

/// Deeper folders are another program's; each level of the descent holds a descriptor.
constexpr int deepest_folder = 64;

/// Removes folders that hold nothing but such folders.
void remove_empty_folders(int folder, int depth) {
  if (depth == deepest_folder) return;
  for (const auto& name : names_in(folder)) {
    const UniqueFd inside = open_beneath(folder, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
    if (!inside) continue;
    remove_empty_folders(inside.get(), depth + 1);
    ::unlinkat(folder, name.c_str(), AT_REMOVEDIR);
  }
}

}  // namespace

Result<void> AreasOnDisk::clear_account_folders(AccountId account) const {
  auto incoming = incoming_folder(account);
  if (!incoming) return fail(std::move(incoming.error()));
  for (const auto& name : names_in(incoming->get())) ::unlinkat(incoming->get(), name.c_str(), 0);
  ::unlinkat(roots_.incoming.get(), std::to_string(account.value).c_str(), AT_REMOVEDIR);
  auto deleted = trash_folder(account);
  if (!deleted) return fail(std::move(deleted.error()));
  for (const auto& name : names_in(deleted->get())) ::unlinkat(deleted->get(), name.c_str(), 0);
  ::unlinkat(roots_.trash.get(), std::to_string(account.value).c_str(), AT_REMOVEDIR);
  auto root = area_if_there(account);
  if (!root) return fail(std::move(root.error()));
  if (!*root) return {};
  remove_empty_folders(root->get(), 0);
  auto path = area_path(account);
  if (!path) return fail(std::move(path.error()));
  const auto [folder, last] = open_parent(roots_.areas.get(), *path);
  if (folder) ::unlinkat(folder.get(), last.c_str(), AT_REMOVEDIR);
  return {};
}

void AreasOnDisk::drop_empty_folders(AccountId account, const std::string& folder) const {
  auto root = area_if_there(account);
  if (!root || !*root) return;
  const auto [parent, last] = open_parent(root->get(), folder);
  const UniqueFd inside = open_beneath(root->get(), folder, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (!inside) return;
  remove_empty_folders(inside.get(), 0);
  if (parent) ::unlinkat(parent.get(), last.c_str(), AT_REMOVEDIR);
}

Task<void> AreasOnDisk::save_traffic() {
  if (auto done = co_await traffic_.save(); !done)
    log::warn("traffic is not stored: {}", done.error().message);
}

Task<void> AreasOnDisk::housekeeping() {
  for (;;) {
    co_await save_traffic();
    co_await sweep_incoming();
    co_await remove_expired();
    co_await purge_trash();
    co_await digest_missing();
    co_await new_files_.wait_for(options_.limits.housekeeping);
  }
}

Task<void> AreasOnDisk::remove_expired() {
  const Instant now = clock_.now();
  for (std::set<FileId> tried;;) {
    std::function<Result<std::vector<FileRecord>>(Tx&)> ask =
        [now, limit = options_.limits.expired_a_round](Tx& tx) {
          return tx.repo<FileRecords>().expired(now, limit);
        };
    auto rows = co_await database_.read_value<std::vector<FileRecord>>(ask);
    if (!rows) {
      log::error("files: {}", rows.error().message);
      co_return;
    }
    bool any = false;
    for (const auto& row : *rows) {
      if (!tried.insert(row.id).second) continue;
      any = true;
      const auto done = co_await remove(row.account, row.id);
      if (done)
        log::info("file {} of job {} was removed: it was to be kept until {}", row.id.text(), row.job.text(),
                  to_rfc3339(*row.keep_until));
      else if (done.error().reason != Reason::not_found)
        log::warn("file {} is over its time and cannot be removed: {}", row.id.text(), done.error().message);
    }
    if (!any) co_return;
  }
}

Task<Result<std::string>> AreasOnDisk::digest_file(std::shared_ptr<UniqueFd> fd) {
  auto hasher = std::make_shared<Hasher>("SHA256");
  auto piece = [fd, hasher, size = options_.limits.digest_piece_bytes]() -> Result<bool> {
    const IdleReads idle;
    std::string buffer(256u << 10, '\0');
    for (std::size_t done = 0; done < size;) {
      const ssize_t got = ::read(fd->get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno(Reason::storage, "read a file for its digest", errno);
      if (got == 0) return false;
      hasher->update(buffer.data(), static_cast<std::size_t>(got));
      done += static_cast<std::size_t>(got);
    }
    return true;
  };
  for (;;) {
    const auto more = co_await offload(pool_, piece);
    if (!more) co_return fail(more.error());
    if (!*more) break;
  }
  const std::string raw = hasher->finish();
  co_return to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
}

Task<void> AreasOnDisk::digest_missing() {
  std::set<FileId> tried;
  for (;;) {
    std::function<Result<std::vector<FileRecord>>(Tx&)> ask = [count =
                                                                   options_.limits.digests_a_round](Tx& tx) {
      return tx.repo<FileRecords>().without_digest(count);
    };
    auto rows = co_await database_.read_value<std::vector<FileRecord>>(ask);
    if (!rows) {
      log::error("files: {}", rows.error().message);
      co_return;
    }
    bool any = false;
    for (const auto& row : *rows) {
      if (!tried.insert(row.id).second) continue;
      any = true;
      auto opened = co_await open_here(row.account, row.id);
      if (!opened) continue;
      FileRecord record = opened->record;
      auto digest = co_await digest_file(opened->fd);
      if (!digest) {
        log::warn("file {}: {}", row.id.text(), digest.error().message);
        continue;
      }
      FileFacts facts;
      const bool still = file_facts(opened->fd->get(), facts) == 0 && facts.size_bytes == record.size_bytes &&
                         facts.mtime_ns == record.mtime_ns;
      if (!still) continue;
      Database::Work work = [id = record.id, version = record.version,
                             text = *digest](Tx& tx) -> Result<void> {
        auto now = tx.repo<FileRecords>().find(id);
        if (!now) return fail(std::move(now.error()));
        if (!*now || (*now)->version != version) return {};
        (*now)->sha256 = text;
        return tx.repo<FileRecords>().update(**now);
      };
      if (auto saved = co_await database_.write(std::move(work)); !saved)
        log::error("file {}: {}", row.id.text(), saved.error().message);
    }
    if (!any) co_return;
  }
}

Task<std::vector<std::string>> AreasOnDisk::probe_file_system() {
  auto work = [this] {
    std::vector<std::string> faults;
    if (auto able = require_openat2(); !able)
      faults.push_back(able.error().message + ": " + able.error().hint);
    const std::string probe = ".restante-probe-" + std::to_string(::getpid());
    const std::string moved = probe + "-moved";
    const UniqueFd file = open_beneath(roots_.incoming.get(), probe, O_RDWR | O_CREAT, 0600);
    if (!file) {
      faults.push_back("incoming: a file cannot be made: " + errno_text(errno));
    } else {
      if (::write(file.get(), "x", 1) != 1) faults.push_back("incoming: writing fails: " + errno_text(errno));
      if (::fsync(file.get()) != 0) faults.push_back("incoming: fsync fails: " + errno_text(errno));
      const int error = rename_no_replace(roots_.incoming.get(), probe, roots_.areas.get(), moved);
      if (error == EXDEV)
        faults.push_back(roots_.shown_path +
                         " is on another file system or mount than the partial files; files "
                         "cannot be published by renaming");
      else if (error != 0)
        faults.push_back(roots_.shown_path + ": a file cannot be moved there: " + errno_text(error));
      const UniqueFd second = open_beneath(roots_.incoming.get(), probe, O_RDWR | O_CREAT, 0600);
      if (error == 0 && rename_no_replace(roots_.incoming.get(), probe, roots_.areas.get(), moved) != EEXIST)
        faults.push_back(roots_.shown_path + ": a rename replaces an existing file without being asked");
      if (::fsync(roots_.areas.get()) != 0)
        faults.push_back(roots_.shown_path + ": fsync of a folder fails: " + errno_text(errno));
      ::unlinkat(roots_.incoming.get(), probe.c_str(), 0);
      ::unlinkat(roots_.areas.get(), moved.c_str(), 0);
    }
    struct statvfs space{};
    if (::fstatvfs(roots_.areas.get(), &space) == 0) {
      const std::uint64_t free_bytes = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
      if (free_bytes < little_space_bytes)
        faults.push_back(roots_.shown_path + ": only " + human_size(free_bytes) + " are free");
    }
    return faults;
  };
  co_return co_await offload(pool_, work);
}

}  // namespace restante::files
