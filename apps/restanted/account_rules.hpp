// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/service.hpp"
#include "jobs/ports.hpp"

namespace restante::daemon {

/// What the jobs must know of accounts. Control loop.
class AccountRules final : public jobs::AccountRules {
public:
  explicit AccountRules(const accounts::Service& accounts) : accounts_(accounts) {}

  bool may_use_lan(AccountId account) const override;
  std::optional<std::uint64_t> rate_of(AccountId account) const override;

private:
  const accounts::Service& accounts_;
};

}  // namespace restante::daemon
