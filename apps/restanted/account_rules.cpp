// SPDX-License-Identifier: Apache-2.0
#include "account_rules.hpp"

namespace restante::daemon {

bool AccountRules::may_use_lan(AccountId account) const {
  const auto found = accounts_.snapshot()->account(account);
  return found && found->lan && found->role != accounts::Role::guest;
}

std::optional<std::uint64_t> AccountRules::rate_of(AccountId account) const {
  const auto found = accounts_.snapshot()->account(account);
  return found ? found->rate_bytes_per_s : std::nullopt;
}

}  // namespace restante::daemon
