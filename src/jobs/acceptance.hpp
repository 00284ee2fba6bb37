// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ledger.hpp"
#include "jobs/records.hpp"
#include "jobs/series_records.hpp"
#include "jobs/service.hpp"

namespace restante::jobs {

/// DESIGN.md §6: the first half of SHA-256("restante-job\0" jkt "\0" proxy-id).
JobId job_id(const DeviceId& device, std::string_view proxy_id);

/// What a download is called before its content is known: title, wanted name, or the last segment of its URL.
std::string shown_name(const proxy::Document& document);

/// A submission that stood every check, as the job that it makes.
struct Prepared {
  Job job;
  /// Of a document that repeats; then `job` stands for all of it until it is settled.
  std::optional<Series> series;
  bool cancels = false;  ///< `op` is cancel
  Instant remembered_until{};
  bool probe = true;
};

/// Errors: cap-denied, scheme and invalid (proxy/policy.hpp; a repetition that never comes), deadline (`exp`
/// has passed).
Result<Prepared> prepare(Submission submission, const Rules& rules, const Vault& vault, Instant now);

/// What became of it in the store.
struct Settled {
  bool replayed = false;
  bool fresh = false;              ///< a new job
  std::optional<Job> made;         ///< fresh: the first occurrence; none: `prepared.job` is what was stored
  std::optional<Job> next;         ///< fresh: the occurrence after it, if the first is due already
  std::optional<JobId> gone;       ///< fresh: the occurrence that gave way to it
  std::optional<Applied> applied;  ///< cancelled or replaced
  std::vector<Applied> also;       ///< other occurrences that were cancelled
  std::optional<Job> existing;     ///< replayed
  std::optional<Error> refused;    ///< nothing of the above; but the store has kept that it came
};

/// Inserts it; or finds it replayed, replaces or cancels what is there. Errors: conflict, busy (too many
/// cancellations of what never came), storage, disk-full. Nothing to cancel: `refused` is not-found.
Result<Settled> settle(Tx& tx, const Prepared& prepared, const Rules& rules, Instant now);

}  // namespace restante::jobs
