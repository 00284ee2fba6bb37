// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/model.hpp"

#include <cstdint>
#include <optional>

namespace restante::jobs {

/// What is remembered of a document whose job (or series) is not here any more, or that was cancelled before
/// it came (FORMATS.md §1.6). As long as there is a job, its row is the memory.
struct Replay {
  JobId id;  ///< job_id of the document
  AccountId account;
  std::int64_t rev = 0;
  Digest256 document_digest{};     ///< of the core bytes: decides replay or conflict
  State state = State::cancelled;  ///< in which the job was
  Instant created{};               ///< when the job was made
  Instant until{};                 ///< nobody can hand it in again
};

/// Where that is kept; a view over one Tx, implemented by src/store. Errors of every method: storage,
/// disk-full.
class ReplayRecords {
public:
  virtual ~ReplayRecords() = default;

  /// Of a damaged row only `id` and `account` are right; its digest is that of no document.
  virtual Result<std::optional<Replay>> find(JobId id) = 0;
  /// Makes it or writes all of it.
  virtual Result<void> save(const Replay& replay) = 0;
  /// How many cancelled ones an account has; counting ends at `at_most`.
  virtual Result<std::size_t> count_cancelled(AccountId account, std::size_t at_most) = 0;
  /// Those whose `until` lies before `now`, at most `limit`; how many there were.
  virtual Result<std::size_t> forget(Instant now, std::size_t limit) = 0;
};

}  // namespace restante::jobs
