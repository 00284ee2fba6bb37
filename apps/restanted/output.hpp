// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/commands.hpp"

#include <string>

namespace restante::daemon {

/// Results on stdout, errors and hints on stderr, one line each.
struct Output {
  bool json = false;

  /// The lines of a command, for people or as they are. The error of `lines`, or that a check found faults.
  Result<void> print(const std::string& command, const Result<api::CommandLines>& lines) const;
  void print_restored(const std::string& dir, int held) const;
  void print_error(const Error& error) const;
};

}  // namespace restante::daemon
