// SPDX-License-Identifier: Apache-2.0
#include "jobs/file_step.hpp"

#include "base/text.hpp"
#include "jobs/resume.hpp"

#include <algorithm>
#include <numeric>

namespace restante::jobs {
namespace {

FileStep later(FileStep out, Trouble trouble) {
  out.next = Next::later;
  out.row.state = FileState::pending;
  out.row.reason = trouble.reason;
  out.trouble = std::move(trouble);
  return out;
}

bool is_broken(const Tries& tries, int source) {
  return std::find(tries.broken.begin(), tries.broken.end(), source) != tries.broken.end();
}

/// The next source that may still give it, going round from the one in use; the same one if it is the last.
std::optional<int> next_source(const FileRow& row, const Tries& tries, int sources) {
  for (int i = 1; i <= sources; ++i) {
    const int candidate = (row.source + i) % sources;
    if (!is_broken(tries, candidate)) return candidate;
  }
  return std::nullopt;
}

enum class Bytes { keep, drop };

/// What came from one source is gone on with at another one if a digest will prove the whole.
void go_to(FileRow& row, int source, const FileTerms& terms, Bytes bytes) {
  row.source = source;
  Checkpoint& at = row.checkpoint;
  const bool some = at.written_bytes > 0 && at.total_bytes && at.written_bytes < *at.total_bytes;
  if (bytes == Bytes::drop || terms.digest.empty() || !some) return start_over(row);
  at.etag.clear();  // of another server
  at.last_modified.clear();
  at.relinked = false;
}

/// This source will not give it: the next one, or the end.
FileStep source_broken(FileStep out, const FileTerms& terms, Trouble trouble, Bytes bytes = Bytes::drop) {
  const bool mendable =
      info(trouble.reason).kind == ReasonClass::needs_you && trouble.reason != Reason::auth_required;
  if (!out.tries.first) out.tries.first = trouble;
  if (mendable && !out.tries.person) out.tries.person = trouble;
  out.tries.broken.push_back(out.row.source);
  out.tries.mismatches = 0;
  if (const auto next = next_source(out.row, out.tries, terms.sources)) {
    go_to(out.row, *next, terms, bytes);
    out.next = Next::transfer;
    return out;
  }
  out.row.source = 0;
  out.next = out.tries.person ? Next::person : Next::broken;
  out.trouble = out.tries.person ? *out.tries.person : *out.tries.first;
  out.row.state = FileState::failed;
  out.row.reason = out.trouble.reason;
  return out;
}

/// Another round, with another source if there is one and this one brought nothing worth keeping.
FileStep try_later(FileStep out, const FileTerms& terms, Trouble trouble, bool moved_on) {
  const bool keep = moved_on && !strong_validator(out.row.checkpoint).empty();
  if (const auto next = next_source(out.row, out.tries, terms.sources);
      next && *next != out.row.source && !keep) {
    go_to(out.row, *next, terms, Bytes::keep);
  }
  return later(std::move(out), std::move(trouble));
}

FileStep fetch_again(FileStep out) {
  start_over(out.row);
  out.next = Next::transfer;
  return out;
}

/// It is not what its checksum says: once more from the beginning, then never (M70).
FileStep mismatched(FileStep out, const FileTerms& terms, Trouble trouble) {
  if (++out.tries.mismatches == 1) return fetch_again(std::move(out));
  out.row.checkpoint = Checkpoint{};  // nothing goes on from these bytes
  return source_broken(std::move(out), terms, std::move(trouble));
}

/// How often it is asked again at most: a network where somebody must sign in, or a name that does not exist,
/// is not worth twenty attempts (M52, M62).
constexpr int few_attempts = 3;

/// The content server will not go on with what is here (M12 to M25).
FileStep restarted(FileStep out, const FileTerms& terms, Trouble trouble) {
  if (++out.tries.restarts > restarts_a_round)
    return try_later(std::move(out), terms, std::move(trouble), false);
  const bool same_content = trouble.reason == Reason::incomplete || trouble.reason == Reason::malformed;
  if (same_content) {
    set_aside(out.row);
  } else {
    out.row.old.reset();
    start_over(out.row);
  }
  out.started_over = std::move(trouble);
  out.next = Next::transfer;
  return out;
}

/// All bytes are here. Lengths that the document knows are held against them before anything else.
FileStep received_all(FileStep out, const FileTerms& terms, const TransferResult& result) {
  const std::uint64_t size = result.received_bytes;
  const std::string sizes =
      std::to_string(size) + " of " + std::to_string(terms.size_bytes.value_or(0)) + " bytes";
  if (terms.max_bytes && size > *terms.max_bytes)
    return source_broken(std::move(out), terms, {Reason::too_large, human_size(size) + " came", {}});
  if (terms.size_bytes && size > *terms.size_bytes)
    return source_broken(std::move(out), terms, {Reason::excess, sizes + " came", {}});
  if (terms.size_bytes && size < *terms.size_bytes)
    return try_later(std::move(out), terms, {Reason::incomplete, sizes + " came", {}}, true);
  if (size == 0 && !terms.allow_empty && terms.size_bytes != std::optional<std::uint64_t>(0))
    return source_broken(std::move(out), terms, {Reason::empty_result, "the content is empty", {}});
  out.row.size_bytes = size;
  // A length that the person knew proves as much as one that the content server announced.
  out.row.verified = result.outcome == Outcome::complete || terms.size_bytes.has_value();
  out.row.reason.reset();
  if (terms.algorithm.empty()) {
    out.next = Next::publish;
    out.row.state = FileState::publishing;
    return out;
  }
  if (result.digest_hex.empty()) {
    out.next = Next::verify;
    out.row.state = FileState::verifying;
    return out;
  }
  return after_digest(std::move(out.row), std::move(out.tries), terms, result.digest_hex);
}

}  // namespace

std::vector<int> source_order(const proxy::File& file) {
  std::vector<int> order(file.sources.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    const int pa = file.sources[static_cast<std::size_t>(a)].priority;
    const int pb = file.sources[static_cast<std::size_t>(b)].priority;
    return pa != pb ? pa < pb : a < b;
  });
  return order;
}

FileTerms terms_of(const proxy::Document& document, int file) {
  const proxy::File& wanted = document.files.at(static_cast<std::size_t>(file));
  FileTerms terms;
  terms.sources = static_cast<int>(wanted.sources.size());
  terms.size_bytes = wanted.size_bytes;
  terms.max_bytes = document.limits.max_bytes;
  terms.allow_empty = wanted.allow_empty;
  for (const char* algorithm : {"sha-256", "sha-512", "sha", "md5"}) {
    const auto found = wanted.digests.find(algorithm);
    if (found == wanted.digests.end()) continue;
    terms.algorithm = algorithm;
    terms.digest = found->second;
    break;
  }
  return terms;
}

void start_over(FileRow& row) {
  row.wasted_bytes += row.checkpoint.held_bytes();
  row.generation = std::max(row.generation, row.old ? row.old->generation : 0) + 1;
  row.checkpoint = Checkpoint{};
  row.state = FileState::pending;
  row.sha256.clear();
}

void set_aside(FileRow& row) {
  if (!row.old || row.old->checkpoint.written_bytes < row.checkpoint.written_bytes)
    row.old = OldPartial{row.generation, row.checkpoint};
  row.old->checkpoint.apart.clear();
  start_over(row);
}

bool take_back(FileRow& row, std::uint64_t length) {
  if (!row.old || length >= row.old->checkpoint.written_bytes) return false;
  const std::uint64_t back = row.old->checkpoint.written_bytes;
  row.wasted_bytes += length;
  row.wasted_bytes -= std::min(row.wasted_bytes, back);
  row.generation = row.old->generation;
  row.checkpoint = row.old->checkpoint;
  row.old.reset();
  return true;
}

FileStep after_transfer(FileRow row, Tries tries, const FileTerms& terms, const TransferResult& result,
                        std::uint64_t offset) {
  FileStep out;
  out.row = std::move(row);
  out.tries = std::move(tries);
  const bool moved_on = result.received_bytes > offset;
  Trouble trouble{result.reason, result.message, result.retry_after};
  switch (result.outcome) {
    case Outcome::complete:
    case Outcome::unverified:
      return received_all(std::move(out), terms, result);
    case Outcome::restart:
      return restarted(std::move(out), terms, std::move(trouble));
    case Outcome::stopped:
    case Outcome::failed:
      break;
  }
  const bool room = result.reason == Reason::quota || result.reason == Reason::disk_full;
  if (room) return later(std::move(out), std::move(trouble));
  if (result.reason == Reason::digest_mismatch) return mismatched(std::move(out), terms, std::move(trouble));
  const bool portal = result.reason == Reason::portal_suspected;
  if (portal || result.reason == Reason::auth_expired) {  // name and type were of the page
    out.row.name.clear();
    out.row.media_type.clear();
  }
  const bool no_such_name = result.reason == Reason::dns && !result.transient;
  if (portal || no_such_name) {
    trouble.attempts = few_attempts;
    return try_later(std::move(out), terms, std::move(trouble), moved_on);
  }
  if (result.transient) return try_later(std::move(out), terms, std::move(trouble), moved_on);
  return source_broken(std::move(out), terms, std::move(trouble), Bytes::keep);
}

FileStep after_digest(FileRow row, Tries tries, const FileTerms& terms, const std::string& digest_hex) {
  FileStep out;
  out.row = std::move(row);
  out.tries = std::move(tries);
  if (iequals(digest_hex, terms.digest)) {
    out.row.verified = true;
    if (terms.algorithm == "sha-256") out.row.sha256 = ascii_lower(digest_hex);
    out.row.state = FileState::publishing;
    out.next = Next::publish;
    return out;
  }
  return mismatched(std::move(out), terms,
                    {Reason::digest_mismatch, terms.algorithm + " of the content is " + digest_hex, {}});
}

FileStep wait_for_release(FileStep at, std::optional<Instant> start, Instant now) {
  if (at.next != Next::broken || at.trouble.reason != Reason::not_found || !start) return at;
  for (const Seconds after : release_asked_after) {
    const Instant again = *start + after;
    if (now >= again) continue;
    Trouble trouble = std::move(at.trouble);
    trouble.retry_after = std::chrono::ceil<Seconds>(again - now);
    return later(std::move(at), std::move(trouble));
  }
  return at;
}

FileStep after_error(FileRow row, Tries tries, const Error& error) {
  FileStep out;
  out.row = std::move(row);
  out.tries = std::move(tries);
  Trouble trouble{error.reason, error.message, {}};
  const bool room = error.reason == Reason::quota || error.reason == Reason::disk_full;
  if (room || error.transient) {
    const FileState kept = out.row.state;
    out = later(std::move(out), std::move(trouble));
    if (kept == FileState::verifying || kept == FileState::publishing) out.row.state = kept;
    return out;
  }
  out.next = Next::broken;
  out.row.state = FileState::failed;
  out.row.reason = trouble.reason;
  out.trouble = std::move(trouble);
  return out;
}

}  // namespace restante::jobs
