// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/database.hpp"
#include "base/pieces.hpp"
#include "jobs/model.hpp"

#include <optional>
#include <vector>

namespace restante::jobs {

/// Where jobs are kept; a view over one Tx, implemented by src/store. Errors of every method: storage,
/// disk-full.
class JobRecords {
public:
  virtual ~JobRecords() = default;

  /// False, changing nothing, if a job of that id exists.
  virtual Result<bool> insert(const Job& job) = 0;
  virtual Result<std::optional<Job>> find(JobId id) = 0;
  /// Writes the control columns; not `document`, `secrets`, `document_digest`, `created`, `account`,
  /// `device`.
  virtual Result<void> update(const Job& job) = 0;
  /// Writes `document`, `secrets`, `document_digest`, `rev`, `name`, `start`, `file_count`, `version` too.
  virtual Result<void> replace(const Job& job) = 0;
  virtual Result<void> erase_secrets(JobId id) = 0;
  /// Of jobs that failed before `before`, at most `limit`; how many had any.
  virtual Result<std::size_t> erase_secrets_of_failed(Instant before, std::size_t limit) = 0;
  /// Other sealed secrets; nothing happens if they were erased meanwhile.
  virtual Result<void> replace_secrets(JobId id, std::string_view sealed) = 0;
  virtual Result<void> erase(JobId id) = 0;  ///< with its files and history

  virtual Result<JobPage> list(AccountId account, const JobFilter& filter) = 0;
  virtual Result<std::int64_t> count_unended(AccountId account) = 0;

  /// (id, account, next_run) of jobs in scheduled or waiting whose next_run is before `horizon`, soonest
  /// first.
  struct Due {
    JobId id;
    AccountId account;
    Instant at;
  };
  virtual Result<std::vector<Due>> due_before(Instant horizon, std::size_t limit) = 0;
  /// Jobs found in running, verifying or publishing: what a stop or a crash interrupted.
  virtual Result<std::vector<JobId>> interrupted() = 0;

  virtual Result<std::vector<FileRow>> files(JobId id) = 0;  ///< stored rows only, by index
  virtual Result<void> save_file(JobId id, const FileRow& file) = 0;

  /// Digests of a partial file; none saved: empty.
  virtual Result<Pieces> pieces(JobId id, int file, int generation) = 0;
  /// Puts a report behind those that are saved (see add()); one that leaves a gap is not taken.
  virtual Result<void> save_pieces(JobId id, int file, int generation, const PieceReport& report) = 0;
  /// Of one generation, or of all of them.
  virtual Result<void> erase_pieces(JobId id, int file, std::optional<int> generation) = 0;

  virtual Result<std::int64_t> append_history(const HistoryRow& row) = 0;  ///< the new seq
  virtual Result<std::vector<HistoryRow>> history(JobId id) = 0;
  virtual Result<std::vector<HistoryRow>> history_since(AccountId account, std::int64_t seq, int limit) = 0;
  virtual Result<std::int64_t> last_seq() = 0;
};

/// Encrypts secrets at rest under the master key (AES-256-GCM, bound to `context` as additional data). Any
/// thread.
class Vault {
public:
  virtual ~Vault() = default;
  virtual std::string seal(std::string_view plain, std::string_view context) const = 0;
  virtual Result<std::string> open(std::string_view sealed, std::string_view context) const = 0;
};

}  // namespace restante::jobs
