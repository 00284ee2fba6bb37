// SPDX-License-Identifier: Apache-2.0
#include "proxy/stay_time.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante::proxy {
namespace {

const Instant now = *from_rfc3339("2026-11-22T12:00:00Z");

std::string read(std::string_view text, StayEdge edge) {
  const auto instant = parse_stay_time(text, "Europe/Paris", now, edge);
  return instant ? to_rfc3339(*instant) : std::string(info(instant.error().reason).code);
}

TEST(StayTime, ADayBeginsAndEndsOnTheClocksOfItsZone) {
  EXPECT_EQ(read("2026-12-01", StayEdge::from), "2026-11-30T23:00:00Z");
  EXPECT_EQ(read("2026-12-01", StayEdge::until), "2026-12-01T23:00:00Z");
  EXPECT_EQ(read("2027-03-28", StayEdge::until), "2027-03-28T22:00:00Z");  // a day of 23 hours
}

TEST(StayTime, OtherTimesAreThoseThatPeopleType) {
  EXPECT_EQ(read("2026-12-01T15:00:00Z", StayEdge::until), "2026-12-01T15:00:00Z");
  EXPECT_EQ(read("+2d", StayEdge::until), "2026-11-24T12:00:00Z");
  EXPECT_EQ(read("now", StayEdge::from), "2026-11-22T12:00:00Z");
}

TEST(StayTime, WhatIsNoDayIsRefused) {
  for (const char* wrong : {"2026-13-01", "2026-02-30", "2026-1a-01", "2026--1-01", "tomorrow-x", "", "2026"})
    EXPECT_EQ(read(wrong, StayEdge::from), "usage") << wrong;
}

}  // namespace
}  // namespace restante::proxy
