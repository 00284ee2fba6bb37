// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/wall_timer.hpp"
#include "jobs/ledger.hpp"
#include "jobs/rests.hpp"
#include "jobs/runner.hpp"
#include "jobs/turns.hpp"

#include <deque>
#include <map>
#include <queue>
#include <set>
#include <string>
#include <vector>

namespace restante::jobs {

/// Wakes jobs at their time and gives them their turn (patent: scheduler 417). What waits costs an entry in a
/// heap, 32 bytes; the job itself is read again when its time has come. Lives on the control loop.
class Scheduler {
public:
  Scheduler(Context& context, Ledger& ledger, Runner& runner, const Rests& rests,
            std::unique_ptr<WallTimer> timer);

  /// Reads what is due within the horizon, then runs until stopped.
  Task<Result<void>> start();
  Task<void> stop();

  /// A job that is to come: looked at when `next_run` comes. Repeating is harmless.
  void plan(const Job& job);

private:
  struct Entry {
    Instant at;
    AccountId account;
    JobId id;
    bool operator>(const Entry& other) const { return at > other.at; }
  };

  Task<void> loop();
  Task<Result<void>> refill(bool everything);
  void push(Entry entry);
  void take_due(Instant now);
  void give_turns();
  /// Those that have waited for their turn long enough to be told so.
  std::vector<JobId> to_be_told();
  Task<void> begin(Turns::Candidate who);
  /// It has its seat.
  Task<void> take_turn(Turns::Candidate who, std::string origin);
  Task<void> alarm(JobId id, Instant at);
  Task<void> run_and_leave(Turns::Candidate who, Applied runs, std::string origin);
  void set_alarm(const Job& job);
  Task<void> told(const Applied& applied);
  void again_soon(AccountId account, JobId id);

  Context& context_;
  Ledger& ledger_;
  Runner& runner_;
  std::unique_ptr<WallTimer> timer_;
  TaskGroup tasks_;
  Turns turns_;
  const Rests& rests_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap_;
  struct PassedOver {
    Instant due;
    JobId id;
  };
  std::deque<PassedOver> passed_over_;   ///< due; told that they wait if they still do a while later
  std::set<JobId> untold_;               ///< those of them that have not begun meanwhile
  std::map<JobId, std::string> seated_;  ///< running, by their seat at an origin
  Instant horizon_{};                    ///< up to here everything is in memory, unless there was too much
  bool more_in_store_ = false;           ///< there was too much: read again when memory is empty
  Instant started_{};
};

}  // namespace restante::jobs
