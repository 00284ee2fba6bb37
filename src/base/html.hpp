// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace restante {

/// Text for HTML, also inside quoted attributes: control characters and bidirectional overrides become
/// visible marks.
std::string html_text(std::string_view text);

}  // namespace restante
