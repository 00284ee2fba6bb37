// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/service.hpp"
#include "files/areas.hpp"
#include "jobs/ports.hpp"

#include <map>

namespace restante::daemon {

/// What the jobs must know of accounts. How much room is left is counted every few seconds; the areas refuse
/// what is too much whatever stands here. Control loop.
class AccountRules final : public jobs::AccountRules {
public:
  AccountRules(const accounts::Service& accounts, files::Areas& areas) : accounts_(accounts), areas_(areas) {}

  bool may_use_lan(AccountId account) const override;
  std::optional<std::uint64_t> quota_left_bytes(AccountId account) const override;

  Task<void> refresh();
  Task<void> keep_fresh();  ///< until cancelled

private:
  const accounts::Service& accounts_;
  files::Areas& areas_;
  std::map<AccountId, std::uint64_t> used_bytes_;  // of accounts with a quota
};

}  // namespace restante::daemon
