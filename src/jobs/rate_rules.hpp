// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "proxy/document.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::jobs {

/// Hours of the week with a rate of their own, on the clocks of the place.
struct HourRate {
  proxy::Window window;
  std::optional<std::uint64_t> bytes_per_s;  ///< none: no limit then
};

/// What the operator says of a content server. All hosts that fit are one server to it.
struct ServerRule {
  std::string host;  ///< lower case; "*.example.org" for all names below example.org, "*" for all
  std::optional<std::uint64_t> bytes_per_s;  ///< all downloads from there together
  std::optional<int> connections;            ///< at once, of everybody's downloads
  std::optional<Millis> pause;               ///< at least so long between the beginnings of two downloads
};

struct RateRules {
  std::optional<std::uint64_t> bytes_per_s;  ///< of the whole place, where no hours say otherwise
  std::vector<HourRate> hours;               ///< the first that fits counts
  std::vector<ServerRule> servers;           ///< as well
};

/// Of the whole place at this instant; `zone`: its own. Where clocks are changed, the wall clock counts.
std::optional<std::uint64_t> place_rate(const RateRules& rules, std::string_view zone, Instant now);

/// The first rule for the host (lower case); none: there is none.
std::optional<int> rule_for(const RateRules& rules, std::string_view host);

}  // namespace restante::jobs
