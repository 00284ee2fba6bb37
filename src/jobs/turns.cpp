// SPDX-License-Identifier: Apache-2.0
#include "jobs/turns.hpp"

#include "base/result.hpp"

#include <algorithm>
#include <utility>

namespace restante::jobs {

void Turns::add(AccountId account, JobId job) {
  lines_[account].ready.push_back(job);
}

int Turns::at_origin(const std::string& origin) const {
  const auto found = origins_.find(origin);
  return found == origins_.end() ? 0 : found->second;
}

bool Turns::full(const std::string& origin) const {
  const auto most = limits_.most_at ? limits_.most_at(origin) : std::nullopt;
  return at_origin(origin) >= std::min(most.value_or(limits_.running_per_origin), limits_.running_per_origin);
}

std::optional<Turns::Candidate> Turns::first_of(AccountId account, Line& line) {
  // Those set aside came first: they go as soon as their origin has room.
  for (auto it = line.aside.begin(); it != line.aside.end(); ++it) {
    if (full(it->first)) continue;
    Candidate who{account, it->second.front(), it->first};
    it->second.pop_front();
    if (it->second.empty()) line.aside.erase(it);
    ++origins_[who.origin];
    return who;
  }
  if (line.ready.empty()) return std::nullopt;
  const Candidate who{account, line.ready.front()};
  line.ready.pop_front();
  return who;
}

std::optional<Turns::Candidate> Turns::draw() {
  if (running_ >= limits_.running_at_once) return std::nullopt;
  auto it = lines_.upper_bound(last_);
  for (std::size_t i = 0; i < lines_.size(); ++i, ++it) {
    if (it == lines_.end()) it = lines_.begin();
    if (it->second.running >= limits_.running_per_account) continue;
    if (auto who = first_of(it->first, it->second)) {
      last_ = it->first;
      ++it->second.running;
      ++running_;
      return who;
    }
  }
  return std::nullopt;
}

void Turns::give_back(AccountId account) {
  const auto line = lines_.find(account);
  RESTANTE_REQUIRE(line != lines_.end() && line->second.running > 0 && running_ > 0);
  --line->second.running;
  --running_;
  if (line->second.idle()) lines_.erase(line);
}

void Turns::decline(const Candidate& who) {
  if (!who.origin.empty()) leave_origin(who.origin);
  give_back(who.account);
}

bool Turns::seat(const Candidate& who, const std::string& origin) {
  if (!who.origin.empty() && who.origin == origin) return true;
  if (!who.origin.empty()) leave_origin(who.origin);  // its document names another one now
  if (full(origin)) {
    lines_[who.account].aside[origin].push_back(who.job);
    give_back(who.account);
    return false;
  }
  ++origins_[origin];
  return true;
}

void Turns::leave_origin(const std::string& origin) {
  const auto there = origins_.find(origin);
  RESTANTE_REQUIRE(there != origins_.end());
  if (--there->second == 0) origins_.erase(there);
}

void Turns::move(const std::string& from, const std::string& to) {
  leave_origin(from);
  ++origins_[to];
}

void Turns::leave(const Candidate& who, const std::string& origin) {
  leave_origin(origin);
  give_back(who.account);
}

std::size_t Turns::waiting() const {
  std::size_t sum = 0;
  for (const auto& [account, line] : lines_) {
    sum += line.ready.size();
    for (const auto& [origin, jobs] : line.aside) sum += jobs.size();
  }
  return sum;
}

}  // namespace restante::jobs
