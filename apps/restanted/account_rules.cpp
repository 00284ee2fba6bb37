// SPDX-License-Identifier: Apache-2.0
#include "account_rules.hpp"

#include <algorithm>

namespace restante::daemon {

namespace {
constexpr std::chrono::seconds refresh_interval{5};
}

bool AccountRules::may_use_lan(AccountId account) const {
  const auto found = accounts_.snapshot()->account(account);
  return found && found->lan;
}

std::optional<std::uint64_t> AccountRules::quota_left_bytes(AccountId account) const {
  const auto found = accounts_.snapshot()->account(account);
  if (!found || !found->quota_bytes) return std::nullopt;
  const auto used = used_bytes_.find(account);
  const std::uint64_t taken = used == used_bytes_.end() ? 0 : used->second;
  return *found->quota_bytes - std::min(taken, *found->quota_bytes);
}

Task<void> AccountRules::refresh() {
  std::map<AccountId, std::uint64_t> used;
  for (const auto& account : accounts_.snapshot()->accounts()) {
    if (!account.quota_bytes) continue;
    auto files = co_await areas_.list(account.id);
    if (!files) continue;
    std::uint64_t sum = 0;
    for (const auto& file : *files) sum += file.size_bytes;
    used[account.id] = sum;
  }
  used_bytes_ = std::move(used);
}

Task<void> AccountRules::keep_fresh() {
  for (;;) {
    co_await sleep_for(refresh_interval);
    co_await refresh();
  }
}

}  // namespace restante::daemon
