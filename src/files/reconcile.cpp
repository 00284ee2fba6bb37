// SPDX-License-Identifier: Apache-2.0
#include "files/reconcile.hpp"

#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace restante::files {

namespace {

bool same(const FileRecord& row, const SeenFile& file) {
  return row.inode == file.inode && row.size_bytes == file.size_bytes && row.mtime_ns == file.mtime_ns;
}

FileRecord foreign_record(AccountId account, const SeenFile& file) {
  FileRecord record;
  record.account = account;
  record.name = file.name;
  record.size_bytes = file.size_bytes;
  record.published = Instant(std::chrono::floor<Millis>(std::chrono::nanoseconds(file.mtime_ns)));
  record.verified = false;
  record.flags.emplace_back(foreign_flag);
  record.inode = file.inode;
  record.mtime_ns = file.mtime_ns;
  return record;
}

void follow(FileRecord& record, const SeenFile& file) {
  if (record.foreign())
    record.published = Instant(std::chrono::floor<Millis>(std::chrono::nanoseconds(file.mtime_ns)));
  record.version += 1;
  record.sha256.clear();
  record.verified = false;
  record.size_bytes = file.size_bytes;
  record.inode = file.inode;
  record.mtime_ns = file.mtime_ns;
}

}  // namespace

Changes reconcile(AccountId account, const std::vector<FileRecord>& rows, const std::vector<SeenFile>& seen,
                  const std::vector<TrashedFile>& trash) {
  Changes out;
  std::unordered_map<std::string_view, const SeenFile*> by_name;
  std::unordered_map<std::uint64_t, std::uint64_t> names_here;  // of files with several names
  by_name.reserve(seen.size());
  for (const SeenFile& file : seen) {
    by_name.emplace(file.name, &file);
    if (file.links > 1) ++names_here[file.inode];
  }
  const auto all_here = [&](const SeenFile& file) {
    return file.links <= 1 || names_here[file.inode] == file.links;
  };

  std::unordered_set<std::string_view> known;
  std::unordered_map<std::uint64_t, const FileRecord*> missing;  // by inode
  std::vector<const FileRecord*> gone;
  for (const FileRecord& row : rows) {
    const auto found = by_name.find(row.name);
    if (found == by_name.end()) {
      missing.emplace(row.inode, &row);
      gone.push_back(&row);
      continue;
    }
    known.insert(row.name);
    const SeenFile& file = *found->second;
    if (same(row, file)) continue;
    if (file.inode != row.inode && !all_here(file)) {
      ++out.outside_names;
      out.gone.push_back(row);
      continue;
    }
    Changes::Moved moved{row, row.name, row.version};
    follow(moved.now, file);
    out.changed.push_back(std::move(moved));
  }

  std::unordered_map<std::uint64_t, const TrashedFile*> deleted;
  for (const TrashedFile& one : trash) deleted.emplace(one.file.inode, &one);
  std::unordered_set<const FileRecord*> renamed;
  for (const SeenFile& file : seen) {
    if (known.contains(file.name)) continue;
    const auto old = missing.find(file.inode);
    if (old != missing.end() && same(*old->second, file)) {
      Changes::Moved moved{*old->second, old->second->name, old->second->version};
      moved.now.name = file.name;
      out.changed.push_back(std::move(moved));
      renamed.insert(old->second);
      missing.erase(old);
      continue;
    }
    const auto back = deleted.find(file.inode);
    if (back != deleted.end() && file.links <= 1 && same(back->second->file, file)) {
      out.back.push_back(*back->second);
      out.back.back().file.name = file.name;
      deleted.erase(back);
      continue;
    }
    if (all_here(file))
      out.added.push_back(foreign_record(account, file));
    else
      ++out.outside_names;
  }
  for (const FileRecord* row : gone)
    if (!renamed.contains(row)) out.gone.push_back(*row);
  return out;
}

}  // namespace restante::files
