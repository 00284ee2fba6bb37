// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "files/records.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::files {

/// An opened file of an area, ready to be served: the descriptor, and what the answer's headers say.
struct OpenedFile {
  std::shared_ptr<UniqueFd> fd;
  FileRecord record;         ///< as it is on the disk now: a changed file has a new version and no digest
  std::string etag() const;  ///< strong and opaque, with its quotes: "fileid-version"
};

struct AreasLimits {
  int names_tried = 10000;                    ///< "a (1)", "a (2)", ... before giving up
  std::size_t digest_piece_bytes = 8u << 20;  ///< of one turn in the disk pool
  int digests_a_round = 16;
  /// Downloads leave so much of the file system free: the smaller of the two (THREATS.md P7).
  std::uint64_t reserve_bytes = 64ull << 20;
  int reserve_percent = 5;
  std::chrono::milliseconds housekeeping{60000};  ///< between two rounds
};

struct AreasOptions {
  std::string data_dir;    ///< DATA: `incoming/` and `areas/` lie below it
  std::string areas_path;  ///< "" : DATA/areas/{user}; else a template with {user}
  std::function<std::string(AccountId)> account_name;                  ///< any thread
  std::function<std::optional<std::uint64_t>(AccountId)> quota_bytes;  ///< any thread; none: no limit
  std::uint32_t file_mode = 0644, folder_mode = 0755;                  ///< of what is published
  AreasLimits limits;
  /// Called with its name before each step of publishing, in the thread that does it. For tests that end the
  /// process there.
  std::function<void(std::string_view step)> before_step;
};

/// The file server's disk side (patent: FS 420): incoming files, publishing, areas of real files, retention.
/// Lives on the control loop; disk work runs in the pool. All paths are opened beneath a directory handle
/// (openat2).
class Areas : public jobs::Shelf {
public:
  /// Published files of an account, newest first, each name once; files that vanished from disk are
  /// forgotten.
  virtual Task<Result<std::vector<FileRecord>>> list(AccountId account) = 0;
  virtual Task<Result<FileRecord>> find(AccountId account, FileId id) = 0;
  /// Error not-found also for another account's file. Runs on any loop.
  virtual Task<Result<OpenedFile>> open(AccountId account, FileId id) = 0;
  /// A file that is still arriving: what is there so far.
  virtual Task<Result<UniqueFd>> open_arriving(AccountId account, JobId job, int file, int generation) = 0;
  virtual Task<Result<void>> remove(AccountId account, FileId id) = 0;
  /// Renames inside the area; the name is cleaned and made free like a new one. Returns the record as it is
  /// then.
  virtual Task<Result<FileRecord>> rename(AccountId account, FileId id, std::string wanted) = 0;
  virtual Task<Result<void>> remove_account(AccountId account) = 0;

  /// Computes missing SHA-256 at low priority and removes files whose time is over. Spawned by the owner into
  /// its group.
  virtual Task<void> housekeeping() = 0;
  /// What `restanted check` says of the file system: one line each, empty when all is well.
  virtual Task<std::vector<std::string>> probe_file_system() = 0;
};

Result<std::unique_ptr<Areas>> make_areas(Executor loop, Executor disk_pool, Database& database,
                                          const Clock& clock, AreasOptions options);

}  // namespace restante::files
