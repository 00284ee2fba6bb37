// SPDX-License-Identifier: Apache-2.0
#include "config_rates.hpp"

#include "base/text.hpp"
#include "proxy/zone.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace restante::daemon {
namespace {

constexpr std::uint64_t most_bytes_per_s = 1ull << 50;
constexpr std::size_t most_rules = 1000;
constexpr Seconds longest_pause{3600};

tl::unexpected<Error> wrong(std::string_view key, std::string_view expected) {
  return fail(Reason::invalid, fmt::format("{} must be {}", key, expected));
}

Result<void> only(const toml::table& table, std::initializer_list<std::string_view> keys) {
  for (const auto& [key, value] : table)
    if (std::find(keys.begin(), keys.end(), key.str()) == keys.end())
      return fail(Reason::invalid, fmt::format("has no key {}", key.str()));
  return {};
}

std::string text_of(const toml::table& table, std::string_view key) {
  const toml::node* node = table.get(key);
  return node != nullptr && node->is_string() ? node->as_string()->get() : std::string();
}

bool is_pattern(std::string_view host) {
  if (host == "*") return true;
  if (host.starts_with("*.")) host.remove_prefix(2);
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_' || c == ':' ||
           static_cast<unsigned char>(c) > 127;
  };
  return !host.empty() && std::all_of(host.begin(), host.end(), plain);
}

}  // namespace

Result<void> read_rate(const toml::node& node, std::optional<std::uint64_t>& rate) {
  rate.reset();
  if (node.is_string() && node.as_string()->get() == "none") return {};
  std::optional<std::uint64_t> value;
  if (node.is_integer() && node.as_integer()->get() > 0)
    value = static_cast<std::uint64_t>(node.as_integer()->get());
  if (node.is_string()) value = parse_size(node.as_string()->get());
  if (!value || *value < 1 || *value > most_bytes_per_s)
    return fail(Reason::invalid, "must be what may come in a second, such as \"10M\", or \"none\"");
  rate = value;
  return {};
}

Result<void> add_hours(const toml::table& table, jobs::RateRules& rules) {
  if (rules.hours.size() >= most_rules) return fail(Reason::invalid, "are too many");
  if (auto known = only(table, {"from", "to", "days", "rate"}); !known) return known;
  const std::string from = text_of(table, "from"), to = text_of(table, "to"), days = text_of(table, "days");
  if (table.contains("days") && days.empty()) return wrong("days", "a text such as \"mo-fr\" or \"sa,su\"");
  const auto window = proxy::parse_person_window(from + "-" + to + (days.empty() ? "" : "@" + days));
  if (!window)
    return fail(Reason::invalid,
                "needs from and to, such as \"08:00\" and \"18:00\", and days only as \"mo-fr\"");
  const toml::node* rate = table.get("rate");
  if (rate == nullptr) return fail(Reason::invalid, "needs a rate");
  jobs::HourRate hours{*window, {}};
  if (auto read = read_rate(*rate, hours.bytes_per_s); !read)
    return fail(Reason::invalid, "rate " + read.error().message);
  rules.hours.push_back(std::move(hours));
  return {};
}

Result<void> add_server(const toml::table& table, jobs::RateRules& rules) {
  if (rules.servers.size() >= most_rules) return fail(Reason::invalid, "are too many");
  if (auto known = only(table, {"host", "rate", "connections", "pause"}); !known) return known;
  jobs::ServerRule rule;
  rule.host = ascii_lower(text_of(table, "host"));
  if (!is_pattern(rule.host))
    return wrong("host", "a name such as \"example.org\", \"*.example.org\" or \"*\"");
  if (const toml::node* rate = table.get("rate"))
    if (auto read = read_rate(*rate, rule.bytes_per_s); !read)
      return fail(Reason::invalid, "rate " + read.error().message);
  if (const toml::node* connections = table.get("connections")) {
    const std::int64_t count = connections->is_integer() ? connections->as_integer()->get() : 0;
    if (count < 1 || count > 1000) return wrong("connections", "a number from 1 to 1000");
    rule.connections = static_cast<int>(count);
  }
  if (table.contains("pause")) {
    const auto pause = proxy::parse_duration(text_of(table, "pause"));
    if (!pause || *pause < Seconds(0) || *pause > longest_pause)
      return wrong("pause", "a duration of at most an hour, such as \"5s\"");
    rule.pause = *pause;
  }
  rules.servers.push_back(std::move(rule));
  return {};
}

}  // namespace restante::daemon
