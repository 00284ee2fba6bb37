// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/database.hpp"
#include "jobs/ports.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace restante::files {

/// A file of an area: a real file, and its row. One that another program put there has no job (all zeros),
/// the flag "foreign", and was published when it was last written.
struct FileRecord {
  FileId id;
  AccountId account;
  std::string name;  ///< relative to the area
  std::uint64_t size_bytes = 0;
  Instant published{};
  std::optional<Instant> keep_until;
  JobId job;
  int job_file = 0;
  std::string media_type;
  std::string sha256;  ///< lower-case hexadecimal; empty: not known yet
  bool verified = true;
  std::vector<std::string> flags;
  std::int64_t version = 1;  ///< with the id the ETag: changes when bytes change
  std::uint64_t inode = 0;   ///< of the file on disk when the row was written
  std::int64_t mtime_ns = 0;

  bool foreign() const { return job == JobId{}; }
};

inline constexpr std::string_view foreign_flag = "foreign";

/// A deleted file that can be had back, as its row was. It lies in the trash folder under its id.
struct TrashedFile {
  FileRecord file;
  Instant removed{};
};

/// What an account fetched and was served in one calendar month, in UTC.
struct MonthTraffic {
  std::int64_t month = 0;  ///< year * 12 + month, counted from 0
  std::uint64_t fetched_bytes = 0, served_bytes = 0;
};

/// The row that stands before the rename, so that a crash can be completed (DESIGN.md §6).
struct Intent {
  jobs::Publication what;
  FileId id;
  std::string chosen_name;
};

/// A view over one Tx, implemented by src/store. Errors of every method: storage, disk-full.
class FileRecords {
public:
  virtual ~FileRecords() = default;

  virtual Result<void> insert(const FileRecord& file) = 0;
  virtual Result<void> update(const FileRecord& file) = 0;
  virtual Result<void> remove(FileId id) = 0;
  virtual Result<std::optional<FileRecord>> find(FileId id) = 0;
  virtual Result<std::optional<FileRecord>> find_by_name(AccountId account, std::string_view name) = 0;
  /// Whether another file than `self` has a name that differs from `name` only by case or normal form
  /// (name_key).
  virtual Result<bool> has_twin(AccountId account, std::string_view name, FileId self) = 0;
  virtual Result<std::vector<FileRecord>> list(AccountId account) = 0;  ///< newest first
  /// Those below a folder, at any depth, by name. "a" has nothing of "ab".
  virtual Result<std::vector<FileRecord>> below(AccountId account, std::string_view folder) = 0;
  /// Those right inside a folder, by name; "": right inside the area.
  virtual Result<std::vector<FileRecord>> inside(AccountId account, std::string_view folder) = 0;
  /// Those whose name has `part` in it, without regard to case or normal form, by name; at most `limit`.
  virtual Result<std::vector<FileRecord>> matching(AccountId account, std::string_view part, int limit) = 0;
  virtual Result<std::vector<FileRecord>> all() = 0;  ///< every account's
  virtual Result<std::vector<FileRecord>> expired(Instant now, int limit) = 0;
  /// Files of other programs are not among them.
  virtual Result<std::vector<FileRecord>> without_digest(int limit) = 0;
  virtual Result<std::uint64_t> used_bytes(AccountId account) = 0;  ///< the trash counts

  virtual Result<void> save_intent(const Intent& intent) = 0;  ///< replaces the one of the same job file
  virtual Result<void> remove_intent(JobId job, int file) = 0;
  virtual Result<std::vector<Intent>> intents() = 0;
};

/// The same for deleted files.
class TrashRecords {
public:
  virtual ~TrashRecords() = default;

  virtual Result<void> insert(const TrashedFile& file) = 0;
  virtual Result<void> remove(FileId id) = 0;
  virtual Result<std::optional<TrashedFile>> find(FileId id) = 0;
  virtual Result<std::vector<TrashedFile>> list(AccountId account) = 0;  ///< newest first
  /// Those deleted before `before`, oldest first: of one account, or of all.
  virtual Result<std::vector<TrashedFile>> oldest(std::optional<AccountId> account, Instant before,
                                                  int limit) = 0;
  virtual Result<std::uint64_t> used_bytes(AccountId account) = 0;
};

/// The same for monthly traffic.
class TrafficRecords {
public:
  virtual ~TrafficRecords() = default;

  /// Adds to what is there; nothing where the account is gone.
  virtual Result<void> add(AccountId account, const MonthTraffic& traffic) = 0;
  virtual Result<std::vector<std::pair<AccountId, MonthTraffic>>> of_month(std::int64_t month) = 0;
};

}  // namespace restante::files
