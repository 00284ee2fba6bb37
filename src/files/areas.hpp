// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "files/beneath.hpp"
#include "files/records.hpp"
#include "files/traffic.hpp"

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
  std::uint64_t small_file_bytes = 1u << 20;  ///< up to this, files are published many at a time
  std::size_t files_a_round = 256;            ///< so many of them
  Millis rounds_every{10};                    ///< a round begins so long after the one before
  /// Downloads leave so much of the file system free: the smaller of the two (THREATS.md P7).
  std::uint64_t reserve_bytes = 64ull << 20;
  int reserve_percent = 5;
  std::chrono::milliseconds housekeeping{60000};  ///< between two rounds
  int expired_a_round = 256;                      ///< files and deleted files that are erased in one go

  // Looking for what other programs did.
  std::size_t files_an_area = 500'000;   ///< that are listed; beyond it `restanted check` tells
  std::size_t entries_a_slice = 4096;    ///< of a folder, looked at in one turn of the disk pool
  std::size_t rows_a_batch = 500;        ///< written in one transaction
  std::size_t scanned_at_list = 2000;    ///< an area of so many files is looked at whenever it is listed
  std::size_t folders_watched = 16'384;  ///< in all areas; the others are looked at now and then
  std::chrono::milliseconds scan_every{600'000};
  std::chrono::milliseconds scan_pause{200};  ///< after a change, at least
  std::chrono::milliseconds longest_scan_pause{30'000};
  int scan_pause_factor = 20;           ///< and so many times as long as the last look took
  std::size_t folders_listed = 10'000;  ///< in one folder
};

struct AreasOptions {
  std::string data_dir;    ///< DATA: `incoming/` and `areas/` lie below it
  std::string areas_path;  ///< "" : DATA/areas/{user}; else a template with {user}
  std::function<std::string(AccountId)> account_name;                    ///< any thread
  std::function<std::optional<std::uint64_t>(AccountId)> quota_bytes;    ///< any thread; none: no limit
  std::function<std::vector<AccountId>()> accounts;                      ///< any thread; who has an area
  std::function<std::optional<std::uint64_t>(AccountId)> traffic_bytes;  ///< any thread; of a month
  FolderTerms folders;                                  ///< of folders that are made in areas
  FolderTerms files{0644, std::nullopt, std::nullopt};  ///< of what is published
  Seconds trash_keep{7 * 86400};  ///< deleted files can be had back so long; 0: not at all
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
  /// Into the trash; erases where nothing is kept. Error not-found.
  virtual Task<Result<void>> trash(AccountId account, FileId id) = 0;
  /// For good.
  virtual Task<Result<void>> remove(AccountId account, FileId id) = 0;
  /// Renames inside the area; the name is cleaned and made free like a new one. Returns the record as it is
  /// then.
  virtual Task<Result<FileRecord>> rename(AccountId account, FileId id, std::string wanted) = 0;
  /// With its partial files and its trash. Files of other programs stay on the disk.
  virtual Task<Result<void>> remove_account(AccountId account) = 0;
  /// Everything in the area goes, whoever put it there: a guest's. Rows stay until remove_account. Repeating
  /// it is safe. Error storage, which names no files.
  virtual Task<Result<void>> erase_area(AccountId account) = 0;

  /// Folders and files right inside a folder ("": the area itself), by name. `folder` is compared segment by
  /// segment, nothing is cleaned. Error not-found.
  struct Listing {
    std::vector<std::string> folders;  ///< relative to the area
    std::vector<FileRecord> files;
  };
  virtual Task<Result<Listing>> list_folder(AccountId account, std::string folder) = 0;
  /// Files whose path has `text` in it, without regard to case or normal form, by name; the first `limit`.
  virtual Task<Result<std::vector<FileRecord>>> search(AccountId account, std::string text, int limit) = 0;
  /// Returns the cleaned path. It may be there already. Error conflict: something else has the name.
  virtual Task<Result<std::string>> make_folder(AccountId account, std::string wanted) = 0;
  /// A folder with everything in it. `wanted` is cleaned; returns what it became. Errors: not-found, conflict
  /// (the new name is taken, or lies in the folder itself): nothing is ever overwritten or merged.
  virtual Task<Result<std::string>> move_folder(AccountId account, std::string folder,
                                                std::string wanted) = 0;
  enum class Removal { into_trash, for_good };
  /// The files that are listed, and folders that are empty then. Error not-found.
  virtual Task<Result<void>> remove_folder(AccountId account, std::string folder, Removal removal) = 0;

  virtual Task<Result<std::vector<TrashedFile>>> list_trash(AccountId account) = 0;  ///< newest first
  /// Under its old name, numbered if that is taken. Errors: not-found.
  virtual Task<Result<FileRecord>> restore(AccountId account, FileId id) = 0;
  virtual Task<Result<void>> erase_deleted(AccountId account, FileId id) = 0;
  virtual Task<Result<void>> empty_trash(AccountId account) = 0;

  struct Usage {
    std::uint64_t used_bytes = 0;   ///< of the quota, with the trash
    std::uint64_t trash_bytes = 0;  ///< of these
  };
  virtual Task<Result<Usage>> usage(AccountId account) = 0;

  /// Of the file system that areas lie on.
  struct Volume {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;     ///< for whoever is not root
    std::uint64_t reserve_bytes = 0;  ///< of these, what downloads leave free
  };
  virtual Task<Result<Volume>> volume() = 0;  ///< error storage
  virtual Traffic& traffic() = 0;
  /// After deletion a file can be had back so long; 0: not at all.
  virtual Seconds trash_keep() const = 0;

  /// Called on the control loop, some hundred milliseconds after names or contents changed in an area,
  /// whoever did it; several changes may be told as one.
  using Changed = std::function<void(AccountId)>;
  virtual void tell_changes(Changed changed) = 0;
  /// Sees what other programs do in areas, and follows. Spawned by the owner into its group.
  virtual Task<void> watching() = 0;
  /// What lies in areas and is not listed, a line for each kind; for `restanted check`.
  virtual Task<std::vector<std::string>> look_through() = 0;

  /// Computes missing SHA-256 at low priority and removes files whose time is over. Spawned by the owner into
  /// its group.
  virtual Task<void> housekeeping() = 0;
  /// What `restanted check` says of the file system: one line each, empty when all is well.
  virtual Task<std::vector<std::string>> probe_file_system() = 0;
};

Result<std::unique_ptr<Areas>> make_areas(Executor loop, Executor disk_pool, Database& database,
                                          const Clock& clock, AreasOptions options);

}  // namespace restante::files
