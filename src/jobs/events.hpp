// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/context.hpp"
#include "jobs/views.hpp"

#include <memory>
#include <optional>
#include <string>

namespace restante::jobs {

struct EventLimits {
  std::size_t queued_per_watcher = 1000;
  int replayed_at_once = 200;  ///< rows read from the store in one go
  int watchers = 1000;
  Millis progress_every{500};  ///< for one job
};

/// Tells those who watch what happens. Control loop.
class Events {
public:
  explicit Events(Context& context, EventLimits limits = {});
  ~Events();

  /// A stored change.
  void changed(const Job& job, const HistoryRow& row, const std::optional<Amounts>& amounts);
  /// Accepted just now: the first row, which is not stored and has no number.
  void accepted(const Job& job);
  void progress(const Job& job, const Live& live, std::optional<std::uint64_t> size_bytes);
  /// Its record was erased.
  void gone(AccountId account, JobId job);
  /// So many were accepted at once that they are not told one by one: those who watch read the list.
  void many(AccountId account);
  void file_done(const Job& job, const Published& published);
  /// Names or contents in the account's area.
  void files_changed(AccountId account);

  Result<std::unique_ptr<Subscription>> subscribe(AccountId account, std::optional<JobId> job,
                                                  std::optional<std::int64_t> after_seq);
  bool watched() const;
  /// Every watcher's next() answers busy from now on.
  void close();
  const EventLimits& limits() const { return limits_; }

  struct Hub;

private:
  void send(Event event);

  Context& context_;
  EventLimits limits_;
  std::shared_ptr<Hub> hub_;
};

}  // namespace restante::jobs
