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
  if (!checkpoint.etag.empty() && !checkpoint.etag.starts_with("W/")) return checkpoint.etag;
  return checkpoint.last_modified;
}

Checkpoint begin_checkpoint(const ResponseFacts& facts, std::string_view boot_id, Instant now) {
  Checkpoint out;
  out.boot_id = boot_id;
  out.etag = facts.etag;
  const auto modified = from_http_date(facts.last_modified);
  if (modified && *modified + std::chrono::minutes(1) <= now) out.last_modified = facts.last_modified;
  out.total_bytes = facts.total_bytes;
  out.ranges = facts.ranges;
  return out;
}

std::uint64_t resume_offset(const Checkpoint& checkpoint, std::uint64_t file_size, std::string_view boot_id) {
  if (strong_validator(checkpoint).empty()) return 0;
  const bool same_run = !boot_id.empty() && checkpoint.boot_id == boot_id;
  const std::uint64_t kept = same_run ? file_size : std::min(file_size, checkpoint.synced_bytes);
  return checkpoint.total_bytes && kept > *checkpoint.total_bytes ? 0 : kept;
}

}  // namespace restante::jobs
