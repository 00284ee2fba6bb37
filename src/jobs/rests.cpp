// SPDX-License-Identifier: Apache-2.0
#include "jobs/rests.hpp"

#include <algorithm>

namespace restante::jobs {
namespace {

std::string_view host_of(std::string_view origin) {
  const auto scheme = origin.find("://");
  return scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
}

}  // namespace

bool same_host(std::string_view origin, std::string_view other) {
  return host_of(origin) == host_of(other);
}

void Rests::rest(const std::string& origin, Seconds time, Instant now) {
  if (origin.empty() || time <= Seconds(0) || at_most_ == 0) return;
  const Instant until = now + std::min(time, longest_);
  const std::string host(host_of(origin));
  if (const auto known = until_.find(host); known != until_.end()) {
    known->second = std::max(known->second, until);
    return;
  }
  if (until_.size() >= at_most_) std::erase_if(until_, [&](const auto& one) { return one.second <= now; });
  if (until_.size() >= at_most_) {
    const auto first = std::min_element(until_.begin(), until_.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
    until_.erase(first);
  }
  until_.emplace(host, until);
}

std::optional<Instant> Rests::until(const std::string& origin, Instant now) const {
  const auto known = until_.find(host_of(origin));
  if (known == until_.end() || known->second <= now) return std::nullopt;
  return known->second;
}

}  // namespace restante::jobs
