// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ledger.hpp"
#include "jobs/records.hpp"
#include "jobs/service.hpp"

namespace restante::jobs {

/// DESIGN.md §6: the first half of SHA-256("restante-job\0" jkt "\0" proxy-id).
JobId job_id(const DeviceId& device, std::string_view proxy_id);

/// What a download is called before its content is known: title, wanted name, or the last segment of its URL.
std::string shown_name(const proxy::Document& document);

/// A submission that stood every check, as the job that it makes.
struct Prepared {
  Job job;
  bool cancels = false;  ///< `op` is cancel
  bool probe = true;
};

/// Errors: cap-denied, scheme and invalid (proxy/policy.hpp), deadline (`exp` has passed).
Result<Prepared> prepare(Submission submission, const Rules& rules, const Vault& vault, Instant now);

/// What became of it in the store.
struct Settled {
  bool replayed = false;
  bool fresh = false;              ///< a new job: `prepared.job` is what was stored
  std::optional<Applied> applied;  ///< cancelled or replaced
  std::optional<Job> existing;     ///< replayed
};

/// Inserts it; or finds it replayed, replaces or cancels what is there. Errors: conflict, not-found (nothing
/// to cancel), storage, disk-full.
Result<Settled> settle(Tx& tx, const Prepared& prepared, const Rules& rules, Instant now);

}  // namespace restante::jobs
