// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proxy/document.hpp"

#include <string>
#include <string_view>

namespace restante::jobs {

/// The name that a file asks for: its own, else the one that the content server gave, below the document's
/// folder. Relative and not cleaned. A content server chooses no folders: separators in its name are "_", as
/// Chromium does it, and a name of nothing but dots, dashes and separators is "download".
std::string wanted_name(const proxy::File& file, std::string_view served_name);

}  // namespace restante::jobs
