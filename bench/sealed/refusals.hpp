// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace restante::bench {

/// What documents cost that are refused, each of another kind, beside one that is accepted: a line of JSON,
/// CPU seconds of one by name. Throws where a document is refused for another reason than expected.
std::string refusals();

}  // namespace restante::bench
