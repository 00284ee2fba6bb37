// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config.hpp"

#include <string>

namespace restante::daemon {

/// `restanted serve`: wires the parts, answers until SIGTERM or SIGINT, then checkpoints and returns.
/// Blocking. Errors are those of starting.
Result<void> serve(const Config& config, const std::string& dir, const net::AddressGuard& guard = {});

}  // namespace restante::daemon
