// SPDX-License-Identifier: Apache-2.0
#include "account_rules.hpp"

namespace restante::daemon {

bool AccountRules::may_use_lan(AccountId account) const {
  const auto found = accounts_.snapshot()->account(account);
  return found && found->lan && found->role != accounts::Role::guest;
}

}  // namespace restante::daemon
