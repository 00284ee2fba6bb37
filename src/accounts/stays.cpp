// SPDX-License-Identifier: Apache-2.0
#include "accounts/stays.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace restante::accounts {

namespace {

constexpr Instant long_ago{};  ///< 1970: before any stay

int days(Seconds time) {
  return static_cast<int>(time.count() / 86400);
}

}  // namespace

Instant stay_ends(const Account& account) {
  return account.valid_until.value_or(never);
}

Instant stay_erased(const Account& account, Seconds grace) {
  if (!account.valid_until) return never;
  if (is_marked_for_erasure(account)) return long_ago;
  return *account.valid_until + grace;
}

Stay stay_at(const Account& account, Instant now, Seconds grace) {
  if (!account.valid_until) return Stay::unlimited;
  if (now >= stay_erased(account, grace)) return Stay::over;
  if (now >= stay_ends(account)) return Stay::leaving;
  return account.valid_from && now < *account.valid_from ? Stay::coming : Stay::here;
}

Account marked_for_erasure(Account account) {
  account.valid_until = long_ago;
  return account;
}

bool is_marked_for_erasure(const Account& account) {
  return account.valid_until && *account.valid_until == long_ago;
}

Result<void> check_stay(const NewGuest& guest, Instant now, const GuestLimits& limits) {
  const auto& [from, until, quota, traffic, label] = guest;
  if (until <= from)
    return fail(Reason::invalid, "the stay ends before it begins", "give an end after the beginning",
                "/until");
  if (until <= now)
    return fail(Reason::invalid, "the stay is over already", "give an end that is still to come", "/until");
  if (until - from > limits.longest_stay)
    return fail(Reason::invalid, fmt::format("the stay is longer than {} days", days(limits.longest_stay)),
                "add a user instead: `restanted user add`", "/until");
  if (until - now > limits.longest_ahead)
    return fail(Reason::invalid,
                fmt::format("the stay ends more than {} days ahead", days(limits.longest_ahead)),
                "invite later", "/until");
  const bool controls = std::any_of(label.begin(), label.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (label.size() > limits.label_bytes || controls || !is_utf8(label))
    return fail(Reason::invalid,
                fmt::format("the label is not a line of text of at most {} bytes", limits.label_bytes),
                "a room's number is enough", "/label");
  return {};
}

std::string guest_name() {
  constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789";  // 32, none alike
  std::string name = "guest-";
  for (const char c : random_string(6)) name += letters[static_cast<unsigned char>(c) % letters.size()];
  return name;
}

}  // namespace restante::accounts
