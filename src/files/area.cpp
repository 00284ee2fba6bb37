// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"
#include "files/areas_on_disk.hpp"
#include "files/names.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace restante::files {

namespace {

tl::unexpected<Error> no_such_file() {
  return fail(Reason::not_found, "there is no such file");
}

bool same(const FileRecord& record, const FileFacts& facts) {
  return record.inode == facts.inode && record.size_bytes == facts.size_bytes &&
         record.mtime_ns == facts.mtime_ns;
}

/// Of another program, which put it where a file of ours was: not a file, or one that has a name elsewhere
/// too. Names that were added to our own file do no harm.
bool is_planted(const FileRecord& record, const FileFacts& facts) {
  return !facts.regular || (facts.links > 1 && facts.inode != record.inode);
}

}  // namespace

Result<AreasOnDisk::Seen> AreasOnDisk::see(const FileRecord& record, Look look) const {
  auto root = area_if_there(record.account);
  if (!root) return fail(std::move(root.error()));
  Seen seen;
  seen.gone = !*root;
  if (seen.gone) return seen;
  int error = 0;
  if (look == Look::outside) {
    error = look_beneath(root->get(), record.name, seen.facts);
  } else {
    seen.fd = open_regular(root->get(), record.name, seen.facts);
    if (!seen.fd) error = errno;
  }
  if (error == 0) {
    seen.gone = is_planted(record, seen.facts);
    seen.many_names = seen.gone && seen.facts.regular;
    if (seen.gone) seen.fd.reset();
    return seen;
  }
  seen.gone = error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO;
  if (!seen.gone) return fail_errno(Reason::storage, "open " + record.name, error);
  return seen;
}

/// Another program has written the file: the row follows the disk.
Task<Result<void>> AreasOnDisk::follow(FileRecord& record, FileFacts facts) {
  record.version += 1;
  record.sha256.clear();
  record.size_bytes = facts.size_bytes;
  record.inode = facts.inode;
  record.mtime_ns = facts.mtime_ns;
  record.verified = false;
  Database::Work work = [record](Tx& tx) { return tx.repo<FileRecords>().update(record); };
  auto done = co_await database_.write(std::move(work));
  if (done) new_files_.notify();
  co_return done;
}

Task<Result<void>> AreasOnDisk::forget(std::vector<FileId> ids) {
  Database::Work work = [ids](Tx& tx) -> Result<void> {
    for (const FileId id : ids)
      if (auto removed = tx.repo<FileRecords>().remove(id); !removed) return removed;
    return {};
  };
  co_return co_await database_.write(std::move(work));
}

Task<Result<std::vector<FileRecord>>> AreasOnDisk::list(AccountId account) {
  co_await see_changes(account);
  std::function<Result<std::vector<FileRecord>>(Tx&)> ask = [account](Tx& tx) {
    return tx.repo<FileRecords>().list(account);
  };
  co_return co_await database_.read_value<std::vector<FileRecord>>(ask);
}

Task<Result<Areas::Usage>> AreasOnDisk::usage(AccountId account) {
  std::function<Result<Usage>(Tx&)> ask = [account](Tx& tx) -> Result<Usage> {
    auto all = tx.repo<FileRecords>().used_bytes(account);
    if (!all) return fail(std::move(all.error()));
    auto deleted = tx.repo<TrashRecords>().used_bytes(account);
    if (!deleted) return fail(std::move(deleted.error()));
    return Usage{*all, *deleted};
  };
  co_return co_await database_.read_value<Usage>(ask);
}

Task<Result<FileRecord>> AreasOnDisk::find(AccountId account, FileId id) {
  std::function<Result<std::optional<FileRecord>>(Tx&)> ask = [id](Tx& tx) {
    return tx.repo<FileRecords>().find(id);
  };
  auto row = co_await database_.read_value<std::optional<FileRecord>>(ask);
  if (!row) co_return fail(std::move(row.error()));
  if (!*row || (*row)->account != account) co_return no_such_file();
  co_return std::move(**row);
}

Task<Result<OpenedFile>> AreasOnDisk::open(AccountId account, FileId id) {
  auto task = open_here(account, id);
  co_return co_await run_there(loop_, std::move(task));
}

Task<Result<OpenedFile>> AreasOnDisk::open_here(AccountId account, FileId id) {
  auto row = co_await find(account, id);
  if (!row) co_return fail(std::move(row.error()));
  auto inspect = [this, &row] { return see(*row, Look::inside); };
  auto seen = co_await offload(pool_, inspect);
  if (!seen) co_return fail(std::move(seen.error()));
  if (seen->many_names) {
    // Whether all of them are in the area shows when it is looked through.
    mark_changed(account);
    co_return no_such_file();
  }
  if (seen->gone) {
    const std::vector<FileId> ids(1, id);
    if (auto done = co_await forget(ids); !done) co_return fail(std::move(done.error()));
    co_return no_such_file();
  }
  if (!same(*row, seen->facts))
    if (auto done = co_await follow(*row, seen->facts); !done) co_return fail(std::move(done.error()));
  OpenedFile out;
  out.fd = std::make_shared<UniqueFd>(std::move(seen->fd));
  out.record = std::move(*row);
  co_return out;
}

Result<void> AreasOnDisk::unlink_file(AccountId account, const std::string& name) const {
  auto root = area_if_there(account);
  if (!root) return fail(std::move(root.error()));
  if (!*root) return {};
  const auto [folder, last] = open_parent(root->get(), name);
  if (!folder) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return {};
    return fail_errno(Reason::storage, "open the folder of " + name, errno);
  }
  if (::unlinkat(folder.get(), last.c_str(), 0) != 0 && errno != ENOENT && errno != EISDIR)
    return fail_errno(Reason::storage, "remove " + name, errno);
  return {};
}

Task<Result<void>> AreasOnDisk::erase(AccountId account, std::vector<FileRecord> rows) {
  auto work = [this, account, &rows]() -> Result<void> {
    for (const FileRecord& row : rows)
      if (auto done = unlink_file(account, row.name); !done) return done;
    return {};
  };
  if (auto done = co_await offload(pool_, work); !done) co_return fail(std::move(done.error()));
  std::vector<FileId> ids;
  for (const FileRecord& row : rows) ids.push_back(row.id);
  co_return co_await forget(std::move(ids));
}

Task<Result<void>> AreasOnDisk::remove(AccountId account, FileId id) {
  const auto pass = co_await begin_change(account);
  auto row = co_await find(account, id);
  if (!row) co_return fail(std::move(row.error()));
  std::vector<FileRecord> rows(1, std::move(*row));
  co_return co_await erase(account, std::move(rows));
}

/// The new name is made beside the old one first, so that a crash leaves two names and never none.
Result<void> AreasOnDisk::link_inside(AccountId account, const FileRecord& file,
                                      const std::string& to_name) const {
  auto root = area(account);
  if (!root) return fail(std::move(root.error()));
  const auto from = open_parent(root->get(), file.name);
  FileFacts facts;
  if (!from.folder || look_beneath(from.folder.get(), from.name, facts) != 0 || is_planted(file, facts))
    return no_such_file();
  const auto to = open_parent(root->get(), to_name);
  if (!to.folder) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
      return fail(Reason::conflict, "the folder is gone");
    return fail_errno(Reason::storage, "open the folder of " + to_name, errno);
  }
  const bool linked =
      ::linkat(from.folder.get(), from.name.c_str(), to.folder.get(), to.name.c_str(), 0) == 0;
  const int error = linked ? 0
                    : errno == EPERM || errno == EOPNOTSUPP
                        ? rename_no_replace(from.folder.get(), from.name, to.folder.get(), to.name)
                        : errno;
  if (error == EEXIST) return fail(Reason::conflict, "the name is taken");
  if (error == ENOENT) return no_such_file();
  if (error != 0) return fail_errno(Reason::storage, "rename " + file.name, error);
  if (::fsync(to.folder.get()) != 0) return fail_errno(Reason::storage, "sync a folder", errno);
  return {};
}

/// A name that is free on the disk and has no twin; linked to the file.
Task<Result<std::string>> AreasOnDisk::link_to_free_name(const FileRecord& file, const std::string& wanted) {
  const AccountId account = file.account;
  for (int number = 0; number < options_.limits.names_tried; ++number) {
    auto choose = [this, account, &wanted, number] { return choose_name(account, wanted, number); };
    auto chosen = co_await offload(pool_, choose);
    if (!chosen) co_return fail(std::move(chosen.error()));
    number = chosen->number;
    std::function<Result<bool>(Tx&)> ask = [account, name = chosen->name, id = file.id](Tx& tx) {
      return tx.repo<FileRecords>().has_twin(account, name, id);
    };
    const auto twin = co_await database_.read_value<bool>(ask);
    if (!twin) co_return fail(twin.error());
    if (*twin) continue;
    auto link = [this, account, &file, &chosen] { return link_inside(account, file, chosen->name); };
    auto linked = co_await offload(pool_, link);
    if (linked) co_return std::move(chosen->name);
    if (linked.error().reason != Reason::conflict) co_return fail(std::move(linked.error()));
  }
  co_return fail(Reason::conflict, "no free name was found for " + wanted);
}

Task<Result<FileRecord>> AreasOnDisk::rename(AccountId account, FileId id, std::string wanted) {
  const auto pass = co_await begin_change(account);
  auto row = co_await find(account, id);
  if (!row) co_return fail(std::move(row.error()));
  if (files::clean_name(wanted) == row->name) co_return std::move(*row);
  const std::string old_name = row->name;
  auto chosen = co_await link_to_free_name(*row, wanted);
  if (!chosen) co_return fail(std::move(chosen.error()));
  row->name = std::move(*chosen);
  Database::Work work = [record = *row](Tx& tx) -> Result<void> {
    auto& records = tx.repo<FileRecords>();
    auto stale = records.find_by_name(record.account, record.name);
    if (!stale) return fail(std::move(stale.error()));
    if (*stale)
      if (auto removed = records.remove((*stale)->id); !removed) return removed;
    return records.update(record);
  };
  if (auto done = co_await database_.write(std::move(work)); !done) co_return fail(std::move(done.error()));
  auto drop_old = [this, account, &old_name] { return unlink_file(account, old_name); };
  if (auto done = co_await offload(pool_, drop_old); !done)
    log::warn("the old name of a renamed file is left: {}", done.error().message);
  co_return std::move(*row);
}

Task<Result<void>> AreasOnDisk::remove_account(AccountId account) {
  const auto pass = co_await begin_change(account);
  std::function<Result<std::vector<FileRecord>>(Tx&)> ask = [account](Tx& tx) {
    return tx.repo<FileRecords>().list(account);
  };
  auto rows = co_await database_.read_value<std::vector<FileRecord>>(ask);
  if (!rows) co_return fail(std::move(rows.error()));
  std::function<Result<std::vector<TrashedFile>>(Tx&)> ask_trash = [account](Tx& tx) {
    return tx.repo<TrashRecords>().list(account);
  };
  auto trashed = co_await database_.read_value<std::vector<TrashedFile>>(ask_trash);
  if (!trashed) co_return fail(std::move(trashed.error()));
  auto erased = co_await erase_trashed(std::move(*trashed));
  if (!erased) co_return erased;
  auto work = [this, account, &rows]() -> Result<void> {
    for (const auto& row : *rows) {
      const auto now = see(row, Look::outside);
      // What another program put there, or in its place, stays.
      const bool ours = !row.foreign() && now && !now->gone;
      if (!ours) continue;
      if (auto done = unlink_file(account, row.name); !done) return done;
    }
    return clear_account_folders(account);
  };
  if (auto done = co_await offload(pool_, work); !done) co_return fail(std::move(done.error()));
  std::vector<FileId> ids;
  for (const auto& row : *rows) ids.push_back(row.id);
  co_return co_await forget(std::move(ids));
}

}  // namespace restante::files
