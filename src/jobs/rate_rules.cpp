// SPDX-License-Identifier: Apache-2.0
#include "jobs/rate_rules.hpp"

#include "proxy/zone.hpp"

namespace restante::jobs {
namespace {

bool fits(std::string_view pattern, std::string_view host) {
  if (pattern == "*") return true;
  if (!pattern.starts_with("*.")) return pattern == host;
  const std::string_view ending = pattern.substr(1);
  return host.size() > ending.size() && host.ends_with(ending);
}

}  // namespace

std::optional<std::uint64_t> place_rate(const RateRules& rules, std::string_view zone, Instant now) {
  for (const HourRate& one : rules.hours)
    if (proxy::window_open({one.window}, zone, now)) return one.bytes_per_s;
  return rules.bytes_per_s;
}

std::optional<int> rule_for(const RateRules& rules, std::string_view host) {
  for (std::size_t i = 0; i < rules.servers.size(); ++i)
    if (fits(rules.servers[i].host, host)) return static_cast<int>(i);
  return std::nullopt;
}

}  // namespace restante::jobs
