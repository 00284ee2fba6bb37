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

Rests::Host* Rests::host(const std::string& origin, Instant now) {
  if (origin.empty() || at_most_ == 0) return nullptr;
  const std::string name(host_of(origin));
  if (const auto known = hosts_.find(name); known != hosts_.end()) return &known->second;
  if (hosts_.size() >= at_most_)
    std::erase_if(hosts_, [&](const auto& one) { return one.second.until <= now; });
  if (hosts_.size() >= at_most_) {
    const auto first = std::min_element(hosts_.begin(), hosts_.end(), [](const auto& a, const auto& b) {
      return a.second.until < b.second.until;
    });
    hosts_.erase(first);
  }
  return &hosts_.emplace(name, Host{now}).first->second;
}

void Rests::rest(const std::string& origin, Seconds time, Instant now) {
  if (time <= Seconds(0)) return;
  if (Host* one = host(origin, now)) one->until = std::max(one->until, now + std::min(time, longest_));
}

void Rests::refused(const std::string& origin, double dice, Instant now) {
  Host* one = host(origin, now);
  if (one == nullptr || one->until > now) return;
  Millis full = std::min(first_, most_);
  for (int i = 0; i < one->refusals && full < most_; ++i) full = std::min(full * 2, most_);
  ++one->refusals;
  const auto less = static_cast<Millis::rep>(static_cast<double>(full.count()) * 0.25 * dice);
  one->until = now + full - Millis(less);
}

void Rests::answered(const std::string& origin) {
  const auto known = hosts_.find(host_of(origin));
  if (known != hosts_.end()) known->second.refusals = 0;
}

std::optional<Instant> Rests::until(const std::string& origin, Instant now) const {
  const auto known = hosts_.find(host_of(origin));
  if (known == hosts_.end() || known->second.until <= now) return std::nullopt;
  return known->second.until;
}

}  // namespace restante::jobs
