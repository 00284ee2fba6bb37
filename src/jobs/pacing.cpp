// SPDX-License-Identifier: Apache-2.0
#include "jobs/pacing.hpp"

#include <algorithm>

namespace restante::jobs {

std::optional<std::uint64_t> Pacing::begin(const Begin& who, Now now) {
  Transfer& one = transfers_[who.job];
  one = Transfer{};
  one.account = who.account;
  one.server = rule_for(rules_, who.host);
  one.own = one.pace = who.own_bytes_per_s;
  one.fresh_since = one.heard_at = now.steady;
  share(now, who.job);
  return one.pace;
}

void Pacing::end(JobId job, Now now) {
  if (transfers_.erase(job) > 0) share(now);
}

void Pacing::change(JobId job, std::optional<std::uint64_t> own_bytes_per_s, Now now) {
  const auto found = transfers_.find(job);
  if (found == transfers_.end()) return;
  found->second.own = own_bytes_per_s;
  found->second.fresh_since = now.steady;
  share(now);
}

std::optional<std::uint64_t> Pacing::pace_of(JobId job) const {
  const auto found = transfers_.find(job);
  return found == transfers_.end() ? std::nullopt : found->second.pace;
}

void Pacing::heard(JobId job, std::uint64_t bytes_per_s, bool held_back, TimePoint now) {
  const auto found = transfers_.find(job);
  if (found == transfers_.end()) return;
  found->second.bytes_per_s = bytes_per_s;
  found->second.held_back = held_back;
  found->second.heard_at = now;
}

void Pacing::tick(Now now) {
  share(now);
}

CommonRates Pacing::common(Instant now) const {
  CommonRates out;
  out.place = place_rate(rules_, zone_, now);
  for (const auto& [id, one] : transfers_) {
    if (const auto rate = account_rate_(one.account)) out.accounts[one.account] = *rate;
    if (!one.server) continue;
    const auto& rate = rules_.servers[static_cast<std::size_t>(*one.server)].bytes_per_s;
    if (rate) out.servers[*one.server] = *rate;
  }
  return out;
}

std::optional<std::uint64_t> Pacing::expected(const Transfer& one, TimePoint now) const {
  if (now - one.fresh_since < limits_.begins) return std::nullopt;
  if (now - one.heard_at >= limits_.silent) return limits_.little_bytes_per_s;
  // One whose content server sends in jolts is held back, too, but does not use what it may have.
  if (one.held_back && one.pace && one.bytes_per_s >= *one.pace / 4 * 3) return std::nullopt;
  return std::max(one.bytes_per_s + one.bytes_per_s / 2, limits_.little_bytes_per_s);
}

void Pacing::share(Now now, std::optional<JobId> untold) {
  const CommonRates rates = common(now.wall);
  std::vector<Demand> demands;
  if (!rates.none())
    for (const auto& [id, one] : transfers_)
      demands.push_back({one.account, one.server, one.own, expected(one, now.steady)});
  const auto paces = shares(demands, rates);
  std::size_t next = 0;
  for (auto& [id, one] : transfers_) {
    const auto pace = rates.none() ? one.own : paces[next++];
    if (pace == one.pace) continue;
    // What all have together must not be passed, so every reduction is told.
    const bool small =
        pace && one.pace && pace != one.own && *pace > *one.pace &&
        (*pace - *one.pace) * 100 < *one.pace * static_cast<unsigned>(limits_.told_from_percent);
    if (small) continue;
    one.pace = pace;
    if (untold != id && on_pace) on_pace(id, pace);
  }
}

}  // namespace restante::jobs
