// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <spdlog/spdlog.h>

namespace restante::log {

// One line an event, on stderr, with the ids needed to find the job; secrets and query strings of URLs never.
// Callers write `log::info("job {} published {}", id.text(), name)`.
using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

/// Called once by main: level from its name ("debug", "info", "warn", "error"), stderr, instants in UTC.
void start(const char* program, const char* level);

}  // namespace restante::log
