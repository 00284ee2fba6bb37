// SPDX-License-Identifier: Apache-2.0
#include "worker/seats.hpp"

#include <algorithm>

namespace restante::worker {

using Steady = std::chrono::steady_clock;

bool Seats::has_room(const Place& place, const Table& table) const {
  return table.taken < most_(place.host);
}

void Seats::sit(Key key, const Place& place) {
  ++tables_[place].taken;
  seated_[key] = place;
}

void Seats::stand_up(Key key) {
  const auto seat = seated_.find(key);
  if (seat == seated_.end()) return;
  const Place place = seat->second;
  seated_.erase(seat);
  --tables_[place].taken;
  give(place);
}

/// Free seats go to those who wait, round the accounts.
void Seats::give(const Place& place) {
  const auto at = tables_.find(place);
  if (at == tables_.end()) return;
  Table& table = at->second;
  while (!table.lines.empty() && has_room(place, table)) {
    auto line = table.lines.upper_bound(table.last);
    if (line == table.lines.end()) line = table.lines.begin();
    table.last = line->first;
    const WaiterPtr next = line->second.front();
    line->second.pop_front();
    if (line->second.empty()) table.lines.erase(line);
    next->seated = true;
    sit(next->key, place);
    next->changed.notify();
  }
  if (table.taken == 0 && table.lines.empty()) tables_.erase(at);
}

Task<bool> Seats::take(Who who, Place place, std::chrono::milliseconds patience) {
  const Key key{who.number, who.part};
  stand_up(key);
  Table& table = tables_[place];
  if (table.lines.empty() && has_room(place, table)) {
    sit(key, place);
    co_return true;
  }
  if (who.part > 0) co_return false;
  const auto one = std::make_shared<Waiter>(loop_, key);
  table.lines[who.account].push_back(one);
  const auto until = Steady::now() + patience;
  while (!one->seated && !one->over && Steady::now() < until) {
    const auto left = until - Steady::now();
    co_await one->changed.wait_for(left);
  }
  if (one->over) co_return false;
  if (one->seated) co_return true;
  Table& now = tables_[place];
  auto& line = now.lines[who.account];
  std::erase(line, one);
  if (line.empty()) now.lines.erase(who.account);
  co_return false;
}

void Seats::leave(std::uint32_t number) {
  for (auto& [place, table] : tables_) {
    for (auto line = table.lines.begin(); line != table.lines.end();) {
      std::erase_if(line->second, [number](const WaiterPtr& one) {
        if (one->key.first != number) return false;
        one->over = true;
        one->changed.notify();
        return true;
      });
      line = line->second.empty() ? table.lines.erase(line) : std::next(line);
    }
  }
  for (auto seat = seated_.lower_bound({number, 0}); seat != seated_.end() && seat->first.first == number;) {
    const Key key = seat->first;
    stand_up(key);
    seat = seated_.lower_bound({number, key.second});
  }
  std::erase_if(tables_, [](const auto& one) { return one.second.taken == 0 && one.second.lines.empty(); });
}

int Seats::taken(const Place& place) const {
  const auto at = tables_.find(place);
  return at == tables_.end() ? 0 : at->second.taken;
}

std::size_t Seats::waiting() const {
  std::size_t sum = 0;
  for (const auto& [place, table] : tables_)
    for (const auto& [account, line] : table.lines) sum += line.size();
  return sum;
}

}  // namespace restante::worker
