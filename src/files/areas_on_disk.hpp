// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "files/areas.hpp"
#include "files/beneath.hpp"
#include "files/gate.hpp"
#include "files/reconcile.hpp"
#include "files/volume_sync.hpp"
#include "files/watch.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace restante::files {

/// The roots that everything lies below. Opened once; read by every thread.
struct Roots {
  UniqueFd incoming;       ///< folder of partial files, one folder for each account
  UniqueFd trash;          ///< the same of deleted files
  UniqueFd areas;          ///< the longest folder of the template that has no {user} in it
  std::string user_path;   ///< relative to `areas`, with {user}
  std::string shown_path;  ///< for messages
};

/// The disk side of Areas. Coroutines live on the control loop; every function that touches the disk is a
/// plain one run in the pool, with values handed to it. Split over incoming.cpp, publish.cpp, area.cpp,
/// folders.cpp, trash.cpp, scan.cpp, sweep.cpp and housekeeping.cpp.
class AreasOnDisk final : public Areas {
public:
  AreasOnDisk(Executor loop, Executor disk_pool, Database& database, const Clock& clock, AreasOptions options,
              Roots roots);

  Task<Result<jobs::Incoming>> open_incoming(AccountId account, JobId job, int file, int generation) override;
  Task<Result<void>> sync_data(int fd) override;
  Task<Result<void>> discard_incoming(AccountId account, JobId job, int file, int generation) override;
  Task<Result<std::string>> digest_incoming(AccountId account, JobId job, int file, int generation,
                                            std::string algorithm) override;
  Task<Result<PieceReport>> hash_pieces(int fd, std::uint64_t base, std::uint64_t first,
                                        std::uint64_t end_bytes) override;
  Task<Result<jobs::Room>> room(AccountId account) override;
  Task<Result<Volume>> volume() override;
  Task<Result<UniqueFd>> open_arriving(AccountId account, JobId job, int file, int generation) override;

  Task<Result<jobs::Published>> publish(jobs::Publication what, UniqueFd sync,
                                        jobs::PublishCommit commit) override;
  Task<Result<void>> recover(jobs::PublishCommit commit) override;
  std::string clean_name(std::string_view wanted) const override;

  Task<Result<std::vector<FileRecord>>> list(AccountId account) override;
  Task<Result<FileRecord>> find(AccountId account, FileId id) override;
  Task<Result<OpenedFile>> open(AccountId account, FileId id) override;
  Task<Result<void>> trash(AccountId account, FileId id) override;
  Task<Result<void>> remove(AccountId account, FileId id) override;
  Task<Result<FileRecord>> rename(AccountId account, FileId id, std::string wanted) override;
  Task<Result<void>> remove_account(AccountId account) override;
  Task<Result<void>> erase_area(AccountId account) override;

  Task<Result<Listing>> list_folder(AccountId account, std::string folder) override;
  Task<Result<std::vector<FileRecord>>> search(AccountId account, std::string text, int limit) override;
  Task<Result<std::string>> make_folder(AccountId account, std::string wanted) override;
  Task<Result<std::string>> move_folder(AccountId account, std::string folder, std::string wanted) override;
  Task<Result<void>> remove_folder(AccountId account, std::string folder, Removal removal) override;

  Task<Result<std::vector<TrashedFile>>> list_trash(AccountId account) override;
  Task<Result<FileRecord>> restore(AccountId account, FileId id) override;
  Task<Result<void>> erase_deleted(AccountId account, FileId id) override;
  Task<Result<void>> empty_trash(AccountId account) override;

  Task<Result<Usage>> usage(AccountId account) override;
  Traffic& traffic() override { return traffic_; }
  Seconds trash_keep() const override { return options_.trash_keep; }
  void fetched(AccountId account, std::uint64_t bytes) override { traffic_.fetched(account, bytes); }
  Task<bool> free_room(AccountId account, jobs::Lack lack) override;

  void tell_changes(Changed changed) override { changed_hook_ = std::move(changed); }
  Task<void> watching() override;
  Task<std::vector<std::string>> look_through() override;

  Task<void> housekeeping() override;
  Task<std::vector<std::string>> probe_file_system() override;

private:
  // publish.cpp
  enum class Found { source, target, nothing };
  Task<Result<jobs::Published>> carry_out(Intent intent, jobs::PublishCommit commit);
  Task<Result<void>> commit_publication(Intent intent, FileFacts facts, jobs::Published published,
                                        jobs::PublishCommit commit);
  Task<Result<void>> save_intent(Intent intent, std::optional<std::uint64_t> quota);
  /// What one transaction knows of publications that are not committed yet.
  struct UnderWay {
    struct One {
      AccountId account;
      JobId job;
      int file = 0;
      std::uint64_t size_bytes = 0;
      std::string key;  ///< of its name
    };
    std::vector<One> intents;
    std::map<AccountId, std::uint64_t> used;  ///< bytes of accounts that were asked for
    static Result<UnderWay> of(Tx& tx);
    void add(const Intent& intent);
  };
  static Result<void> save_intent_in(Tx& tx, const Intent& intent, std::optional<std::uint64_t> quota,
                                     UnderWay& under_way);
  /// The last step: commits what was moved.
  Task<Result<jobs::Published>> complete(Intent intent, FileFacts facts, jobs::PublishCommit commit);
  Result<void> make_durable(const jobs::Publication& what, int fd) const;
  Result<void> give_terms(int fd) const;  ///< owner, group and mode of files in areas
  Result<void> sync_to_disk(const jobs::Publication& what, int fd) const;
  static Result<void> has_its_length(const jobs::Publication& what, int fd);
  static tl::unexpected<Error> not_moved(int error);
  struct Chosen {
    std::string name;
    int number = 0;  ///< of the name: 1 for "a (1)"
  };
  /// The first name from "NAME (`first`)" on that is free on the disk; its folders are made.
  /// `mark`: see jobs::Publication.
  Result<Chosen> choose_name(AccountId account, const std::string& wanted, int first,
                             const std::string& mark = {}) const;
  Result<Chosen> choose_below(int root, const std::string& wanted, int first, const std::string& mark) const;
  Result<Found> look(const Intent& intent) const;
  /// Renames (unless that has happened) and syncs the folder. Errors: conflict when the name is taken;
  /// storage.
  Result<FileFacts> move_into_area(const Intent& intent) const;
  void step(std::string_view name) const;
  void inherit_group(int incoming, const std::string& name, int folder) const;

  // publish_rounds.cpp
  struct Small;
  struct Folders;
  using SmallPtr = std::shared_ptr<Small>;
  Task<Result<jobs::Published>> publish_in_round(Intent intent, UniqueFd sync, jobs::PublishCommit commit);
  Task<void> publish_small(SmallPtr one);
  Task<void> run_round(const std::vector<SmallPtr>& all);
  void make_round_durable(const std::vector<SmallPtr>& all, Folders& folders) const;
  Result<int> area_in_round(AccountId account, Folders& folders) const;
  Result<void> choose_in_round(Small& one, Folders& folders) const;
  static Result<void> save_round(Tx& tx, const std::vector<SmallPtr>& all);
  void move_round(const std::vector<SmallPtr>& all, Folders& folders) const;
  Result<void> move_in_round(Small& one, Folders& folders) const;

  // area.cpp
  struct Seen {
    bool gone = false;
    bool many_names = false;  ///< gone, as long as nobody has looked where its other names are
    FileFacts facts;
    UniqueFd fd;
  };
  Task<Result<OpenedFile>> open_here(AccountId account, FileId id);
  Task<Result<void>> follow(FileRecord& record, FileFacts facts);
  Task<Result<void>> forget(std::vector<FileId> ids);
  enum class Look { outside, inside };  ///< at the name alone, or with the file opened
  Result<Seen> see(const FileRecord& record, Look look) const;
  Result<void> unlink_file(AccountId account, const std::string& name) const;
  Task<Result<std::string>> link_to_free_name(const FileRecord& file, const std::string& wanted);
  Task<Result<void>> erase(AccountId account, std::vector<FileRecord> rows);
  /// The right to change names in an area. A look that is under way begins anew.
  Task<Gate::Pass> begin_change(AccountId account);
  Result<void> link_inside(AccountId account, const FileRecord& file, const std::string& to_name) const;
  Result<UniqueFd> area(AccountId account) const;  ///< made where missing
  Result<std::string> area_path(AccountId account) const;
  Result<UniqueFd> area_if_there(AccountId account) const;  ///< empty where it was not made yet

  // folders.cpp
  Result<std::vector<std::string>> folders_in(AccountId account, const std::string& folder) const;
  Result<void> move_on_disk(AccountId account, const std::string& from, const std::string& to) const;
  Task<Result<void>> rename_rows(AccountId account, std::string from, std::string to);

  // trash.cpp
  Result<UniqueFd> trash_folder(AccountId account) const;
  /// One outcome for each; not-found: it was not there.
  std::vector<Result<void>> move_to_trash(AccountId account, const std::vector<FileRecord>& files) const;
  Result<void> move_from_trash(const TrashedFile& file, const std::string& name) const;
  Task<Result<void>> trash_rows(AccountId account, std::vector<FileRecord> rows);
  Task<Result<void>> erase_trashed(std::vector<TrashedFile> files);
  Task<Result<std::vector<TrashedFile>>> oldest_trash(std::optional<AccountId> account, Instant before);
  Task<bool> give_up(std::optional<AccountId> account, std::uint64_t& bytes);
  Task<void> purge_trash();

  // scan.cpp
  struct AreaState {
    bool dirty = true;      ///< something may have changed since the last look began
    bool told = false;      ///< the kernel tells of changes in every folder
    std::size_t files = 0;  ///< at the last look
    bool looked = false;
    std::uint64_t begun = 0;    ///< the newest request that the last look answers
    std::uint64_t changes = 0;  ///< of our own
    std::uint64_t told_of = 0;  ///< of these, to whoever wants to know
    std::chrono::steady_clock::time_point ended{};
    std::chrono::steady_clock::duration took{};
    PassedOver passed_over;
  };
  Task<Result<void>> scan(AccountId account);
  Task<Result<bool>> scan_once(AccountId account);
  Task<Result<void>> apply(AccountId account, Changes changes);
  Task<void> see_changes(AccountId account);
  void mark_changed(std::optional<AccountId> account);
  std::vector<AccountId> all_accounts() const;

  // incoming.cpp
  bool may_have_intent(JobId job, int file) const;
  Task<Result<void>> take_back(JobId job, int file, int generation);
  Result<void> move_back(const Intent& intent) const;
  Result<UniqueFd> incoming_folder(AccountId account) const;
  // room.cpp
  struct Arriving {
    std::set<std::string> names;
    std::uint64_t bytes = 0;
  };
  Result<Arriving> arriving(AccountId account) const;
  Result<Volume> look_at_volume() const;
  Result<jobs::Room> volume_room() const;

  // sweep.cpp
  Task<void> sweep_incoming();

  // housekeeping.cpp
  Result<void> clear_account_folders(AccountId account) const;
  void drop_empty_folders(AccountId account, const std::string& folder) const;
  Task<void> remove_expired();
  Task<void> save_traffic();
  Task<void> digest_missing();
  Task<Result<std::string>> digest_file(std::shared_ptr<UniqueFd> fd);

  Executor loop_, pool_;
  Database& database_;
  const Clock& clock_;
  AreasOptions options_;
  Roots roots_;
  Traffic traffic_;
  Gate gate_, scans_;  ///< changes of names in an area; looks through it
  std::map<AccountId, AreaState> states_;
  std::uint64_t scan_requests_ = 0;
  Signal changed_;  ///< an area, as far as the kernel says
  Changed changed_hook_;
  std::unique_ptr<Watch> watch_;  ///< while `watching` runs
  Signal new_files_;              ///< without a digest
  std::deque<SmallPtr> small_;    ///< for the next round
  bool round_runs_ = false;
  std::chrono::steady_clock::time_point round_after_{};  ///< when the next one may begin
  mutable VolumeSync volume_sync_;
  const bool incoming_tells_holes_;
  /// Of which there is an intent in the store, perhaps; once `recover` has looked.
  std::set<std::pair<JobId, int>> open_intents_;
  bool intents_known_ = false;
  mutable std::atomic<bool> sync_failed_{false};  ///< a sync is never retried: nothing is published any more
};

/// Of folders that nobody but the server may look into.
inline const FolderTerms own_folder{0700, std::nullopt, std::nullopt};

/// JOB.FILE[.gGENERATION]
std::string incoming_name(JobId job, int file, int generation);
/// Folder and last segment of a relative name.
std::pair<std::string, std::string> split_name(const std::string& name);

}  // namespace restante::files
