// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/commands.hpp"
#include "config.hpp"

#include <boost/json/object.hpp>

#include <string>

namespace restante::daemon {

/// Runs a command on the place in `dir`: through the server that runs there (DATA/control.sock), else by
/// itself. Blocking. Errors: what the command says; in-use when the folder is held by something that does not
/// answer.
Result<api::CommandLines> administer(const Config& config, const std::string& dir, const std::string& command,
                                     const boost::json::object& arguments);

/// `restanted backup FILE` and `restore FILE`.
Result<void> backup(const Config& config, const std::string& dir, const std::string& file,
                    const std::string& passphrase);
Result<int> restore(const Config& config, const std::string& dir, const std::string& file,
                    const std::string& passphrase);

}  // namespace restante::daemon
