// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ledger.hpp"

#include <functional>
#include <memory>
#include <set>

namespace restante::jobs {

/// What a first answer tells of a download.
Probe probe_of(const ResponseFacts& facts);

/// What asks for the headers of one file of a document, from its first source.
TransferOrder look_order(const Context& context, AccountId account, JobId job,
                         const proxy::Document& document, std::size_t index);

/// Keeps what was heard before the body.
class HeadersEar final : public TransferObserver {
public:
  using Heard = std::shared_ptr<std::optional<ResponseFacts>>;
  explicit HeadersEar(Heard heard) : heard_(std::move(heard)) {}
  void on_response(const ResponseFacts& facts) override { *heard_ = facts; }
  void on_progress(std::uint64_t, std::uint64_t) override {}

private:
  Heard heard_;
};

/// Whether a refused look ends the job there and then: what the guard refuses is refused at any time; what a
/// content server refuses for good only counts if nobody asked for a later start, since it may exist then.
bool refusal_ends_job(Reason reason, bool transient, std::optional<Instant> start, Instant now);

/// Looks first: asks the content server once, headers only, while the person is still there. Control loop.
class Looking {
public:
  Looking(Context& context, Ledger& ledger);

  /// Begins to look at a job that does not start at once; left out when too many wait already.
  void begin(Job job);
  bool looks(JobId id) const { return under_way_.contains(id); }
  Task<void> stop();

  /// Called when a look has ended; `discard`: the job failed by it.
  std::function<void(JobId)> on_news;

private:
  Task<void> look(Job job);
  Task<TransferResult> ask(const Job& job, const proxy::Document& document,
                           std::optional<ResponseFacts>& facts);
  Task<Result<void>> note(JobId id, Probe probe, std::optional<Trouble> ends);

  Context& context_;
  Ledger& ledger_;
  TaskGroup tasks_;
  std::set<JobId> under_way_;
};

}  // namespace restante::jobs
