// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ledger.hpp"
#include "jobs/service.hpp"

namespace restante::jobs {

/// The document with the change in it, judged by the parser like a new one. Errors: invalid and the others of
/// proxy::parse, with a pointer.
Result<proxy::Document> edited(proxy::Document document, const Change& change);

/// Another source is to go on with what is here of the file.
void relink(FileRow& row);

/// Writes the change in the caller's transaction. Errors: not-found, conflict (it has ended), precondition
/// (`if_version` is not the job's), those of edited(), storage, disk-full.
Result<Applied> change_in(Tx& tx, JobId id, AccountId owner, const Change& change, std::int64_t if_version,
                          const Rules& rules, Instant now);

}  // namespace restante::jobs
