// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/database.hpp"
#include "jobs/ports.hpp"
#include "jobs/records.hpp"
#include "jobs/service.hpp"

#include <string>

namespace restante::jobs {

/// What the parts of the service share: its collaborators, which outlive it, and its limits.
struct Context {
  Executor loop;
  Database& database;
  Vault& vault;
  Transfers& transfers;
  Shelf& shelf;
  const AccountRules& accounts;
  const Clock& clock;
  ServiceLimits limits;
  std::string boot_id;  ///< of this machine run; empty: not known, and nothing unsynced is trusted
  Witness* witness = nullptr;
};

}  // namespace restante::jobs
