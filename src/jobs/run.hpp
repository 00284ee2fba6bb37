// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/runner.hpp"
#include "jobs/stretches.hpp"

#include <algorithm>
#include <chrono>

namespace restante::jobs {

using Steady = std::chrono::steady_clock;

/// The length of an open file; 0 if that cannot be known.
std::uint64_t length_of(int fd);

/// Those that the source names, in its order, or all of the document's if it names none.
std::vector<proxy::Credential> credentials_for(const proxy::Document& document, const proxy::Source& source);

/// One job under way, and the ear of its transfer.
struct Runner::Run final : TransferObserver, std::enable_shared_from_this<Run> {
  Run(Runner& runner, Executor loop, Job what) : owner(runner), job(std::move(what)), saved(loop) {}

  void on_response(const ResponseFacts& heard) override { owner.response(*this, heard); }
  void on_pieces(const PieceReport& report) override {
    if (add(pieces, report)) unsaved_piece = std::min(unsaved_piece, report.first);
  }
  void on_apart(const std::vector<SpanReport>& spans) override { take_report(apart, spans); }
  void on_held_back() override { held_back = true; }
  void on_progress(std::uint64_t received_bytes, std::uint64_t bytes_per_s) override {
    owner.progress(*this, received_bytes, bytes_per_s);
  }

  void on_renewed(const RenewedTokens& renewed, std::function<void(Result<void>)> kept) override {
    owner.tasks_.spawn(owner.keep_tokens(shared_from_this(), renewed, std::move(kept)));
  }

  Runner& owner;
  Job job;
  std::stop_source stop;
  bool discard = false;
  bool done = false;           ///< stored as done
  std::optional<Error> broke;  ///< why it was stopped by the runner itself

  std::optional<std::uint64_t> own_rate;      ///< its limit, as it was last changed
  bool held_back = false;                     ///< by its pace, since the last progress
  std::optional<Steady::time_point> fast_at;  ///< when it was last not too slow; none: no answer yet

  FileRow row;                    ///< of the file under way
  std::uint64_t offset = 0;       ///< where its transfer began
  std::uint64_t begun_bytes = 0;  ///< that were here by then, wherever they lay
  bool tells_holes = false;       ///< its partial file; see base/sparse_file.hpp
  UniqueFd for_worker, sync;      ///< its partial file, opened twice
  std::optional<ResponseFacts> facts;
  std::uint64_t promised_end = 0;     ///< the partial file may grow up to here; 0: no transfer
  std::uint64_t promise_number = 0;   ///< another one for each promise
  bool shared = false;                ///< it came to the end of its share; more room was to be had
  bool wants_all = false;             ///< its share did not suffice
  bool data_lost = false;             ///< a sync of the partial file failed
  Pieces pieces;                      ///< digests of the partial file's beginning
  std::vector<Stretch> apart;         ///< what lies behind that
  std::uint64_t unsaved_piece = 0;    ///< the first one that is not stored as it is
  std::uint64_t done_bytes = 0;       ///< of the job's published files
  Live live;                          ///< of the file under way, wherever it lies
  std::uint64_t beginning = 0;        ///< of it, without gaps
  std::uint64_t synced_bytes = 0;     ///< of it, wherever they lie
  std::uint64_t counted_bytes = 0;    ///< of it, as the account's traffic
  std::vector<RenewedTokens> tokens;  ///< renewed since the document was opened

  /// The partial of an earlier generation, kept until this one is longer (M12).
  struct Old {
    int generation = 0;
    std::uint64_t size_bytes = 0;
  };
  std::optional<Old> old;

  Steady::time_point synced_at{}, told_at{};
  bool saving = false;
  Signal saved;
};

}  // namespace restante::jobs
