// SPDX-License-Identifier: Apache-2.0
// One attempt of a runner: the transfer with its checkpoints, and publishing.
#include "base/log.hpp"
#include "base/text.hpp"
#include "jobs/resume.hpp"
#include "jobs/run.hpp"
#include "jobs/wanted_name.hpp"
#include "proxy/url.hpp"
#include "proxy/zone.hpp"

#include <algorithm>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace restante::jobs {
namespace {

/// A content that is smaller is fetched again rather than noted down before it is complete (DESIGN.md §6: at
/// most 1 MiB is fetched again).
constexpr std::uint64_t noted_from_bytes = 1 << 20;

/// Partial files of older generations can be left over from crashes; so many are looked for.
constexpr int generations_looked_for = 8;

}  // namespace

std::vector<proxy::Credential> credentials_for(const proxy::Document& document, const proxy::Source& source) {
  if (source.credential_ids.empty()) return document.access;
  std::vector<proxy::Credential> out;
  for (const std::string& id : source.credential_ids)
    for (const auto& credential : document.access)
      if (credential.id == id) out.push_back(credential);
  return out;
}

namespace {

/// Of other sources and what belongs to them, not more is sent along to a worker.
constexpr std::size_t most_other_bytes = 64 * 1024;

std::size_t size_of(const std::vector<proxy::Header>& headers) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : headers) bytes += name.size() + value.size();
  return bytes;
}

std::size_t size_of(const OtherSource& other) {
  std::size_t bytes = other.source.url.size() + size_of(other.source.request.headers);
  for (const proxy::Credential& one : other.credentials) {
    bytes += one.user.size() + one.password.size() + one.token.size() + one.certificate.size() +
             one.key.size() + one.client_secret.size() + one.refresh_token.size() + size_of(one.headers);
    for (const proxy::Cookie& cookie : one.cookies) bytes += cookie.name.size() + cookie.value.size();
  }
  return bytes;
}

/// The sources beside the one in use that may still have it, the best first.
std::vector<OtherSource> others_for(const proxy::Document& document, const proxy::File& file,
                                    const std::vector<int>& order, int in_use, const Tries& tries) {
  std::vector<OtherSource> others;
  std::size_t bytes = 0;
  for (int position = 0; position < static_cast<int>(order.size()); ++position) {
    const bool broken = std::count(tries.broken.begin(), tries.broken.end(), position) > 0;
    if (position == in_use || broken || static_cast<int>(others.size()) + 1 >= most_connections) continue;
    const proxy::Source& source =
        file.sources[static_cast<std::size_t>(order[static_cast<std::size_t>(position)])];
    OtherSource other{source, credentials_for(document, source)};
    bytes += size_of(other);
    if (source.request.method != "GET" || bytes > most_other_bytes) continue;
    others.push_back(std::move(other));
  }
  return others;
}

}  // namespace

std::uint64_t length_of(int fd) {
  struct stat found{};
  return ::fstat(fd, &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

void Runner::response(Run& run, const ResponseFacts& heard) {
  run.facts = heard;
  // Another start than asked for ends as Outcome::restart; what is known of the partial stays as it is.
  if (heard.offset != run.offset) return;
  FileRow& row = run.row;
  if (run.offset == 0) {
    row.checkpoint = begin_checkpoint(heard, context_.boot_id, context_.clock.now());
  } else {
    row.checkpoint = continued(row.checkpoint, heard, run.offset, context_.boot_id, context_.clock.now());
  }
  if (row.name.empty()) row.name = heard.name_hint;
  row.media_type = heard.media_type;
  if (heard.total_bytes) {
    row.size_bytes = heard.total_bytes;
    run.promised_end = std::min(run.promised_end, *heard.total_bytes);
  }
  run.synced_at = Steady::now();
  run.fast_at = Steady::now();
  rates_.begin(run.job.id, run.done_bytes + run.begun_bytes, context_.clock.now());
  if (run.offset > 0 || heard.total_bytes.value_or(noted_from_bytes) >= noted_from_bytes) {
    run.saving = true;
    tasks_.spawn(keep_in_background(run.shared_from_this(), false));
  }
  if (on_news) on_news(run.job.id);
}

void Runner::progress(Run& run, std::uint64_t received_bytes, std::uint64_t bytes_per_s) {
  run.beginning = received_bytes;
  run.live = Live{received_bytes + bytes_of(run.apart), bytes_per_s};
  if (bytes_per_s >= context_.limits.low_speed.value_or(0)) run.fast_at = Steady::now();
  rates_.note(run.job.id, run.done_bytes + run.live.received_bytes, context_.clock.now());
  pacing_.heard(run.job.id, bytes_per_s, std::exchange(run.held_back, false), Steady::now());
  watch_room();
  if (run.old && received_bytes > run.old->size_bytes) {
    tasks_.spawn(discard_generation(run.job.account, run.job.id, run.row.index, run.old->generation));
    run.old.reset();
    run.row.old.reset();
  }
  if (Steady::now() - run.told_at >= events_.limits().progress_every) {
    run.told_at = Steady::now();
    const bool single = run.job.file_count == 1;
    const Live whole{run.done_bytes + run.live.received_bytes, bytes_per_s};
    events_.progress(run.job, whole, single ? run.row.size_bytes : std::nullopt);
  }
  checkpoint_if_due(run);
}

void Runner::checkpoint_if_due(Run& run) {
  const std::uint64_t synced = run.synced_bytes;
  if (run.saving || run.live.received_bytes <= synced || !run.sync) return;
  const bool many = run.live.received_bytes - synced >= context_.limits.sync_every_bytes;
  if (!many && Steady::now() - run.synced_at < context_.limits.sync_every) return;
  run.saving = true;
  tasks_.spawn(keep_in_background(run.shared_from_this(), true));
}

void Runner::count_traffic(Run& run, std::uint64_t reached) {
  if (reached <= run.counted_bytes) return;
  context_.shelf.fetched(run.job.account, reached - run.counted_bytes);
  run.counted_bytes = reached;
}

Task<Result<void>> Runner::keep(std::shared_ptr<Run> run, bool sync) {
  const std::uint64_t reached = std::max(run->beginning, run->pieces.end_bytes);
  auto apart = to_store(run->apart, reached);
  const std::uint64_t held = reached + bytes_of(apart);
  count_traffic(*run, std::max(held, run->live.received_bytes));
  PieceReport pieces = report_from(run->pieces, run->unsaved_piece);
  const std::uint64_t next_unsaved = pieces.end_bytes / piece_bytes;
  if (sync) {
    auto done = co_await context_.shelf.sync_data(run->sync.get());
    if (!done) {
      run->data_lost = true;
      co_return done;
    }
    run->row.checkpoint.synced_bytes = reached;
    run->row.checkpoint.apart = std::move(apart);
    run->synced_bytes = held;
    run->synced_at = Steady::now();
  }
  run->row.checkpoint.written_bytes = std::max(run->row.checkpoint.synced_bytes, reached);
  if (!sync) co_return co_await ledger_.save_file(run->job.id, run->row);
  auto saved = co_await ledger_.save_file(run->job.id, run->row, std::move(pieces));
  if (saved) run->unsaved_piece = next_unsaved;
  co_return saved;
}

Task<void> Runner::keep_in_background(std::shared_ptr<Run> run, bool sync) {
  auto kept = co_await keep(run, sync);
  if (!kept && !run->broke) {
    log::error("job {}: {}", run->job.id.text(), kept.error().message);
    run->broke = kept.error();
    run->stop.request_stop();
  }
  run->saving = false;
  run->saved.notify();
}

void Runner::give_up_if_slow(Run& run) {
  const auto& low = context_.limits.low_speed;
  if (!low || !run.fast_at || run.broke) return;
  const auto pace = pacing_.pace_of(run.job.id);
  if (pace && *pace / 2 < *low) run.fast_at = Steady::now();  // it may not be faster
  if (Steady::now() - *run.fast_at < context_.limits.low_speed_time) return;
  const Checkpoint& checkpoint = run.row.checkpoint;
  const bool goes_on = checkpoint.ranges && !strong_validator(checkpoint).empty();
  if (!goes_on || run.live.received_bytes == 0) return;
  Error error = fail(Reason::timeout, "the content came too slowly; it goes on where it stopped").value();
  error.transient = true;
  run.broke = std::move(error);
  run.stop.request_stop();
}

Task<void> Runner::ticks() {
  while (!runs_.empty()) {
    co_await sleep_for(std::chrono::seconds(1));
    for (const auto& [id, run] : runs_) {
      checkpoint_if_due(*run);
      give_up_if_slow(*run);
    }
    pacing_.tick(pacing_now());
  }
  ticking_ = false;
}

int Runner::connections_for(const Run& run, const proxy::Document& document,
                            const TransferOrder& order) const {
  const int most =
      std::min(context_.limits.connections_per_download, document.limits.parallel.value_or(most_connections));
  const auto parts = proxy::split_url(order.source.url);
  const bool web = parts && (parts->scheme == "http" || parts->scheme == "https");
  const bool small = order.known_size && *order.known_size < noted_from_bytes;
  return run.tells_holes && web && !small ? std::clamp(most, 1, most_connections) : 1;
}

/// After a transfer that did not bring all: what is good stays, and is noted down. Errors: storage.
Task<Result<void>> Runner::keep_what_came(std::shared_ptr<Run> run, const TransferResult& result) {
  // What lay before `offset` was good and stays so; a worker that died may have written more than it said.
  const FileLayout layout = layout_of(run->sync.get(), most_spans);
  const bool died = result.reason == Reason::worker_died;
  std::uint64_t good = layout.beginning;
  // What the beginning has reached and not taken in yet is its all the same.
  const bool more = layout.sparse && result.received_bytes >= run->beginning;
  if (!died && layout.sparse) good = std::max({run->offset, result.received_bytes, more ? good : 0});
  if (!died && !layout.sparse) good = std::min(good, std::max(run->offset, result.received_bytes));
  if (!died) good = absorb(good, run->apart);
  const Reason why = run->broke ? run->broke->reason : result.reason;
  if (why == Reason::disk_full) {
    const std::uint64_t held = good + bytes_of(run->apart);
    std::uint64_t less = co_await to_be_cut(run->job.account, held - std::min(held, run->begun_bytes));
    less = give_up(run->apart, less);
    good -= std::min(less, good - std::min(good, run->offset));
  }
  std::vector<Span> places = places_of(run->apart);
  if (!died || why == Reason::disk_full)
    if (auto done = keep_only(run->sync.get(), good, places); !done) co_return done;
  if (places.empty()) run->apart.clear();
  run->beginning = good;
  cut_pieces(run->pieces, good);
  run->unsaved_piece = std::min(run->unsaved_piece, run->pieces.end_bytes / piece_bytes);
  run->live.received_bytes = good + bytes_of(run->apart);
  Checkpoint& checkpoint = run->row.checkpoint;
  checkpoint.synced_bytes = std::min(checkpoint.synced_bytes, good);
  checkpoint.apart = still_synced(checkpoint.apart, run->apart);
  if (run->data_lost || good == 0) co_return Result<void>();
  co_return co_await keep(run, run->live.received_bytes > checkpoint.synced_bytes + checkpoint.apart_bytes());
}

Task<FileStep> Runner::transfer(std::shared_ptr<Run> run, const proxy::Document& document,
                                const FileTerms& terms, Tries tries, std::uint64_t offset, bool& stopped) {
  const proxy::File& file = document.files[static_cast<std::size_t>(run->row.index)];
  const auto order_of_sources = source_order(file);
  run->row.source %= static_cast<int>(order_of_sources.size());
  run->offset = offset;
  run->beginning = offset;
  run->begun_bytes = offset + bytes_of(run->apart);
  run->synced_bytes = run->begun_bytes;
  run->live = Live{run->begun_bytes, 0};
  run->counted_bytes = run->begun_bytes;
  run->broke.reset();
  run->facts.reset();
  run->fast_at.reset();
  run->data_lost = false;
  TransferResult result;
  const Checkpoint before = run->row.checkpoint;
  if (offset > 0 && before.total_bytes == offset) {
    // Every byte is here; only the end was not noted down any more.
    result.outcome = Outcome::complete;
    result.received_bytes = offset;
  } else {
    run->shared = false;
    auto granted = co_await make_room(run, terms.size_bytes);
    if (!granted) co_return after_error(run->row, std::move(tries), granted.error());
    TransferOrder order;
    order.room_bytes = granted->bytes + (run->begun_bytes - offset);
    order.room_reason = granted->reason;
    order.account = run->job.account;
    order.job = run->job.id;
    order.file = run->row.index;
    order.source =
        file.sources[static_cast<std::size_t>(order_of_sources[static_cast<std::size_t>(run->row.source)])];
    order.credentials = credentials_for(document, order.source);
    for (const RenewedTokens& tokens : run->tokens)
      for (proxy::Credential& credential : order.credentials) apply_tokens(credential, tokens);
    order.allow_lan = context_.accounts.may_use_lan(run->job.account);
    order.out = std::move(run->for_worker);
    order.offset = offset;
    if (offset > 0) {
      order.if_range = strong_validator(before);
      order.last_modified = before.last_modified;
      order.relinked = before.relinked;
    }
    order.known_size = terms.size_bytes ? terms.size_bytes : (offset > 0 ? before.total_bytes : std::nullopt);
    order.max_bytes = terms.max_bytes;
    order.digest_algorithm = terms.algorithm;
    order.digest_hex = terms.digest;
    if (!terms.digest.empty())
      order.others = others_for(document, file, order_of_sources, run->row.source, tries);
    order.allow_empty = terms.allow_empty;
    order.connections = connections_for(*run, document, order);
    order.have = places_of(run->apart);
    order.wanted_name = file.name;
    order.wanted_type = file.media_type;
    const auto& probe = run->job.probe;
    order.seen_type = offset > 0 ? run->row.media_type : probe && !probe->refused ? probe->media_type : "";
    const std::string url = order.source.url;
    const auto parts = proxy::split_url(url);
    run->held_back = false;
    if (on_asks) on_asks(run->job.id, proxy::origin_of(url).value_or(""));
    order.rate_bytes_per_s = pacing_.begin(
        {run->job.id, run->job.account, parts ? ascii_lower(parts->host) : "", run->own_rate}, pacing_now());
    result = co_await context_.transfers.run(std::move(order), *run, run->stop.get_token());
    pacing_.end(run->job.id, pacing_now());
    run->fast_at.reset();
    run->promised_end = 0;
    const std::uint64_t held =
        std::max(result.received_bytes + bytes_of(run->apart), run->live.received_bytes);
    count_traffic(*run, held);
    const std::uint64_t end = run->begun_bytes + granted->bytes;
    const bool at_end = held + noted_from_bytes > end || run->row.size_bytes.value_or(0) > end;
    run->shared = !granted->all && !run->broke && at_end;
    while (run->saving) co_await run->saved.wait();
  }
  if (result.coded_bytes) {
    log::info("job {}: file {} came in {} bytes of {}, {} decoded", run->job.id.text(), run->row.index,
              *result.coded_bytes, result.facts.coding, result.received_bytes);
  }
  if (result.outcome == Outcome::complete || result.outcome == Outcome::unverified) {
    run->live.received_bytes = result.received_bytes;
    run->row.checkpoint.written_bytes = result.received_bytes;
    run->row.checkpoint.boot_id = context_.boot_id;
    run->row.checkpoint.apart.clear();
    run->apart.clear();
    std::vector<Span> none;
    if (length_of(run->sync.get()) > result.received_bytes)
      if (auto cut = keep_only(run->sync.get(), result.received_bytes, none); !cut)
        co_return after_error(run->row, std::move(tries), cut.error());
    if (run->row.name.empty()) run->row.name = result.facts.name_hint;
    if (run->row.media_type.empty()) run->row.media_type = result.facts.media_type;
    co_return after_transfer(run->row, std::move(tries), terms, result, offset);
  }
  if (result.outcome != Outcome::restart) {
    if (auto kept = co_await keep_what_came(run, result); !kept && !run->broke) run->broke = kept.error();
  }
  if (run->broke) {
    FileRow row = run->row;
    // A failed sync is never retried on the same file (DESIGN.md §6): its pages may be gone.
    if (run->data_lost) start_over(row);
    run->stop = std::stop_source();
    co_return after_error(std::move(row), std::move(tries), *run->broke);
  }
  if (result.outcome == Outcome::stopped) {
    stopped = true;
    co_return FileStep{};
  }
  co_return after_transfer(run->row, std::move(tries), terms, result, offset);
}

Task<Runner::Brought> Runner::publish(std::shared_ptr<Run> run, FileRow row, UniqueFd sync) {
  const JobId id = run->job.id;
  if (run->job.file_count == 1 && on_received) on_received(id);
  row.state = FileState::publishing;
  const JobEvent what = event::Received{row.index, false};
  auto applied = co_await ledger_.apply(id, std::nullopt, what, row, Database::Commit::shared);
  if (applied && applied->job.state != State::publishing) co_return Brought{};
  auto document = applied ? proxy::parse(applied->job.document) : proxy::parse(run->job.document);
  Result<Published> published;
  auto told = std::make_shared<std::vector<Applied>>();
  if (!applied) {
    published = fail(std::move(applied.error()));
  } else if (!document) {
    published = fail(std::move(document.error()));
  } else {
    Publication order;
    order.account = run->job.account;
    order.job = id;
    order.file = row.index;
    order.generation = row.generation;
    order.wanted_name = wanted_name(document->files.at(static_cast<std::size_t>(row.index)), row.name);
    if (const auto& occurrence = run->job.occurrence) {
      const std::string& zone = document->when.tz.empty() ? context_.limits.time_zone : document->when.tz;
      order.mark = proxy::local_text(zone, *occurrence).substr(0, std::string_view("YYYY-MM-DD").size());
    }
    order.media_type = row.media_type;
    order.size_bytes = row.size_bytes.value_or(0);
    order.sha256 = row.sha256;
    order.verified = row.verified;
    if (!row.verified) order.flags.emplace_back(info(Reason::complete_unverified).code);
    order.keep = document->keep ? *document->keep : context_.limits.default_keep;
    auto commit = ledger_.publish_commit(told);
    published = co_await context_.shelf.publish(std::move(order), std::move(sync), std::move(commit));
  }
  if (!published) {
    log::error("job {}: publishing: {}", id.text(), published.error().message);
    FileStep next = after_error(std::move(row), Tries{}, published.error());
    co_return Brought{next.next == Next::later ? FileEnd::later : FileEnd::broken, next.trouble, true,
                      next.row};
  }
  events_.file_done(run->job, *published);
  for (const Applied& one : *told) {
    ledger_.tell(one);
    run->done = one.job.state == State::done;
  }
  for (int old = std::max(0, row.generation - generations_looked_for); old < row.generation; ++old)
    co_await discard_generation(run->job.account, id, row.index, old);
  run->old.reset();
  co_return Brought{FileEnd::done};
}

Task<void> Runner::discard_generation(AccountId account, JobId id, int file, int generation) {
  co_await ledger_.erase_pieces(id, file, generation);
  auto done = co_await context_.shelf.discard_incoming(account, id, file, generation);
  if (!done && done.error().reason != Reason::not_found)
    log::warn("job {}: {}", id.text(), done.error().message);
}

Task<void> Runner::discard(AccountId account, JobId id) {
  if (!runs(id)) co_await discard_all(account, id);
}

Task<void> Runner::discard_all(AccountId account, JobId id) {
  std::vector<FileRow> rows;
  Database::Work read = [&](Tx& tx) -> Result<void> {
    auto found = tx.repo<JobRecords>().files(id);
    if (!found) return fail(std::move(found.error()));
    rows = std::move(*found);
    return {};
  };
  auto done = co_await context_.database.read(std::move(read));
  if (!done) log::warn("job {}: {}", id.text(), done.error().message);
  if (rows.empty()) rows.emplace_back();
  for (const FileRow& row : rows) {
    if (row.state == FileState::done) continue;
    for (int one = std::max(0, row.generation - generations_looked_for); one <= row.generation; ++one)
      co_await discard_generation(account, id, row.index, one);
  }
}

}  // namespace restante::jobs
