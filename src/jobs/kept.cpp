// SPDX-License-Identifier: Apache-2.0
// What of a partial file is still what came: its pieces are looked at before anything is trusted.
#include "base/log.hpp"
#include "jobs/resume.hpp"
#include "jobs/run.hpp"

#include <algorithm>

namespace restante::jobs {
namespace {

/// Hashed at a time (256 MiB): in between a stop is heard.
constexpr std::uint64_t pieces_at_once = 64;

/// So many of the last ones are looked at in the machine run in which they were written.
constexpr std::uint64_t pieces_of_tail = 2;

}  // namespace

/// Up to where the pieces from `first` on are as they were saved. Ends early when the run is stopped.
Task<Result<std::uint64_t>> Runner::agreeing(std::shared_ptr<Run> run, Pieces saved, std::uint64_t first,
                                             std::uint64_t end_bytes) {
  while (first * piece_bytes < end_bytes && !run->stop.stop_requested()) {
    const std::uint64_t end = std::min(end_bytes, (first + pieces_at_once) * piece_bytes);
    auto found = co_await context_.shelf.hash_pieces(run->sync.get(), first, end);
    if (!found) co_return fail(std::move(found.error()));
    const std::uint64_t differs = first_difference(saved, *found);
    const std::uint64_t good = differs * piece_bytes;
    if (differs < pieces_in(end)) co_return good;
    first = pieces_in(end);
  }
  co_return end_bytes;
}

Task<Result<std::uint64_t>> Runner::kept_of(std::shared_ptr<Run> run, FileRow& row, const FileTerms& terms,
                                            std::uint64_t length) {
  const DigestGiven digest = terms.digest.empty() ? DigestGiven::no : DigestGiven::yes;
  std::uint64_t kept = resume_offset(row.checkpoint, length, context_.boot_id, digest);
  run->pieces = {};
  run->unsaved_piece = 0;
  if (kept == 0) co_return kept;
  auto saved = co_await ledger_.pieces(run->job.id, row.index, row.generation);
  if (!saved) co_return fail(std::move(saved.error()));

  // A short last piece can only be compared up to its end.
  const std::uint64_t known = kept >= saved->end_bytes ? saved->end_bytes : kept / piece_bytes * piece_bytes;
  const bool same_run = !context_.boot_id.empty() && row.checkpoint.boot_id == context_.boot_id;
  const std::uint64_t tail = pieces_in(known) - std::min(pieces_in(known), pieces_of_tail);
  auto good = co_await agreeing(run, *saved, same_run ? tail : 0, known);
  if (good && *good < known && same_run) good = co_await agreeing(run, *saved, 0, known);
  if (!good) co_return good;
  if (*good < known) {
    log::warn("job {}: piece {} of its partial file is not as it was written; it is fetched again from there",
              run->job.id.text(), *good / piece_bytes);
    kept = *good;
  } else if (!same_run) {
    kept = known;
  }
  if (kept == 0 || run->stop.stop_requested()) co_return kept;
  if (kept < length) {
    row.wasted_bytes += length - kept;
    cut_to(run->sync.get(), kept);
    if (length_of(run->sync.get()) > kept) co_return fail(Reason::storage, "a partial file cannot be cut");
  }
  row.checkpoint.synced_bytes = std::min(row.checkpoint.synced_bytes, kept);
  row.checkpoint.boot_id = context_.boot_id;  // every byte that is there now is a good one
  cut_pieces(*saved, kept);
  run->pieces = std::move(*saved);
  // What was written after the last checkpoint has no digests yet.
  for (std::uint64_t first = run->pieces.end_bytes / piece_bytes;
       run->pieces.end_bytes < kept && !run->stop.stop_requested(); first += pieces_at_once) {
    const std::uint64_t end = std::min(kept, (first + pieces_at_once) * piece_bytes);
    auto found = co_await context_.shelf.hash_pieces(run->sync.get(), first, end);
    if (!found) co_return fail(std::move(found.error()));
    if (!add(run->pieces, *found) || found->end_bytes < end) break;
  }
  run->unsaved_piece = run->pieces.end_bytes / piece_bytes;
  if (kept > known) run->unsaved_piece = known / piece_bytes;
  co_return kept;
}

}  // namespace restante::jobs
