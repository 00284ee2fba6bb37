// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/acceptance.hpp"
#include "jobs/replay_records.hpp"

// Exactly once (FORMATS.md §1.6): a document may come again over any channel as long as it can be handed in.
// While its job or series is there, that row is the memory; here is what takes over when the row goes.
namespace restante::jobs {

/// Until when a document with this `exp` (seconds since 1970) is remembered.
Instant remembered_until(std::int64_t exp);

/// To be called in the transaction that erases a job which has ended, before it does: remembers its document,
/// and that of the series if it was its last. Errors: storage, disk-full.
Result<void> remember_ended(Tx& tx, const Job& job, const std::optional<Series>& series, Instant now);

/// A document that was cancelled here before it came must not run when it does. Errors: busy (too many of
/// that account), storage, disk-full.
Result<void> remember_cancelled(Tx& tx, const Prepared& cancel, const Rules& rules, Instant now);

/// What is known of a document that has no job: the job as it was, for the very same document; nullopt if
/// nothing is known. Errors: conflict (it was another document with that id, or it is cancelled), storage.
Result<std::optional<Job>> recall(Tx& tx, const Job& asked);

}  // namespace restante::jobs
