// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"

#include <string>

namespace restante {

/// A new UUID, version 7 (RFC 9562 §5.7): sorts by time. Lower case.
std::string uuid_v7(Instant now);

}  // namespace restante
