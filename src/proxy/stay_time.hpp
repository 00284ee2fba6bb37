// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <string_view>

namespace restante::proxy {

/// The beginning or the end of a stay as people type it: a day ("2026-12-01") stands for its beginning or its
/// end on the clocks of `zone`; everything else is read by parse_person_time. Error: usage.
enum class StayEdge { from, until };
Result<Instant> parse_stay_time(std::string_view text, std::string_view zone, Instant now, StayEdge edge);

}  // namespace restante::proxy
