// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "jobs/rate_rules.hpp"

#include <toml++/toml.h>

namespace restante::daemon {

/// "10M": bytes a second, at least one; "none" is no limit. Error invalid.
Result<void> read_rate(const toml::node& node, std::optional<std::uint64_t>& rate);

/// One [[limits.hours]]: from, to, days, rate. Error invalid, without the line.
Result<void> add_hours(const toml::table& table, jobs::RateRules& rules);

/// One [[servers]]: host, rate, connections, pause. Error invalid, without the line.
Result<void> add_server(const toml::table& table, jobs::RateRules& rules);

}  // namespace restante::daemon
