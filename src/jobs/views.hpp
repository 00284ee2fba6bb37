// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"
#include "jobs/records.hpp"
#include "jobs/service.hpp"

#include <optional>
#include <vector>

/// What people see of a job, made of what is stored; plain functions.
namespace restante::jobs {

/// `files`: rows as they are stored, or as fill_files left them.
Amounts amounts_of(const Job& job, const std::vector<FileRow>& files);

/// Without sources and checks.
Asked asked_of(const proxy::Document& document);
/// Sources and checks; `files` as fill_files left them. Only of a job that is `running` is a source in use.
void add_details(Asked& asked, const proxy::Document& document, const std::vector<FileRow>& files,
                 bool running);

/// How much is missing of all files, if that can be known.
std::optional<std::uint64_t> missing_of(const std::vector<FileRow>& files);

/// One row for each file of the document, with what is known of those that have none; the answer is
/// missing_of them. `shelf`: with their names; none: without.
std::optional<std::uint64_t> fill_files(JobView& view, const proxy::Document& document, const Shelf* shelf);

/// Whether it will be in time. `remaining`: see fill_files.
void set_plan(JobView& view, std::optional<std::uint64_t> remaining_bytes, const std::string& place_zone,
              Instant now);

/// A page of a list, but for what happens right now: without Live. Errors: storage, invalid (the cursor).
Result<JobViews> read_views(Tx& tx, AccountId account, const JobFilter& filter, const std::string& place_zone,
                            Instant now);

}  // namespace restante::jobs
