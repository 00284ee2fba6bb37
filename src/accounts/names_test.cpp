// SPDX-License-Identifier: Apache-2.0
#include "accounts/names.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante::accounts {
namespace {

TEST(UserName, IsWhatMayNameAFolder) {
  for (const char* good : {"ana", "a", "0day", "ana.b-c_d", "x64"}) EXPECT_TRUE(check_name(good)) << good;
  const std::string too_long(65, 'a');
  for (const char* bad :
       {"", ".", "..", ".ana", "-ana", "_a", "Ana", "a/b", "a b", "\xc3\xa4nn", "a\n", too_long.c_str()})
    EXPECT_FALSE(check_name(bad)) << bad;
}

TEST(DeviceLabel, HoldsNothingThatHarmsATerminal) {
  EXPECT_EQ(clean_label("Ana's \x1b[31mphone\n"), "Ana's [31mphone");
  EXPECT_EQ(clean_label(""), "device");
  EXPECT_EQ(clean_label("\xff\xfe"), "device");
}

TEST(DeviceLabel, IsCutBetweenCharacters) {
  std::string label;
  for (int i = 0; i < 40; ++i) label += "\xc3\xbc";

  const auto cleaned = clean_label("x" + label);

  EXPECT_LE(cleaned.size(), 64u);
  EXPECT_GE(cleaned.size(), 62u);
  EXPECT_TRUE(is_utf8(cleaned));
}

TEST(PeerGroup, TakesAnIpv6NetworkAsOne) {
  EXPECT_EQ(peer_group("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(peer_group("2001:db8:1:2::9"), peer_group("2001:db8:1:2:ffff::1"));
  EXPECT_NE(peer_group("2001:db8:1:3::9"), peer_group("2001:db8:1:2::9"));
  EXPECT_EQ(peer_group("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(peer_group("192.0.2.7"), "192.0.2.7");
}

}  // namespace
}  // namespace restante::accounts
