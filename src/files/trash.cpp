// SPDX-License-Identifier: Apache-2.0
// Deleted files: out of the area, and kept for a while.
#include "base/log.hpp"
#include "base/text.hpp"
#include "files/areas_on_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace restante::files {

namespace {

constexpr int trash_a_round = 256;
/// Later than anything that was deleted.
constexpr Instant any_time = Instant(Millis(std::int64_t{1} << 60));

tl::unexpected<Error> no_such_file() {
  return fail(Reason::not_found, "there is no such file");
}

}  // namespace

Result<UniqueFd> AreasOnDisk::trash_folder(AccountId account) const {
  auto folder = ensure_folder(roots_.trash.get(), std::to_string(account.value), own_folder, Taken::refuse);
  if (!folder)
    return fail(Reason::storage, folder.error().message, "the server's own folder must hold no links");
  return std::move(folder->handle);
}

std::vector<Result<void>> AreasOnDisk::move_to_trash(AccountId account,
                                                     const std::vector<FileRecord>& files) const {
  std::vector<Result<void>> out;
  auto root = area(account);
  auto trash = root ? trash_folder(account) : Result<UniqueFd>(fail(root.error()));
  for (const FileRecord& file : files) {
    if (!trash) {
      out.emplace_back(fail(trash.error()));
      continue;
    }
    const auto from = open_parent(root->get(), file.name);
    const int error =
        from.folder ? rename_no_replace(from.folder.get(), from.name, trash->get(), file.id.text()) : errno;
    if (error == 0)
      out.emplace_back();
    else if (error == ENOENT || error == ENOTDIR || error == ELOOP)
      out.emplace_back(no_such_file());
    else
      out.emplace_back(fail_errno(Reason::storage, "move " + file.name + " into the trash", error));
  }
  if (trash && ::fsync(trash->get()) != 0)
    log::warn("the trash folder cannot be synced: {}", errno_text(errno));
  return out;
}

/// The rows go first. If the process ends in between, the file lies in the area still, and the next look
/// through it brings the row back: the deletion has not taken place.
Task<Result<void>> AreasOnDisk::trash_rows(AccountId account, std::vector<FileRecord> rows) {
  if (options_.trash_keep <= Seconds(0)) co_return co_await erase(account, std::move(rows));
  std::vector<FileId> gone;
  auto inspect = [this, &rows, &gone] {
    std::erase_if(rows, [&](FileRecord& row) {
      const auto now = see(row, Look::outside);
      if (now && now->gone) gone.push_back(row.id);
      if (now && !now->gone) {
        if (row.inode != now->facts.inode || row.mtime_ns != now->facts.mtime_ns ||
            row.size_bytes != now->facts.size_bytes) {
          row.version += 1;
          row.sha256.clear();
          row.verified = false;
        }
        row.inode = now->facts.inode;
        row.mtime_ns = now->facts.mtime_ns;
        row.size_bytes = now->facts.size_bytes;
      }
      return now && now->gone;
    });
  };
  co_await offload(pool_, inspect);
  Database::Work work = [&rows, &gone, now = clock_.now()](Tx& tx) -> Result<void> {
    auto& files = tx.repo<FileRecords>();
    for (const FileId id : gone)
      if (auto done = files.remove(id); !done) return done;
    for (const FileRecord& row : rows) {
      if (auto done = files.remove(row.id); !done) return done;
      if (auto done = tx.repo<TrashRecords>().insert({row, now}); !done) return done;
    }
    return {};
  };
  if (auto done = co_await database_.write(std::move(work)); !done) co_return done;
  auto move = [this, account, &rows] { return move_to_trash(account, rows); };
  const auto moved = co_await offload(pool_, move);
  Result<void> outcome;
  Database::Work undo = [&rows, &moved](Tx& tx) -> Result<void> {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (moved[i]) continue;
      if (auto done = tx.repo<TrashRecords>().remove(rows[i].id); !done) return done;
      if (moved[i].error().reason == Reason::not_found) continue;
      if (auto done = tx.repo<FileRecords>().insert(rows[i]); !done) return done;
    }
    return {};
  };
  bool failed = false;
  for (const auto& one : moved) {
    failed = failed || !one;
    if (!one && one.error().reason != Reason::not_found) outcome = fail(one.error());
  }
  if (failed)
    if (auto done = co_await database_.write(std::move(undo)); !done) co_return done;
  co_return outcome;
}

Task<Result<void>> AreasOnDisk::trash(AccountId account, FileId id) {
  const auto pass = co_await begin_change(account);
  auto row = co_await find(account, id);
  if (!row) co_return fail(std::move(row.error()));
  std::vector<FileRecord> rows(1, std::move(*row));
  co_return co_await trash_rows(account, std::move(rows));
}

Task<Result<std::vector<TrashedFile>>> AreasOnDisk::list_trash(AccountId account) {
  std::function<Result<std::vector<TrashedFile>>(Tx&)> ask = [account](Tx& tx) {
    return tx.repo<TrashRecords>().list(account);
  };
  co_return co_await database_.read_value<std::vector<TrashedFile>>(ask);
}

Result<void> AreasOnDisk::move_from_trash(const TrashedFile& file, const std::string& name) const {
  auto root = area(file.file.account);
  if (!root) return fail(std::move(root.error()));
  auto trash = trash_folder(file.file.account);
  if (!trash) return fail(std::move(trash.error()));
  const auto to = open_parent(root->get(), name);
  if (!to.folder) return fail(Reason::conflict, "the folder is gone");
  const int error = rename_no_replace(trash->get(), file.file.id.text(), to.folder.get(), to.name);
  if (error == EEXIST) return fail(Reason::conflict, "the name is taken");
  if (error == ENOENT) {
    // Either of the two folders: only a file that is not in the trash may lose its row.
    struct stat is{};
    const bool there = ::fstatat(trash->get(), file.file.id.text().c_str(), &is, AT_SYMLINK_NOFOLLOW) == 0;
    if (there) return fail(Reason::conflict, "the folder is gone");
    return errno == ENOENT ? no_such_file() : fail_errno(Reason::storage, "look into the trash", errno);
  }
  if (error != 0) return fail_errno(Reason::storage, "bring back " + name, error);
  if (::fsync(to.folder.get()) != 0) return fail_errno(Reason::storage, "sync a folder", errno);
  return {};
}

/// The file goes first. If the process ends in between, the next look through the area finds it there, knows
/// it by its inode, and brings its row back.
Task<Result<FileRecord>> AreasOnDisk::restore(AccountId account, FileId id) {
  const auto pass = co_await begin_change(account);
  std::function<Result<std::optional<TrashedFile>>(Tx&)> ask = [id](Tx& tx) {
    return tx.repo<TrashRecords>().find(id);
  };
  auto found = co_await database_.read_value<std::optional<TrashedFile>>(ask);
  if (!found) co_return fail(std::move(found.error()));
  if (!*found || (*found)->file.account != account) co_return no_such_file();
  TrashedFile trashed = std::move(**found);
  const std::string wanted = trashed.file.name;
  bool moved = false;
  for (int number = 0; !moved && number < options_.limits.names_tried; ++number) {
    auto choose = [this, account, &wanted, number] { return choose_name(account, wanted, number); };
    auto chosen = co_await offload(pool_, choose);
    if (!chosen) co_return fail(std::move(chosen.error()));
    number = chosen->number;
    std::function<Result<bool>(Tx&)> ask_twin = [account, name = chosen->name, id](Tx& tx) {
      return tx.repo<FileRecords>().has_twin(account, name, id);
    };
    const auto twin = co_await database_.read_value<bool>(ask_twin);
    if (!twin) co_return fail(twin.error());
    if (*twin) continue;
    auto move = [this, &trashed, &chosen] { return move_from_trash(trashed, chosen->name); };
    auto done = co_await offload(pool_, move);
    if (!done && done.error().reason == Reason::not_found) {
      Database::Work drop = [id](Tx& tx) { return tx.repo<TrashRecords>().remove(id); };
      if (auto dropped = co_await database_.write(std::move(drop)); !dropped)
        co_return fail(std::move(dropped.error()));
      co_return no_such_file();
    }
    if (!done && done.error().reason != Reason::conflict) co_return fail(std::move(done.error()));
    moved = done.has_value();
    if (moved) trashed.file.name = std::move(chosen->name);
  }
  if (!moved) co_return fail(Reason::conflict, "no free name was found for " + wanted);
  FileRecord& file = trashed.file;
  if (file.keep_until && *file.keep_until <= clock_.now()) file.keep_until.reset();
  Database::Work work = [&file](Tx& tx) -> Result<void> {
    auto& records = tx.repo<FileRecords>();
    if (auto removed = tx.repo<TrashRecords>().remove(file.id); !removed) return removed;
    auto stale = records.find_by_name(file.account, file.name);
    if (!stale) return fail(std::move(stale.error()));
    if (*stale)
      if (auto removed = records.remove((*stale)->id); !removed) return removed;
    return records.insert(file);
  };
  if (auto done = co_await database_.write(std::move(work)); !done) co_return fail(std::move(done.error()));
  co_return std::move(file);
}

/// Files first: a row without a file does no harm, and goes with the next try.
Task<Result<void>> AreasOnDisk::erase_trashed(std::vector<TrashedFile> files) {
  auto work = [this, &files]() -> Result<void> {
    for (const TrashedFile& one : files) {
      auto folder = trash_folder(one.file.account);
      if (!folder) return fail(std::move(folder.error()));
      if (::unlinkat(folder->get(), one.file.id.text().c_str(), 0) != 0 && errno != ENOENT)
        return fail_errno(Reason::storage, "erase a deleted file", errno);
    }
    return {};
  };
  if (auto done = co_await offload(pool_, work); !done) co_return fail(std::move(done.error()));
  Database::Work drop = [&files](Tx& tx) -> Result<void> {
    for (const TrashedFile& one : files)
      if (auto done = tx.repo<TrashRecords>().remove(one.file.id); !done) return done;
    return {};
  };
  co_return co_await database_.write(std::move(drop));
}

Task<Result<std::vector<TrashedFile>>> AreasOnDisk::oldest_trash(std::optional<AccountId> account,
                                                                 Instant before) {
  std::function<Result<std::vector<TrashedFile>>(Tx&)> ask = [account, before](Tx& tx) {
    return tx.repo<TrashRecords>().oldest(account, before, trash_a_round);
  };
  co_return co_await database_.read_value<std::vector<TrashedFile>>(ask);
}

Task<Result<void>> AreasOnDisk::erase_deleted(AccountId account, FileId id) {
  std::function<Result<std::optional<TrashedFile>>(Tx&)> ask = [id](Tx& tx) {
    return tx.repo<TrashRecords>().find(id);
  };
  auto trashed = co_await database_.read_value<std::optional<TrashedFile>>(ask);
  if (!trashed) co_return fail(std::move(trashed.error()));
  if (!*trashed || (*trashed)->file.account != account) co_return no_such_file();
  std::vector<TrashedFile> files(1, std::move(**trashed));
  co_return co_await erase_trashed(std::move(files));
}

Task<Result<void>> AreasOnDisk::empty_trash(AccountId account) {
  for (;;) {
    auto files = co_await oldest_trash(account, any_time);
    if (!files) co_return fail(std::move(files.error()));
    if (files->empty()) co_return Result<void>();
    if (auto done = co_await erase_trashed(std::move(*files)); !done) co_return done;
  }
}

Task<void> AreasOnDisk::purge_trash() {
  for (;;) {
    auto files = co_await oldest_trash(std::nullopt, clock_.now() - options_.trash_keep);
    if (files && files->empty()) co_return;
    auto done = files ? co_await erase_trashed(std::move(*files)) : Result<void>(fail(files.error()));
    if (!done) {
      log::warn("deleted files cannot be erased: {}", done.error().message);
      co_return;
    }
  }
}

/// Erases deleted files, oldest first, until `bytes` are free; what is lacking still is left in it.
Task<bool> AreasOnDisk::give_up(std::optional<AccountId> account, std::uint64_t& bytes) {
  bool any = false;
  while (bytes > 0) {
    auto files = co_await oldest_trash(account, any_time);
    if (!files || files->empty()) break;
    std::uint64_t sum = 0;
    const auto end = std::find_if(files->begin(), files->end(), [&](const TrashedFile& one) {
      if (sum >= bytes) return true;
      sum += one.file.size_bytes;
      return false;
    });
    files->erase(end, files->end());
    if (auto done = co_await erase_trashed(std::move(*files)); !done) break;
    bytes -= std::min(bytes, sum);
    any = true;
  }
  co_return any;
}

Task<bool> AreasOnDisk::free_room(AccountId account, jobs::Lack lack) {
  std::uint64_t bytes = lack.bytes;
  bool any = co_await give_up(account, bytes);
  if (lack.reason == Reason::disk_full && bytes > 0) {
    const bool more = co_await give_up(std::nullopt, bytes);
    any = any || more;
  }
  if (any) log::info("deleted files were erased: the room is needed");
  co_return any;
}

}  // namespace restante::files
