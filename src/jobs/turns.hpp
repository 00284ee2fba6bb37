// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace restante::jobs {

struct TurnLimits {
  int running_at_once = 32;
  int running_per_account = 16;
  int running_per_origin = 6;
  /// At this origin, if it is less; may be empty.
  std::function<std::optional<int>(const std::string& origin)> most_at{};
};

/// Who may run next: round-robin between accounts, within the limits. Which content server a job needs is
/// known only once it has been read, so a candidate is drawn first, and then seated or set aside until that
/// origin has room. A waiting job costs its id. Plain values; stale ids do no harm, since the caller reads
/// each job again.
class Turns {
public:
  explicit Turns(TurnLimits limits) : limits_(limits) {}

  void add(AccountId account, JobId job);

  struct Candidate {
    AccountId account;
    JobId job;
    std::string origin{};  ///< where it holds a seat already: it was set aside for that one
  };
  /// The next one whose account has room, no longer in line; none if nobody can run. It holds a seat at the
  /// server and its account until it is declined, set aside or leaves. One that was set aside holds the seat
  /// that has become free, too: so many are drawn as there are seats, and no more.
  std::optional<Candidate> draw();

  /// It need not run after all.
  void decline(const Candidate& who);
  /// Takes a seat at the origin; false: the origin is full, and it was set aside until a seat there is free.
  bool seat(const Candidate& who, const std::string& origin);
  /// A seated one needs its origin no more, but goes on.
  void leave_origin(const std::string& origin);
  /// A seated one goes on at another origin. It is counted there even if that is full: who follows waits.
  void move(const std::string& from, const std::string& to);
  /// A seated one, whose seat at its origin is free already, has finished.
  void leave(const Candidate& who) { give_back(who.account); }
  /// A seated one has finished.
  void leave(const Candidate& who, const std::string& origin);

  int running() const { return running_; }
  std::size_t waiting() const;

private:
  struct Line {
    std::deque<JobId> ready;
    std::map<std::string, std::deque<JobId>> aside;  ///< by origin
    int running = 0;
    bool idle() const { return ready.empty() && aside.empty() && running == 0; }
  };

  int at_origin(const std::string& origin) const;
  bool full(const std::string& origin) const;
  std::optional<Candidate> first_of(AccountId account, Line& line);
  void give_back(AccountId account);

  TurnLimits limits_;
  int running_ = 0;
  std::map<AccountId, Line> lines_;
  std::map<std::string, int> origins_;
  AccountId last_{};  ///< whose turn it was
};

}  // namespace restante::jobs
