// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <string>

namespace restante::store {

/// The folder that `path` lies in: "." when it has none.
std::string directory_of(const std::string& path);

/// Makes a new, renamed or removed name in the folder of `path` durable. Error: storage.
Result<void> sync_directory_of(const std::string& path);

}  // namespace restante::store
