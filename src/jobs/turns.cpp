// SPDX-License-Identifier: Apache-2.0
#include "jobs/turns.hpp"

#include "base/result.hpp"

namespace restante::jobs {

void Turns::add(AccountId account, JobId job) {
  lines_[account].ready.push_back(job);
}

int Turns::at_origin(const std::string& origin) const {
  const auto found = origins_.find(origin);
  return found == origins_.end() ? 0 : found->second;
}

std::optional<JobId> Turns::first_of(Line& line) {
  // Those set aside came first: they go as soon as their origin has room.
  for (auto it = line.aside.begin(); it != line.aside.end(); ++it) {
    if (at_origin(it->first) >= limits_.running_per_origin) continue;
    const JobId job = it->second.front();
    it->second.pop_front();
    if (it->second.empty()) line.aside.erase(it);
    return job;
  }
  if (line.ready.empty()) return std::nullopt;
  const JobId job = line.ready.front();
  line.ready.pop_front();
  return job;
}

std::optional<Turns::Candidate> Turns::draw() {
  if (running_ >= limits_.running_at_once) return std::nullopt;
  auto it = lines_.upper_bound(last_);
  for (std::size_t i = 0; i < lines_.size(); ++i, ++it) {
    if (it == lines_.end()) it = lines_.begin();
    if (it->second.running >= limits_.running_per_account) continue;
    if (const auto job = first_of(it->second)) {
      last_ = it->first;
      ++it->second.running;
      ++running_;
      return Candidate{it->first, *job};
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
  give_back(who.account);
}

bool Turns::seat(const Candidate& who, const std::string& origin) {
  if (at_origin(origin) >= limits_.running_per_origin) {
    lines_[who.account].aside[origin].push_back(who.job);
    give_back(who.account);
    return false;
  }
  ++origins_[origin];
  return true;
}

void Turns::leave(const Candidate& who, const std::string& origin) {
  const auto there = origins_.find(origin);
  RESTANTE_REQUIRE(there != origins_.end());
  if (--there->second == 0) origins_.erase(there);
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
