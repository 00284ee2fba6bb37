// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/events.hpp"
#include "jobs/file_step.hpp"
#include "jobs/ledger.hpp"
#include "jobs/pacing.hpp"
#include "jobs/rates.hpp"
#include "jobs/room.hpp"
#include "jobs/stretches.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>

namespace restante::jobs {

/// Runs jobs that have their turn: file by file through transfer, proof and publishing. Decides nothing
/// itself; every step is stored before it is acted upon. Lives on the control loop.
class Runner {
public:
  Runner(Context& context, Ledger& ledger, Events& events);
  ~Runner();

  enum class Ended { done, otherwise };
  /// `job` is stored as running; `files`: its rows, if they were read with it. Returns when nothing runs for
  /// it any more; `done`: nothing more will become of it.
  Task<Ended> run(Job job, std::optional<std::vector<FileRow>> files);

  bool runs(JobId id) const { return runs_.contains(id); }
  std::optional<Live> live(JobId id) const;
  /// How fast bytes came; kept for a while after it ended.
  Rates rates(JobId id) const { return rates_.of(id); }
  void forget_rates(JobId id) { rates_.forget(id); }
  /// What the content server last said to a running job.
  std::optional<ResponseFacts> facts(JobId id) const;

  /// See relink() in edit.hpp: for what runs while its links are changed.
  void relink(JobId id);
  /// The limit of a running job was changed; it holds at once.
  void set_rate(JobId id, std::optional<std::uint64_t> bytes_per_s);
  /// Ends the transfers of a job whose stored state has changed already; `discard`: and what they brought.
  void stop(JobId id, bool discard);
  /// Ends all; the jobs stay stored as running, with a checkpoint, and go on at the next start. False: some
  /// did not end within `limit`.
  Task<bool> stop_all(Millis limit);

  /// Throws the partial files of a job away; does nothing for a job that runs (see stop).
  Task<void> discard(AccountId account, JobId id);

  /// Whether a job that waits for room has enough of it now; true also if that cannot be known.
  Task<bool> has_room(Job job);

  /// Called at the first response and at the end of each run.
  std::function<void(JobId)> on_news;
  /// A job's next transfer asks this origin, perhaps another one than before.
  std::function<void(JobId, const std::string&)> on_asks;
  /// Nothing more is fetched for a job in this run; what it brought is published.
  std::function<void(JobId)> on_received;

private:
  struct Run;
  enum class FileEnd { done, later, person, broken, stopped };
  struct Brought {
    FileEnd end = FileEnd::stopped;
    Trouble trouble{};
    bool ends_round = false;           ///< our own disk refused: no use in going on to the next file
    std::optional<FileRow> unsaved{};  ///< the store did not take it
  };

  Task<void> round(std::shared_ptr<Run> run, Job job, std::optional<std::vector<FileRow>> files);
  Task<Brought> bring(std::shared_ptr<Run> run, const proxy::Document& document, FileRow first);
  Task<FileStep> transfer(std::shared_ptr<Run> run, const proxy::Document& document, const FileTerms& terms,
                          Tries tries, std::uint64_t offset, bool& stopped);

  // kept.cpp
  /// How much of the partial file's beginning can be gone on with, once its pieces were looked at; what lies
  /// behind it and is good is the run's, the rest is thrown away. Errors: storage.
  Task<Result<std::uint64_t>> kept_of(std::shared_ptr<Run> run, FileRow& row, const FileTerms& terms,
                                      const FileLayout& layout);
  struct StillGood {
    Pieces pieces;            ///< of what is good and was saved
    std::uint64_t bytes = 0;  ///< that are good
    std::uint64_t known = 0;  ///< up to here the saved pieces could be compared
  };
  /// Of `length` bytes from `base` on. Errors: storage.
  Task<Result<StillGood>> still_good(std::shared_ptr<Run> run, std::uint64_t base, Pieces saved,
                                     std::uint64_t length, bool same_run);
  Task<Result<std::vector<Stretch>>> stretches_of(std::shared_ptr<Run> run, const FileRow& row,
                                                  const FileLayout& layout, bool same_run);
  Task<Result<std::uint64_t>> agreeing(std::shared_ptr<Run> run, std::uint64_t base, Pieces saved,
                                       std::uint64_t first, std::uint64_t end_bytes);
  Task<Result<void>> hash_rest(std::shared_ptr<Run> run, std::uint64_t base, Pieces& pieces,
                               std::uint64_t end_bytes);

  /// How many connections a transfer may have at most.
  int connections_for(const Run& run, const proxy::Document& document, const TransferOrder& order) const;
  Task<Result<void>> keep_what_came(std::shared_ptr<Run> run, const TransferResult& result);
  Task<Brought> publish(std::shared_ptr<Run> run, FileRow row, UniqueFd sync);
  Task<Result<void>> keep(std::shared_ptr<Run> run, bool sync);
  Task<void> keep_in_background(std::shared_ptr<Run> run, bool sync);
  Task<void> discard_all(AccountId account, JobId id);
  Task<void> discard_generation(AccountId account, JobId id, int file, int generation);
  Task<void> ticks();
  /// Writes renewed tokens into the job's sealed secrets, then says so.
  Task<void> keep_tokens(std::shared_ptr<Run> run, RenewedTokens tokens,
                         std::function<void(Result<void>)> kept);
  void give_up_if_slow(Run& run);
  void tell_pace(JobId id, std::optional<std::uint64_t> bytes_per_s);
  Pacing::Now pacing_now() const;
  void response(Run& run, const ResponseFacts& facts);
  void progress(Run& run, std::uint64_t received_bytes, std::uint64_t bytes_per_s);
  void checkpoint_if_due(Run& run);
  void count_traffic(Run& run, std::uint64_t reached);  ///< the file is here up to this byte

  // room.cpp
  struct Wish {
    std::optional<std::uint64_t> need;  ///< what is missing of the file, if that is known
    bool all = false;                   ///< its share did not suffice
    std::uint64_t begun_bytes = 0;      ///< of it that are here
  };
  /// What `run` (none: nobody yet) may have beside all others, promised to it if it is enough. Deleted files
  /// make room.
  Task<Result<Grant>> left_for(AccountId account, Wish wish, std::shared_ptr<Run> run);
  Task<Result<Grant>> left_now(AccountId account, Wish wish, std::shared_ptr<Run> run);
  /// Before a transfer; `size`: of the whole content, if the document says it. Errors: disk-full, quota,
  /// storage; transient.
  Task<Result<Grant>> make_room(std::shared_ptr<Run> run, std::optional<std::uint64_t> size);
  /// Of the bytes just written, those that eat into the reserve: the store needs it.
  Task<std::uint64_t> to_be_cut(AccountId account, std::uint64_t written_bytes);
  /// Stops what runs when room is used up by others than ourselves.
  void watch_room();
  Task<void> see_room();
  static std::uint64_t unwritten(const Run& run);

  Context& context_;
  Ledger& ledger_;
  Events& events_;
  RateLog rates_;
  Pacing pacing_;
  TaskGroup tasks_;
  std::map<JobId, std::shared_ptr<Run>> runs_;
  Signal ended_;
  bool stopping_ = false;
  bool ticking_ = false;
  std::uint64_t promises_made_ = 0;
  bool watching_room_ = false;
  std::chrono::steady_clock::time_point room_seen_at_{};
};

}  // namespace restante::jobs
