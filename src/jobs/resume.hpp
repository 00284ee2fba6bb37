// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "jobs/model.hpp"
#include "jobs/ports.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace restante::jobs {

enum class DigestGiven { no, yes };

/// An HTTP date in its preferred form, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
std::optional<Instant> from_http_date(std::string_view text);

/// What to ask to go on with (If-Range, RFC 9110 §13.1.5): a strong ETag, or a Last-Modified where there is
/// no ETag at all. Empty: the content server gave nothing that a resume could trust.
std::string strong_validator(const Checkpoint& checkpoint);

/// A checkpoint of a response that has just begun, nothing written yet. A Last-Modified that is not at least
/// a second older than the answer's own date is weak (RFC 9110 §8.8.2.2) and left out; without such a date it
/// has to be a minute older than our clock says.
Checkpoint begin_checkpoint(const ResponseFacts& facts, std::string_view boot_id, Instant now);

/// How much of a partial file of `file_size` bytes may be kept (DESIGN.md §6, Resume). In the machine run in
/// which it was written everything that the kernel took is there, whatever became of the process; after
/// another boot only what was synced. Where neither a strong validator nor a digest nor (of another link to
/// the same content) size and date would show that what comes belongs to it (CONTENT_SERVERS.md M21):
/// nothing. What is kept has still to be found as its pieces say.
std::uint64_t resume_offset(const Checkpoint& checkpoint, std::uint64_t file_size, std::string_view boot_id,
                            DigestGiven digest);

/// The checkpoint once a content server goes on at `offset`: where it gave other validators than before, they
/// count from now on.
Checkpoint continued(Checkpoint checkpoint, const ResponseFacts& facts, std::uint64_t offset,
                     std::string_view boot_id, Instant now);

}  // namespace restante::jobs
