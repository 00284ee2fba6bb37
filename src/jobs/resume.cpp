// SPDX-License-Identifier: Apache-2.0
#include "jobs/resume.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace restante::jobs {

std::optional<Instant> from_http_date(std::string_view text) {
  // "Sun, 06 Nov 1994 08:49:37 GMT" becomes the RFC 3339 text of the same instant, which the strict parser
  // judges.
  constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
      text[16] != ' ' || text.substr(25) != " GMT")
    return std::nullopt;
  const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  if (month == months.end()) return std::nullopt;
  const auto number = month - months.begin() + 1;
  std::string iso(text.substr(12, 4));
  iso += number < 10 ? "-0" : "-";
  iso += std::to_string(number);
  iso += '-';
  iso += text.substr(5, 2);
  iso += 'T';
  iso += text.substr(17, 8);
  iso += 'Z';
  return from_rfc3339(iso);
}

std::string strong_validator(const Checkpoint& checkpoint) {
  if (checkpoint.etag.empty()) return checkpoint.last_modified;
  return checkpoint.etag.starts_with("W/") ? std::string() : checkpoint.etag;
}

namespace {

bool is_strong_date(const ResponseFacts& facts, Instant now) {
  const auto modified = from_http_date(facts.last_modified);
  if (!modified) return false;
  const auto date = from_http_date(facts.date);
  return date ? *modified + Seconds(1) <= *date : *modified + Seconds(60) <= now;
}

}  // namespace

std::uint64_t Checkpoint::apart_bytes() const {
  std::uint64_t bytes = 0;
  for (const Stretch& one : apart) bytes += one.pieces.end_bytes;
  return bytes;
}

Checkpoint begin_checkpoint(const ResponseFacts& facts, std::string_view boot_id, Instant now) {
  Checkpoint out;
  out.boot_id = boot_id;
  out.etag = facts.etag;
  if (is_strong_date(facts, now)) out.last_modified = facts.last_modified;
  out.total_bytes = facts.total_bytes;
  out.ranges = facts.ranges;
  return out;
}

std::uint64_t resume_offset(const Checkpoint& checkpoint, std::uint64_t file_size, std::string_view boot_id,
                            DigestGiven digest) {
  const bool by_date = checkpoint.relinked && checkpoint.total_bytes && !checkpoint.last_modified.empty();
  if (strong_validator(checkpoint).empty() && digest == DigestGiven::no && !by_date) return 0;
  const bool same_run = !boot_id.empty() && checkpoint.boot_id == boot_id;
  const std::uint64_t kept = same_run ? file_size : std::min(file_size, checkpoint.synced_bytes);
  return checkpoint.total_bytes && kept > *checkpoint.total_bytes ? 0 : kept;
}

Checkpoint continued(Checkpoint checkpoint, const ResponseFacts& facts, std::uint64_t offset,
                     std::string_view boot_id, Instant now) {
  const bool another = checkpoint.relinked || (!facts.etag.empty() && facts.etag != checkpoint.etag);
  const std::uint64_t synced = std::min(checkpoint.synced_bytes, offset);
  const auto total = facts.total_bytes ? facts.total_bytes : checkpoint.total_bytes;
  if (another) checkpoint = begin_checkpoint(facts, boot_id, now);
  checkpoint.total_bytes = total;
  checkpoint.boot_id = boot_id;
  checkpoint.written_bytes = offset;
  checkpoint.synced_bytes = synced;
  return checkpoint;
}

}  // namespace restante::jobs
