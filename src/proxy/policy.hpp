// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "proxy/document.hpp"

/// What a place does with well-formed documents. `parse` says whether a document is right, these say whether
/// this version can do it; the server asks before it accepts.
namespace restante::proxy {

/// Refuses with a pointer what this version does not do: methods other than GET and POST, with file servers
/// (ftp, ftps, sftp) other than GET; references to credentials that are not in the document, code, pay and
/// notify (cap-denied; a missing credential and a repetition outside the subset of proxy/recurrence.hpp are
/// invalid).
Result<void> check_supported(const Document& document);

/// FORMATS.md §1.6, step 11: nbf <= now + 600 s, iat <= now + 600 s, now < exp <= iat + 400 days.
/// Errors, with the pointer of the member: expired, invalid.
Result<void> check_times(const Document& document, Instant now);

}  // namespace restante::proxy
