// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/pieces.hpp"
#include "base/sparse_file.hpp"

#include <cstdint>
#include <vector>

/// What of a content lies apart from its beginning, with the digests by which it is known again. Plain
/// values.
namespace restante::jobs {

/// Digests beyond so many are not stored with a checkpoint (of 64 GiB): what they are of is fetched again
/// after a power cut.
inline constexpr std::uint64_t most_stored_pieces = 16384;

/// Takes what a worker says lies apart now, all of it, in the place of what was known. What comes without the
/// digests of its first bytes is left out.
void take_report(std::vector<Stretch>& apart, const std::vector<SpanReport>& report);

std::uint64_t bytes_of(const std::vector<Stretch>& apart);
std::vector<Span> places_of(const std::vector<Stretch>& apart);

/// The beginning, once it has what touches it; that is no longer apart then.
std::uint64_t absorb(std::uint64_t beginning, std::vector<Stretch>& apart);

/// What is stored of it beside a beginning of that length.
std::vector<Stretch> to_store(const std::vector<Stretch>& apart, std::uint64_t beginning);

/// What of `apart` was on the disk already when `synced` was.
std::vector<Stretch> still_synced(const std::vector<Stretch>& synced, const std::vector<Stretch>& apart);

/// Gives up so many bytes from the end on, or all. Returns how many were not to be had.
std::uint64_t give_up(std::vector<Stretch>& apart, std::uint64_t bytes);

}  // namespace restante::jobs
