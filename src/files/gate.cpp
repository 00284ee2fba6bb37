// SPDX-License-Identifier: Apache-2.0
#include "files/gate.hpp"

#include <utility>

namespace restante::files {

Gate::Pass& Gate::Pass::operator=(Pass&& other) noexcept {
  std::swap(gate_, other.gate_);
  std::swap(account_, other.account_);
  return *this;
}

Gate::Pass::~Pass() {
  if (gate_ != nullptr) gate_->leave(account_);
}

struct Gate::Place {
  Gate& gate;
  AccountId account;
  std::shared_ptr<Waiting> waiting;
  bool taken = false;
  ~Place() {
    if (waiting->mine && !taken) gate.leave(account);
  }
};

Task<Gate::Pass> Gate::enter(AccountId account) {
  const auto [line, free] = lines_.try_emplace(account);
  if (free) co_return Pass(this, account);
  Place place{*this, account, std::make_shared<Waiting>(loop_)};
  line->second.push_back(place.waiting);
  while (!place.waiting->mine) co_await place.waiting->called.wait();
  place.taken = true;
  co_return Pass(this, account);
}

void Gate::leave(AccountId account) {
  const auto line = lines_.find(account);
  while (!line->second.empty()) {
    const auto next = line->second.front().lock();
    line->second.pop_front();
    if (!next) continue;
    next->mine = true;
    next->called.notify();
    return;
  }
  lines_.erase(line);
}

}  // namespace restante::files
