// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config.hpp"
#include "output.hpp"

#include <string>

namespace restante::daemon {

/// `restanted receive`: the documents of what stands on stdin, handed to the running server
/// (DATA/submit.sock); without one they are laid into the drop folder, where the next start finds them.
/// Prints a line each. Errors: the first document's that was refused; usage (nothing on stdin), malformed (no
/// document in it), busy, storage.
Result<void> receive(const Config& config, const std::string& dir, const Output& output);

}  // namespace restante::daemon
