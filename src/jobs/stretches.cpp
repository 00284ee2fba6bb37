// SPDX-License-Identifier: Apache-2.0
#include "jobs/stretches.hpp"

#include <algorithm>
#include <utility>

namespace restante::jobs {

void take_report(std::vector<Stretch>& apart, const std::vector<SpanReport>& report) {
  std::vector<Stretch> now;
  for (const SpanReport& span : report) {
    const auto known =
        std::find_if(apart.begin(), apart.end(), [&](const Stretch& one) { return one.begin == span.begin; });
    Stretch stretch;
    stretch.begin = span.begin;
    if (known != apart.end()) stretch.pieces = std::move(known->pieces);
    const bool same = span.pieces.digests.empty() && span.pieces.end_bytes == stretch.pieces.end_bytes;
    if (same || add(stretch.pieces, span.pieces)) now.push_back(std::move(stretch));
  }
  apart = std::move(now);
}

std::uint64_t bytes_of(const std::vector<Stretch>& apart) {
  std::uint64_t bytes = 0;
  for (const Stretch& one : apart) bytes += one.pieces.end_bytes;
  return bytes;
}

std::vector<Span> places_of(const std::vector<Stretch>& apart) {
  std::vector<Span> places;
  for (const Stretch& one : apart) {
    if (!places.empty() && places.back().end == one.begin)
      places.back().end = one.end();
    else
      places.push_back({one.begin, one.end()});
  }
  return places;
}

std::uint64_t absorb(std::uint64_t beginning, std::vector<Stretch>& apart) {
  while (!apart.empty() && apart.front().begin <= beginning) {
    beginning = std::max(beginning, apart.front().end());
    apart.erase(apart.begin());
  }
  return beginning;
}

std::vector<Stretch> to_store(const std::vector<Stretch>& apart, std::uint64_t beginning) {
  std::vector<Stretch> out;
  std::uint64_t pieces = 0;
  for (const Stretch& one : apart) {
    pieces += one.pieces.count();
    if (pieces > most_stored_pieces) break;
    if (one.begin > beginning) out.push_back(one);
  }
  return out;
}

std::vector<Stretch> still_synced(const std::vector<Stretch>& synced, const std::vector<Stretch>& apart) {
  std::vector<Stretch> out;
  for (const Stretch& one : apart)
    for (const Stretch& before : synced)
      if (before.begin == one.begin) out.push_back(one.end() < before.end() ? one : before);
  return out;
}

std::uint64_t give_up(std::vector<Stretch>& apart, std::uint64_t bytes) {
  while (bytes > 0 && !apart.empty()) {
    bytes -= std::min(bytes, apart.back().pieces.end_bytes);
    apart.pop_back();
  }
  return bytes;
}

}  // namespace restante::jobs
