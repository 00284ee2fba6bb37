// SPDX-License-Identifier: Apache-2.0
#include "api/link_door.hpp"

#include <gtest/gtest.h>

namespace restante::api {
namespace {

const Instant now{Seconds{1'800'000'000}};

files::Link link(std::uint8_t number) {
  files::Link out;
  out.id.bytes[0] = number;
  out.password_hash = "$argon2id$one";
  return out;
}

TEST(LinkDoor, APassOpensItsOwnLinkUntilItsTime) {
  const LinkDoor door;

  const auto pass = door.pass(link(1), now + Seconds{60});

  EXPECT_TRUE(door.admits(link(1), pass, now));
  EXPECT_FALSE(door.admits(link(2), pass, now));
  EXPECT_FALSE(door.admits(link(1), pass, now + Seconds{60}));
}

TEST(LinkDoor, AChangedPassOpensNothing) {
  const LinkDoor door;
  const auto pass = door.pass(link(1), now + Seconds{60});
  const auto later = "9" + pass;

  for (const auto& wrong : {std::string(), std::string("."), later, pass + "a",
                            pass.substr(0, pass.size() - 1), "x" + pass, " " + pass, "-" + pass})
    EXPECT_FALSE(door.admits(link(1), wrong, now)) << wrong;
}

TEST(LinkDoor, AnotherPasswordOrAnotherServerEndsAPass) {
  const LinkDoor door, other;
  auto changed = link(1);
  changed.password_hash = "$argon2id$two";

  const auto pass = door.pass(link(1), now + Seconds{60});

  EXPECT_FALSE(door.admits(changed, pass, now));
  EXPECT_FALSE(other.admits(link(1), pass, now));
}

TEST(LinkDoor, GuessingIsSlowedDownForTheLinkAndForWhoGuesses) {
  LinkDoor door;
  for (int i = 0; i < 12; ++i) door.guessed(link(1), "192.0.2.1", now);

  EXPECT_GT(door.wait(link(1), "198.51.100.7", now), Seconds{0});
  EXPECT_LE(door.wait(link(1), "198.51.100.7", now), Seconds{60});
  EXPECT_GT(door.wait(link(2), "192.0.2.1", now), Seconds{0});
  EXPECT_EQ(door.wait(link(2), "198.51.100.7", now), Seconds{0});
}

TEST(LinkDoor, ACookieThatComesTwiceIsNone) {
  EXPECT_EQ(cookie_value("a=1; restante-link=x; b=2", "restante-link"), "x");
  EXPECT_EQ(cookie_value("restante-link=x;restante-link=y", "restante-link"), "");
  EXPECT_EQ(cookie_value("Xrestante-link=x", "restante-link"), "");
  EXPECT_EQ(cookie_value("", "restante-link"), "");
}

}  // namespace
}  // namespace restante::api
