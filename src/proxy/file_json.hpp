// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proxy/document.hpp"

#include <string>

namespace restante::proxy {

/// A member of `what.files`, as it stands in a document without a common path.
std::string to_json(const File& file);

}  // namespace restante::proxy
