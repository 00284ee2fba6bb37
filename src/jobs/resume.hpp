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

/// An HTTP date in its preferred form, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
std::optional<Instant> from_http_date(std::string_view text);

/// What to ask to go on with (If-Range, RFC 9110 §13.1.5): a strong ETag, else a Last-Modified. Empty: the
/// content server gave nothing that a resume could trust.
std::string strong_validator(const Checkpoint& checkpoint);

/// A checkpoint of a response that has just begun, nothing written yet. A Last-Modified younger than a minute
/// is weak (RFC 9110 §8.8.2.2) and left out.
Checkpoint begin_checkpoint(const ResponseFacts& facts, std::string_view boot_id, Instant now);

/// How much of a partial file of `file_size` bytes may be kept (DESIGN.md §6, Resume). In the machine run in
/// which it was written everything that the kernel took is there, whatever became of the process; after
/// another boot only what was synced. Without a strong validator: nothing.
std::uint64_t resume_offset(const Checkpoint& checkpoint, std::uint64_t file_size, std::string_view boot_id);

}  // namespace restante::jobs
