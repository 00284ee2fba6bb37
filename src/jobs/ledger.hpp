// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/context.hpp"
#include "jobs/step.hpp"
#include "jobs/views.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace restante::jobs {

class Events;

/// A decision that has been written down.
struct Applied {
  Job job;  ///< as it is now
  Step step;
  std::vector<HistoryRow> rows;
  std::optional<Amounts> amounts{};  ///< if they were wanted
  std::optional<Job> next{};         ///< the next occurrence, made with it
  /// Of a job that begins to run; none: they are to be read.
  std::optional<std::vector<FileRow>> files{};
};

/// What the place demands of every job, for decisions inside a transaction.
struct Rules {
  RetryRules retry;
  int default_attempts = 20;
  std::string zone;
  Witness* witness = nullptr;     ///< outlives the transaction
  bool amounts = false;           ///< Applied::amounts is wanted
  const Vault* vault = nullptr;   ///< for secrets of the next occurrence; outlives the transaction
  std::size_t early_cancels = 0;  ///< of one account: cancelled before they came, and remembered
};

/// Found in the store without a document: its record was damaged there. It ends as failed.
bool is_damaged(const Job& found);

Rules rules_of(const Context& context);
Terms terms_of(const proxy::Document& document, const Rules& rules);

/// Reads the job, decides, and writes job, files and history in the caller's transaction. `owner`: another
/// account's job is not found. Errors: not-found, conflict (the state forbids it), storage, disk-full, and
/// what makes a stored document unreadable.
Result<Applied> apply_in(Tx& tx, JobId id, std::optional<AccountId> owner, const JobEvent& what,
                         const std::optional<FileRow>& file, const Rules& rules, Instant now);

/// Writes decisions down and tells them: store first, then act. Control loop; outlived by nobody that uses
/// it.
class Ledger {
public:
  /// A job was made that nobody asked for just now: the next occurrence. It is to be planned.
  std::function<void(const Job&)> on_made;

  Ledger(Context& context, Events& events) : context_(context), events_(events) {}

  /// See apply_in; `file` is saved with it. Durable and told when it returns.
  Task<Result<Applied>> apply(JobId id, std::optional<AccountId> owner, JobEvent what,
                              std::optional<FileRow> file = std::nullopt,
                              Database::Commit commit = Database::Commit::at_once);
  /// The same for many, in one transaction; what cannot be decided is left as it is. Errors: storage,
  /// disk-full.
  Task<Result<std::vector<Applied>>> apply_all(std::vector<JobId> ids, JobEvent what);
  Task<Result<void>> save_file(JobId id, FileRow file);
  /// With digests of its partial file.
  Task<Result<void>> save_file(JobId id, FileRow file, PieceReport pieces);
  Task<Result<Pieces>> pieces(JobId id, int file, int generation);
  Task<void> erase_pieces(JobId id, int file, int generation);
  Task<Result<Job>> find(JobId id);

  /// For Shelf::publish and Shelf::recover. `told`: what was written, to be told by `tell` once it is
  /// durable.
  PublishCommit publish_commit(std::shared_ptr<std::vector<Applied>> told);
  void tell(const Applied& applied);
  /// With what those who watch have to be told.
  Rules rules() const;

private:
  Context& context_;
  Events& events_;
};

}  // namespace restante::jobs
