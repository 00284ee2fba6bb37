// SPDX-License-Identifier: Apache-2.0
#include "accounts/stays.hpp"

#include "accounts/names.hpp"
#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante::accounts {
namespace {

constexpr Seconds grace{100};
const Instant now = *from_rfc3339("2026-11-22T12:00:00Z");

Account staying(Instant from, Instant until) {
  Account account;
  account.role = Role::guest;
  account.valid_from = from;
  account.valid_until = until;
  return account;
}

TEST(Stays, GoThroughTheirPhasesAndTheEndBelongsToTheNext) {
  const Account account = staying(now, now + Seconds{10});

  EXPECT_EQ(stay_at(account, now - Millis{1}, grace), Stay::coming);
  EXPECT_EQ(stay_at(account, now, grace), Stay::here);
  EXPECT_EQ(stay_at(account, now + Millis{9999}, grace), Stay::here);
  EXPECT_EQ(stay_at(account, now + Seconds{10}, grace), Stay::leaving);
  EXPECT_EQ(stay_at(account, now + Millis{109999}, grace), Stay::leaving);
  EXPECT_EQ(stay_at(account, now + Seconds{110}, grace), Stay::over);
}

TEST(Stays, AnAccountWithoutOneNeverEnds) {
  EXPECT_EQ(stay_at(Account{}, never - Millis{1}, grace), Stay::unlimited);
  EXPECT_EQ(stay_ends(Account{}), never);
  EXPECT_EQ(stay_erased(Account{}, grace), never);
}

TEST(Stays, TheMarkOfErasureEndsAnyAccountAtOnceWhateverTheGrace) {
  Account user;
  user.role = Role::admin;
  EXPECT_FALSE(is_marked_for_erasure(user));
  EXPECT_FALSE(is_marked_for_erasure(staying(now, now + Seconds{1})));

  const Account marked = marked_for_erasure(user);

  EXPECT_TRUE(is_marked_for_erasure(marked));
  EXPECT_EQ(stay_at(marked, now, Seconds{1'000'000'000'000}), Stay::over);
}

TEST(Stays, AreRefusedWhereTheyMakeNoSense) {
  const GuestLimits limits;
  const auto pointer = [&](Instant from, Instant until, std::string label = "room 12") {
    const auto checked = check_stay({from, until, {}, {}, std::move(label)}, now, limits);
    return checked ? std::string("fine") : checked.error().pointer;
  };
  const auto day = Seconds{86400};

  EXPECT_EQ(pointer(now + day, now + 3 * day), "fine");
  EXPECT_EQ(pointer(now - day, now + day), "fine");
  EXPECT_EQ(pointer(now + day, now + day), "/until");
  EXPECT_EQ(pointer(now - 2 * day, now), "/until");
  EXPECT_EQ(pointer(now, now + 367 * day), "/until");
  EXPECT_EQ(pointer(now + 730 * day, now + 733 * day), "/until");
  EXPECT_EQ(pointer(now, now + day, "two\r\nlines"), "/label");
  EXPECT_EQ(pointer(now, now + day, std::string(201, 'x')), "/label");
  EXPECT_EQ(pointer(now, now + day, "\xff"), "/label");
}

TEST(Stays, GiveNamesThatAnAccountMayHaveAndThatDiffer) {
  const std::string name = guest_name();

  EXPECT_TRUE(check_name(name));
  EXPECT_TRUE(name.starts_with("guest-"));
  EXPECT_EQ(name.size(), 12u);
  EXPECT_NE(name, guest_name());
}

}  // namespace
}  // namespace restante::accounts
