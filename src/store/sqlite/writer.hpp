// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/sqlite/lane.hpp"
#include "store/sqlite/transaction.hpp"

#include <atomic>
#include <mutex>
#include <vector>

namespace restante::store::sqlite {

/// Whether the store still acknowledges. Once it has stopped it never starts again: what the disk holds after
/// a failed sync is not known until the file is read anew. Any thread.
class Acknowledging {
public:
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  void stop(const Error& cause);  ///< the first cause stays; logged once
  Error error() const;            ///< what every later write is answered

private:
  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;
  std::string cause_;
};

/// Performs writes in groups: each work in a savepoint, one COMMIT for all that wait, results after it.
/// Groups of shared writes alone keep a distance. Lives on the writer's thread; `run` returns when the lane
/// is closed and empty.
class Writer {
public:
  Writer(Connection& connection, Lane& lane, Acknowledging& acknowledging, std::size_t works_per_commit,
         Millis shared_every)
      : connection_(connection),
        tx_(connection),
        lane_(lane),
        acknowledging_(acknowledging),
        works_per_commit_(works_per_commit),
        shared_every_(shared_every) {}

  /// `after_commit` runs after the results of each group were handed out.
  void run(const std::function<void()>& after_commit);
  std::uint64_t commits() const { return commits_.load(std::memory_order_relaxed); }  ///< any thread

private:
  using Group = std::vector<std::unique_ptr<Request>>;

  void perform_group(std::unique_ptr<Request> first);
  bool perform(Request& request);
  void commit(Group& group);
  void give_up(Group& group, const Error& error);

  Connection& connection_;
  SqliteTx tx_;
  Lane& lane_;
  Acknowledging& acknowledging_;
  const std::size_t works_per_commit_;
  const Millis shared_every_;
  std::atomic<std::uint64_t> commits_{0};

  Sql begin_{"BEGIN IMMEDIATE"};
  Sql commit_{"COMMIT"};
  Sql rollback_{"ROLLBACK"};
  Sql savepoint_{"SAVEPOINT work"};
  Sql release_{"RELEASE work"};
  Sql rollback_to_{"ROLLBACK TO work"};
};

/// Performs reads on a read-only connection: all that wait see one snapshot, which is newer than each of
/// them. Lives on the reader's thread.
void run_reads(Connection& connection, Lane& lane);

}  // namespace restante::store::sqlite
