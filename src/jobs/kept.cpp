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

/// Up to where the pieces from `first` on, counted from `base`, are as they were saved. Ends early when the
/// run is stopped.
Task<Result<std::uint64_t>> Runner::agreeing(std::shared_ptr<Run> run, std::uint64_t base, Pieces saved,
                                             std::uint64_t first, std::uint64_t end_bytes) {
  while (first * piece_bytes < end_bytes && !run->stop.stop_requested()) {
    const std::uint64_t end = std::min(end_bytes, (first + pieces_at_once) * piece_bytes);
    auto found = co_await context_.shelf.hash_pieces(run->sync.get(), base, first, end);
    if (!found) co_return fail(std::move(found.error()));
    const std::uint64_t differs = first_difference(saved, *found);
    const std::uint64_t good = differs * piece_bytes;
    if (differs < pieces_in(end)) co_return good;
    first = pieces_in(end);
  }
  co_return end_bytes;
}

/// Adds the digests of what follows, up to `end_bytes` from `base` on.
Task<Result<void>> Runner::hash_rest(std::shared_ptr<Run> run, std::uint64_t base, Pieces& pieces,
                                     std::uint64_t end_bytes) {
  for (std::uint64_t first = pieces.end_bytes / piece_bytes;
       pieces.end_bytes < end_bytes && !run->stop.stop_requested(); first += pieces_at_once) {
    const std::uint64_t end = std::min(end_bytes, (first + pieces_at_once) * piece_bytes);
    auto found = co_await context_.shelf.hash_pieces(run->sync.get(), base, first, end);
    if (!found) co_return fail(std::move(found.error()));
    if (!add(pieces, *found) || found->end_bytes < end) break;
  }
  co_return Result<void>();
}

Task<Result<Runner::StillGood>> Runner::still_good(std::shared_ptr<Run> run, std::uint64_t base, Pieces saved,
                                                   std::uint64_t length, bool same_run) {
  StillGood out;
  out.bytes = length;
  // A short last piece can only be compared up to its end.
  out.known = length >= saved.end_bytes ? saved.end_bytes : length / piece_bytes * piece_bytes;
  const std::uint64_t tail = pieces_in(out.known) - std::min(pieces_in(out.known), pieces_of_tail);
  auto good = co_await agreeing(run, base, saved, same_run ? tail : 0, out.known);
  if (good && *good < out.known && same_run) good = co_await agreeing(run, base, saved, 0, out.known);
  if (!good) co_return fail(std::move(good.error()));
  if (*good < out.known) {
    log::warn("job {}: piece {} of its partial file is not as it was written; it is fetched again from there",
              run->job.id.text(), (base + *good) / piece_bytes);
    out.bytes = *good;
  } else if (!same_run) {
    out.bytes = out.known;
  }
  cut_pieces(saved, out.bytes);
  out.pieces = std::move(saved);
  co_return out;
}

/// What lies behind the beginning and is good: by the file itself in the machine run in which it was written,
/// else by what was stored.
Task<Result<std::vector<Stretch>>> Runner::stretches_of(std::shared_ptr<Run> run, const FileRow& row,
                                                        const FileLayout& layout, bool same_run) {
  const std::vector<Stretch>& saved = row.checkpoint.apart;
  std::vector<Stretch> out;
  for (const Span& place : same_run ? layout.apart : places_of(saved)) {
    Stretch stretch;
    stretch.begin = place.begin;
    for (const Stretch& known : saved) {
      const bool goes_on = known.begin >= place.begin && known.begin == stretch.end();
      if (!goes_on || known.begin >= place.end) continue;
      const std::uint64_t length = std::min(known.end(), place.end) - known.begin;
      auto good = co_await still_good(run, known.begin, known.pieces, length, same_run);
      if (!good) co_return fail(std::move(good.error()));
      if (known.begin == place.begin) stretch.pieces = std::move(good->pieces);
      const std::uint64_t end = known.begin + good->bytes - place.begin;
      if (auto done = co_await hash_rest(run, place.begin, stretch.pieces, end); !done)
        co_return fail(std::move(done.error()));
    }
    if (same_run)
      if (auto done = co_await hash_rest(run, place.begin, stretch.pieces, place.bytes()); !done)
        co_return fail(std::move(done.error()));
    if (stretch.pieces.end_bytes > 0) out.push_back(std::move(stretch));
  }
  co_return out;
}

Task<Result<std::uint64_t>> Runner::kept_of(std::shared_ptr<Run> run, FileRow& row, const FileTerms& terms,
                                            const FileLayout& layout) {
  const DigestGiven digest = terms.digest.empty() ? DigestGiven::no : DigestGiven::yes;
  const bool same_run = !context_.boot_id.empty() && row.checkpoint.boot_id == context_.boot_id;
  // What was synced is known by its digests, whatever the file says of its holes.
  const std::uint64_t length = same_run ? layout.beginning : length_of(run->sync.get());
  const std::uint64_t kept = resume_offset(row.checkpoint, length, context_.boot_id, digest);
  run->pieces = {};
  run->apart.clear();
  run->unsaved_piece = 0;
  if (kept == 0) co_return kept;
  auto saved = co_await ledger_.pieces(run->job.id, row.index, row.generation);
  if (!saved) co_return fail(std::move(saved.error()));

  auto good = co_await still_good(run, 0, std::move(*saved), kept, same_run);
  if (!good) co_return fail(std::move(good.error()));
  if (good->bytes == 0 || run->stop.stop_requested()) co_return good->bytes;
  auto apart = co_await stretches_of(run, row, layout, same_run);
  if (!apart) co_return fail(std::move(apart.error()));
  if (run->stop.stop_requested()) co_return good->bytes;
  std::vector<Span> places = places_of(*apart);
  if (layout.sparse || good->bytes < layout.beginning)
    if (auto done = keep_only(run->sync.get(), good->bytes, places); !done)
      co_return fail(std::move(done.error()));
  if (!places.empty()) run->apart = std::move(*apart);
  const std::uint64_t held = good->bytes + bytes_of(run->apart);
  row.wasted_bytes += layout.held_bytes() - std::min(layout.held_bytes(), held);
  row.checkpoint.synced_bytes = std::min(row.checkpoint.synced_bytes, good->bytes);
  row.checkpoint.apart = still_synced(row.checkpoint.apart, run->apart);
  row.checkpoint.boot_id = context_.boot_id;  // every byte that is there now is a good one
  run->pieces = std::move(good->pieces);
  // What was written after the last checkpoint has no digests yet.
  if (auto done = co_await hash_rest(run, 0, run->pieces, good->bytes); !done)
    co_return fail(std::move(done.error()));
  run->unsaved_piece = std::min(good->bytes, good->known) / piece_bytes;
  co_return good->bytes;
}

}  // namespace restante::jobs
