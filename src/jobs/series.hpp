// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ledger.hpp"
#include "jobs/records.hpp"
#include "jobs/series_records.hpp"

#include <optional>

/// Repetition: each occurrence is a job of its own. Of a series that goes on, the newest one (its head) lies
/// ahead: scheduled, or paused or held before its time. In the transaction in which the head ceases to lie
/// ahead, the next one is made, so that there is exactly one of them whenever a crash comes. What is done to
/// an occurrence that has begun (cancelled, failed, erased) does not touch the series.
namespace restante::jobs {

/// Whether the head of a series that is in this state is still to come.
bool lies_ahead(State state);

/// Of the occurrence of a document that repeats; DESIGN.md §6: the occurrence is written as an RFC 3339
/// instant in UTC.
JobId job_id(const DeviceId& device, std::string_view proxy_id, Instant occurrence);

/// The series that an accepted document begins, without a head, and with `last` just before its first
/// occurrence. `secrets`: what is sealed with it, empty for none. Errors: invalid (no rule, or it never
/// comes).
Result<Series> begin_series(const Job& asked, const proxy::Document& document, std::string_view secrets,
                            const Rules& rules, Instant now);

/// Makes the next occurrence after `last` that does not lie behind `after`, as the new head, or ends the
/// series. Writes both; nullopt: there is none any more. Errors: storage, disk-full.
Result<std::optional<Job>> make_next(Tx& tx, Series& series, const Rules& rules, Instant after, Instant now);

/// What a change of a job means for the series that it is the head of, if any: the next occurrence, if one
/// was made. Errors: storage, disk-full.
Result<std::optional<Job>> carry_on(Tx& tx, const Applied& applied, const JobEvent& what, const Rules& rules,
                                    Instant now);

/// The occurrence that people mean: the one under way, else the one to come, else the last.
Result<std::optional<Job>> current_job(Tx& tx, const Series& series);

/// Ends the series, whose secrets are erased, and writes that.
Result<void> end_series(Tx& tx, Series& series);

}  // namespace restante::jobs
