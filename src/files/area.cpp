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

}  // namespace

Result<AreasOnDisk::Seen> AreasOnDisk::see(const FileRecord& record) const {
  auto root = area(record.account);
  if (!root) return fail(std::move(root.error()));
  Seen seen;
  // Not blocking: another program may have put a FIFO in its place.
  seen.fd = open_beneath(root->get(), record.name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!seen.fd) {
    seen.gone = errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO;
    if (seen.gone) return seen;
    return fail_errno(Reason::storage, "open " + record.name, errno);
  }
  if (const int error = file_facts(seen.fd.get(), seen.facts); error != 0)
    return fail_errno(Reason::storage, "read " + record.name, error);
  seen.gone = !seen.facts.regular;
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
  std::function<Result<std::vector<FileRecord>>(Tx&)> ask = [account](Tx& tx) {
    return tx.repo<FileRecords>().list(account);
  };
  auto rows = co_await database_.read_value<std::vector<FileRecord>>(ask);
  if (!rows) co_return fail(std::move(rows.error()));
  auto inspect = [this, &rows] {
    std::vector<std::pair<bool, FileFacts>> seen;
    seen.reserve(rows->size());
    for (const auto& row : *rows) {
      const auto now = see(row);
      // What cannot be looked at right now stays listed as it was.
      FileFacts known;
      known.inode = row.inode;
      known.size_bytes = row.size_bytes;
      known.mtime_ns = row.mtime_ns;
      seen.emplace_back(now && now->gone, now && !now->gone ? now->facts : known);
    }
    return seen;
  };
  const auto seen = co_await offload(pool_, inspect);
  std::vector<FileRecord> out;
  std::vector<FileId> gone;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    FileRecord& row = (*rows)[i];
    if (seen[i].first) {
      gone.push_back(row.id);
      continue;
    }
    if (!same(row, seen[i].second))
      if (auto done = co_await follow(row, seen[i].second); !done) co_return fail(std::move(done.error()));
    out.push_back(std::move(row));
  }
  if (!gone.empty())
    if (auto done = co_await forget(std::move(gone)); !done) co_return fail(std::move(done.error()));
  co_return out;
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
  auto inspect = [this, &row] { return see(*row); };
  auto seen = co_await offload(pool_, inspect);
  if (!seen) co_return fail(std::move(seen.error()));
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
  auto root = area(account);
  if (!root) return fail(std::move(root.error()));
  const auto [folder_path, last] = split_name(name);
  const UniqueFd folder =
      open_beneath(root->get(), folder_path.empty() ? "." : folder_path, O_RDONLY | O_DIRECTORY);
  if (!folder) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return {};
    return fail_errno(Reason::storage, "open the folder of " + name, errno);
  }
  if (::unlinkat(folder.get(), last.c_str(), 0) != 0 && errno != ENOENT && errno != EISDIR)
    return fail_errno(Reason::storage, "remove " + name, errno);
  return {};
}

Task<Result<void>> AreasOnDisk::remove(AccountId account, FileId id) {
  auto row = co_await find(account, id);
  if (!row) co_return fail(std::move(row.error()));
  auto work = [this, &row] { return unlink_file(row->account, row->name); };
  if (auto done = co_await offload(pool_, work); !done) co_return fail(std::move(done.error()));
  const std::vector<FileId> ids(1, id);
  co_return co_await forget(ids);
}

/// The new name is made beside the old one first, so that a crash leaves two names and never none.
Result<std::string> AreasOnDisk::move_inside(AccountId account, const std::string& from,
                                             const std::string& wanted) const {
  auto root = area(account);
  if (!root) return fail(std::move(root.error()));
  const auto [from_path, from_last] = split_name(from);
  const UniqueFd from_folder =
      open_beneath(root->get(), from_path.empty() ? "." : from_path, O_RDONLY | O_DIRECTORY);
  if (!from_folder) return no_such_file();
  for (int i = 0; i < options_.limits.names_tried; ++i) {
    auto chosen = choose_name(account, wanted);
    if (!chosen) return chosen;
    const auto [to_path, to_last] = split_name(*chosen);
    const UniqueFd to_folder =
        open_beneath(root->get(), to_path.empty() ? "." : to_path, O_RDONLY | O_DIRECTORY);
    if (!to_folder) return fail_errno(Reason::storage, "open the folder of " + *chosen, errno);
    const bool linked =
        ::linkat(from_folder.get(), from_last.c_str(), to_folder.get(), to_last.c_str(), 0) == 0;
    const int error = linked ? 0
                      : errno == EPERM || errno == EOPNOTSUPP
                          ? rename_no_replace(from_folder.get(), from_last, to_folder.get(), to_last)
                          : errno;
    if (error == EEXIST) continue;
    if (error == ENOENT) return no_such_file();
    if (error != 0) return fail_errno(Reason::storage, "rename " + from, error);
    if (::fsync(to_folder.get()) != 0) return fail_errno(Reason::storage, "sync a folder", errno);
    return chosen;
  }
  return fail(Reason::conflict, "no free name was found for " + wanted);
}

Task<Result<FileRecord>> AreasOnDisk::rename(AccountId account, FileId id, std::string wanted) {
  auto row = co_await find(account, id);
  if (!row) co_return fail(std::move(row.error()));
  if (files::clean_name(wanted) == row->name) co_return std::move(*row);
  const std::string old_name = row->name;
  auto move = [this, account, &old_name, &wanted] { return move_inside(account, old_name, wanted); };
  auto chosen = co_await offload(pool_, move);
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
  auto rows = co_await list(account);
  if (!rows) co_return fail(std::move(rows.error()));
  auto work = [this, account, &rows]() -> Result<void> {
    for (const auto& row : *rows)
      if (auto done = unlink_file(account, row.name); !done) return done;
    return clear_account_folders(account);
  };
  if (auto done = co_await offload(pool_, work); !done) co_return fail(std::move(done.error()));
  std::vector<FileId> ids;
  for (const auto& row : *rows) ids.push_back(row.id);
  co_return co_await forget(std::move(ids));
}

}  // namespace restante::files
