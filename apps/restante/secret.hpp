// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <string>

namespace restante::cli {

/// The first line of stdin without its line break. Error: usage (nothing there, or longer than 8 KiB).
Result<std::string> read_secret_line();

/// Asks on the terminal without showing what is typed. Error: usage.
Result<std::string> ask_secret(const std::string& prompt);

int process_id();

}  // namespace restante::cli
