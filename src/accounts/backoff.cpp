// SPDX-License-Identifier: Apache-2.0
#include "accounts/backoff.hpp"

#include <algorithm>

namespace restante::accounts {

Seconds Backoff::wait_after(int failures) const {
  if (failures < limits_.free) return Seconds{0};
  const int doublings = std::min(failures - limits_.free, 20);
  return std::min(limits_.longest, Seconds{1ll << doublings});
}

Seconds Backoff::wait(std::string_view key, Instant now) const {
  const auto found = entries_.find(std::string(key));
  if (found == entries_.end()) return Seconds{0};
  const Instant until = found->second.last + wait_after(found->second.failures);
  return until > now ? std::chrono::ceil<Seconds>(until - now) : Seconds{0};
}

void Backoff::failed(const std::string& key, Instant now) {
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (entries_.size() >= limits_.keys) make_room(now);
    found = entries_.emplace(key, Entry{}).first;
  }
  Entry& entry = found->second;
  if (now - entry.last > limits_.forgotten_after) entry.failures = 0;
  ++entry.failures;
  entry.last = now;
}

void Backoff::forgive(const std::string& key) {
  const auto found = entries_.find(key);
  if (found != entries_.end() && --found->second.failures <= 0) entries_.erase(found);
}

void Backoff::forget(const std::string& key) {
  entries_.erase(key);
}

void Backoff::make_room(Instant now) {
  std::erase_if(entries_, [&](const auto& item) { return now - item.second.last > limits_.forgotten_after; });
  if (entries_.size() < limits_.keys) return;
  const auto oldest = std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
    return a.second.last < b.second.last;
  });
  entries_.erase(oldest);
}

}  // namespace restante::accounts
