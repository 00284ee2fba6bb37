// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/database.hpp"
#include "jobs/ports.hpp"

#include <optional>
#include <string>
#include <vector>

namespace restante::files {

/// A published file: a real file in an area, and its row.
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
  virtual Result<std::vector<FileRecord>> all() = 0;                    ///< every account's
  virtual Result<std::vector<FileRecord>> without_digest(int limit) = 0;
  virtual Result<std::uint64_t> used_bytes(AccountId account) = 0;

  virtual Result<void> save_intent(const Intent& intent) = 0;  ///< replaces the one of the same job file
  virtual Result<void> remove_intent(JobId job, int file) = 0;
  virtual Result<std::vector<Intent>> intents() = 0;
};

}  // namespace restante::files
