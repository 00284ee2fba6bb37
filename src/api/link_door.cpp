// SPDX-License-Identifier: Apache-2.0
#include "api/link_door.hpp"

#include "accounts/names.hpp"
#include "base/crypto.hpp"
#include "base/text.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <charconv>

namespace restante::api {

LinkDoor::LinkDoor(LinkDoorLimits limits)
    : limits_(limits),
      by_link_({.free = limits.passwords_before_backoff, .longest = limits.longest_backoff_by_link}),
      by_peer_({.free = limits.passwords_before_backoff, .longest = limits.longest_backoff_by_peer}),
      key_(random_string(crypto_auth_KEYBYTES)) {
  RESTANTE_REQUIRE(sodium_init() >= 0);
}

Seconds LinkDoor::wait(const files::Link& link, std::string_view peer, Instant now) const {
  return std::max(by_link_.wait(link.id.text(), now), by_peer_.wait(accounts::peer_group(peer), now));
}

void LinkDoor::guessed(const files::Link& link, std::string_view peer, Instant now) {
  by_link_.failed(link.id.text(), now);
  by_peer_.failed(accounts::peer_group(peer), now);
}

void LinkDoor::was_right(const files::Link& link, std::string_view peer) {
  by_link_.forget(link.id.text());
  by_peer_.forgive(accounts::peer_group(peer));
}

std::string LinkDoor::seal(const files::Link& link, std::string_view until) const {
  const std::string text = fmt::format("link {} until {} by {}", link.id.text(), until, link.password_hash);
  unsigned char out[crypto_auth_BYTES];
  crypto_auth(out, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
              reinterpret_cast<const unsigned char*>(key_.data()));
  return to_base64url({reinterpret_cast<const char*>(out), sizeof out});
}

std::string LinkDoor::pass(const files::Link& link, Instant until) const {
  const std::string digits = std::to_string(until.time_since_epoch().count());
  return digits + "." + seal(link, digits);
}

bool LinkDoor::admits(const files::Link& link, std::string_view pass, Instant now) const {
  const auto dot = pass.find('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view digits = pass.substr(0, dot);
  std::int64_t until = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), until);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return false;
  return equal_in_constant_time(pass.substr(dot + 1), seal(link, digits)) && Instant(Millis(until)) > now;
}

std::string cookie_value(std::string_view header, std::string_view name) {
  std::string found;
  int times = 0;
  while (!header.empty()) {
    const auto end = std::min(header.find(';'), header.size());
    std::string_view one = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    const auto equals = one.find('=');
    if (equals == std::string_view::npos || one.substr(0, equals) != name) continue;
    found = one.substr(equals + 1);
    ++times;
  }
  return times == 1 ? found : std::string();
}

}  // namespace restante::api
