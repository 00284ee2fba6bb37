// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/model.hpp"

#include <optional>
#include <string>

namespace restante::jobs {

/// A document that repeats, and how far it has come.
struct Series {
  JobId id;  ///< job_id of the document, without an occurrence
  AccountId account;
  DeviceId device;
  std::int64_t rev = 0;
  Digest256 document_digest{};  ///< of the accepted core bytes: decides replay or conflict
  Instant start{};              ///< DTSTART, whole seconds
  Instant last{};               ///< the newest occurrence that was made
  JobId head;                   ///< its job
  std::optional<JobId> before;  ///< the job of the one before
  bool over = false;            ///< nothing comes after the head
  std::string document;         ///< bare core without secrets, as edited; its times are those of `start`
  std::string secrets;          ///< `access` and `pay`, encrypted under `id`; empty: none
};

/// Where series are kept; a view over one Tx, implemented by src/store. Errors of every method: storage,
/// disk-full.
class SeriesRecords {
public:
  virtual ~SeriesRecords() = default;

  /// nullopt also for one whose record is damaged: it does not go on.
  virtual Result<std::optional<Series>> find(JobId id) = 0;
  virtual Result<std::optional<Series>> find_by_head(JobId head) = 0;
  /// Whether there is one of that id.
  virtual Result<bool> has(JobId id) = 0;
  /// Makes it or writes all of it.
  virtual Result<void> save(const Series& series) = 0;
  virtual Result<void> erase(JobId id) = 0;
};

}  // namespace restante::jobs
