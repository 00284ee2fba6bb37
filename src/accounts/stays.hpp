// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/model.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

// Guests stay from one instant to another. What that means at a given time is decided here, in plain
// functions; src/api/stays.cpp acts on it.
namespace restante::accounts {

/// [guests] in the configuration.
struct GuestLimits {
  Seconds grace{3 * 86400};                                 ///< between the end of a stay and the erasure
  std::optional<std::uint64_t> quota_bytes{10ull << 30};    ///< of an invitation that names none
  std::optional<std::uint64_t> traffic_bytes{50ull << 30};  ///< in a calendar month
  Seconds longest_stay{366 * 86400};
  Seconds longest_ahead{2 * 366 * 86400};  ///< from now to the end
  std::size_t label_bytes = 200;
  std::size_t guests = 10000;  ///< at one time
};

enum class Stay {
  unlimited,  ///< no stay: an ordinary account
  coming,     ///< may ask for content already
  here,
  leaving,  ///< over; may only look and take, until the grace has passed
  over,     ///< nobody gets in; everything is to be erased
};
Stay stay_at(const Account& account, Instant now, Seconds grace);

/// When `leaving` begins, and when `over` does; never without a stay.
Instant stay_ends(const Account& account);
Instant stay_erased(const Account& account, Seconds grace);

/// The account's stay ended long ago, whatever its role: it is over from now on. Stored, this is the mark by
/// which an erasure that was interrupted goes on.
Account marked_for_erasure(Account account);
bool is_marked_for_erasure(const Account& account);

struct NewGuest {
  Instant from{}, until{};
  std::optional<std::uint64_t> quota_bytes, traffic_bytes;  ///< none: those of GuestLimits
  std::string label;                                        ///< what the operator calls the guest
};
/// Error invalid, with a pointer to the member: ends before it begins, is over, too long, too far ahead; a
/// label too long or with control characters.
Result<void> check_stay(const NewGuest& guest, Instant now, const GuestLimits& limits);

/// "guest-" and six random letters and digits: tells nothing about the person.
std::string guest_name();

}  // namespace restante::accounts
