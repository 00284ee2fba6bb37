// SPDX-License-Identifier: Apache-2.0
// Folders of an area, as people keep files.
#include "files/areas_on_disk.hpp"
#include "files/names.hpp"
#include "files/walk.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace restante::files {

namespace {

tl::unexpected<Error> no_such_folder() {
  return fail(Reason::not_found, "there is no such folder");
}

/// A path as it is listed: whole segments, none of them a dot's.
bool is_listed_path(const std::string& path) {
  std::string again;
  for (const auto& segment : split_path(path)) {
    if (!is_listable(segment)) return false;
    again += (again.empty() ? "" : "/") + segment;
  }
  return again == path;
}

}  // namespace

Result<std::vector<std::string>> AreasOnDisk::folders_in(AccountId account, const std::string& folder) const {
  auto root = area_if_there(account);
  if (!root) return fail(std::move(root.error()));
  std::vector<std::string> out;
  if (!*root && folder.empty()) return out;
  if (!*root || !is_listed_path(folder)) return no_such_folder();
  UniqueFd inside =
      open_beneath(root->get(), folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (!inside && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG))
    return no_such_folder();
  if (!inside) return fail_errno(Reason::storage, "open the folder " + folder, errno);
  DIR* stream = ::fdopendir(inside.get());
  if (stream == nullptr) return fail_errno(Reason::storage, "read the folder " + folder, errno);
  const int handle = inside.release();
  while (const dirent* entry = ::readdir(stream)) {
    if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) continue;
    if (out.size() >= options_.limits.folders_listed) break;
    const std::string name = entry->d_name;
    struct stat is{};
    if (!is_listable(name) || ::fstatat(handle, name.c_str(), &is, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISDIR(is.st_mode)) out.push_back(folder.empty() ? name : folder + "/" + name);
  }
  ::closedir(stream);
  std::sort(out.begin(), out.end());
  return out;
}

Task<Result<Areas::Listing>> AreasOnDisk::list_folder(AccountId account, std::string folder) {
  co_await see_changes(account);
  auto look = [this, account, &folder] { return folders_in(account, folder); };
  auto folders = co_await offload(pool_, look);
  if (!folders) co_return fail(std::move(folders.error()));
  std::function<Result<std::vector<FileRecord>>(Tx&)> ask = [account, &folder](Tx& tx) {
    return tx.repo<FileRecords>().inside(account, folder);
  };
  auto files = co_await database_.read_value<std::vector<FileRecord>>(ask);
  if (!files) co_return fail(std::move(files.error()));
  co_return Listing{std::move(*folders), std::move(*files)};
}

Task<Result<std::vector<FileRecord>>> AreasOnDisk::search(AccountId account, std::string text, int limit) {
  co_await see_changes(account);
  std::function<Result<std::vector<FileRecord>>(Tx&)> ask = [account, &text, limit](Tx& tx) {
    return tx.repo<FileRecords>().matching(account, text, limit);
  };
  co_return co_await database_.read_value<std::vector<FileRecord>>(ask);
}

Task<Result<std::string>> AreasOnDisk::make_folder(AccountId account, std::string wanted) {
  const std::string path = files::clean_name(wanted);
  auto work = [this, account, &path]() -> Result<void> {
    auto root = area(account);
    if (!root) return fail(std::move(root.error()));
    auto folder = ensure_folder(root->get(), path, options_.folders, Taken::refuse);
    if (!folder) return fail(std::move(folder.error()));
    return {};
  };
  if (auto done = co_await offload(pool_, work); !done) co_return fail(std::move(done.error()));
  if (changed_hook_) changed_hook_(account);
  co_return path;
}

Result<void> AreasOnDisk::move_on_disk(AccountId account, const std::string& from,
                                       const std::string& to) const {
  auto root = area_if_there(account);
  if (!root) return fail(std::move(root.error()));
  if (!*root || from.empty() || !is_listed_path(from)) return no_such_folder();
  if (!open_beneath(root->get(), from, O_PATH | O_DIRECTORY)) return no_such_folder();
  FileFacts there;
  if (look_beneath(root->get(), to, there) == 0)
    return fail(Reason::conflict, "there is something of the name " + to + " already", "choose another name");
  const auto source = open_parent(root->get(), from);
  if (!source.folder) return no_such_folder();
  const auto [parent_path, last] = split_name(to);
  auto parent = ensure_folder(root->get(), parent_path, options_.folders, Taken::refuse);
  if (!parent) return fail(std::move(parent.error()));
  const int error = rename_no_replace(source.folder.get(), source.name, parent->handle.get(), last);
  if (error == EEXIST || error == ENOTEMPTY)
    return fail(Reason::conflict, "there is something of the name " + to + " already", "choose another name");
  if (error == ENOENT) return no_such_folder();
  if (error == EINVAL) return fail(Reason::conflict, "a folder cannot be moved into itself");
  if (error != 0) return fail_errno(Reason::storage, "move the folder " + from, error);
  if (::fsync(parent->handle.get()) != 0 || ::fsync(source.folder.get()) != 0)
    return fail_errno(Reason::storage, "sync a folder", errno);
  return {};
}

/// If the process ends before all rows are written, the next look through the area knows the files by their
/// inodes.
Task<Result<void>> AreasOnDisk::rename_rows(AccountId account, std::string from, std::string to) {
  std::function<Result<std::vector<FileRecord>>(Tx&)> ask = [account, &from](Tx& tx) {
    return tx.repo<FileRecords>().below(account, from);
  };
  auto rows = co_await database_.read_value<std::vector<FileRecord>>(ask);
  if (!rows) co_return fail(std::move(rows.error()));
  const std::size_t batch = options_.limits.rows_a_batch;
  for (std::size_t begin = 0; begin < rows->size(); begin += batch) {
    const std::size_t end = std::min(rows->size(), begin + batch);
    Database::Work work = [&rows, &from, &to, begin, end](Tx& tx) -> Result<void> {
      auto& records = tx.repo<FileRecords>();
      for (std::size_t i = begin; i < end; ++i) {
        auto row = records.find((*rows)[i].id);
        if (!row) return fail(std::move(row.error()));
        if (!*row || (*row)->name != (*rows)[i].name) continue;
        (*row)->name = to + (*row)->name.substr(from.size());
        auto stale = records.find_by_name((*row)->account, (*row)->name);
        if (!stale) return fail(std::move(stale.error()));
        if (*stale)
          if (auto removed = records.remove((*stale)->id); !removed) return removed;
        if (auto saved = records.update(**row); !saved) return saved;
      }
      return {};
    };
    if (auto done = co_await database_.write(std::move(work)); !done) co_return done;
  }
  co_return Result<void>();
}

Task<Result<std::string>> AreasOnDisk::move_folder(AccountId account, std::string folder,
                                                   std::string wanted) {
  const std::string to = files::clean_name(wanted);
  if ((to + "/").starts_with(folder + "/") && to != folder)
    co_return fail(Reason::conflict, "a folder cannot be moved into itself");
  const auto pass = co_await begin_change(account);
  if (to == folder) {
    auto look = [this, account, &folder] { return folders_in(account, folder); };
    auto there = co_await offload(pool_, look);
    if (!there) co_return fail(std::move(there.error()));
    co_return to;
  }
  auto move = [this, account, &folder, &to] { return move_on_disk(account, folder, to); };
  if (auto moved = co_await offload(pool_, move); !moved) co_return fail(std::move(moved.error()));
  if (auto done = co_await rename_rows(account, folder, to); !done) co_return fail(std::move(done.error()));
  co_return to;
}

Task<Result<void>> AreasOnDisk::remove_folder(AccountId account, std::string folder, Removal removal) {
  const auto pass = co_await begin_change(account);
  auto look = [this, account, &folder] { return folders_in(account, folder); };
  auto there = co_await offload(pool_, look);
  if (!there) co_return fail(std::move(there.error()));
  if (folder.empty()) co_return no_such_folder();
  std::function<Result<std::vector<FileRecord>>(Tx&)> ask = [account, &folder](Tx& tx) {
    return tx.repo<FileRecords>().below(account, folder);
  };
  auto rows = co_await database_.read_value<std::vector<FileRecord>>(ask);
  if (!rows) co_return fail(std::move(rows.error()));
  const std::size_t batch = options_.limits.rows_a_batch;
  for (std::size_t begin = 0; begin < rows->size(); begin += batch) {
    const std::size_t end = std::min(rows->size(), begin + batch);
    std::vector<FileRecord> part(rows->begin() + static_cast<std::ptrdiff_t>(begin),
                                 rows->begin() + static_cast<std::ptrdiff_t>(end));
    auto done = removal == Removal::into_trash ? co_await trash_rows(account, std::move(part))
                                               : co_await erase(account, std::move(part));
    if (!done) co_return done;
  }
  auto drop = [this, account, &folder] { drop_empty_folders(account, folder); };
  co_await offload(pool_, drop);
  co_return Result<void>();
}

}  // namespace restante::files
