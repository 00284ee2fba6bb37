// SPDX-License-Identifier: Apache-2.0
#include "request/trips.hpp"

#include "base/text.hpp"
#include "request/test_place.hpp"

#include <gtest/gtest.h>

namespace restante::request {
namespace {

Instant day(int number) {
  return *from_rfc3339("2026-11-01T00:00:00Z") + std::chrono::hours{24 * (number - 1)};
}

TEST(Trips, TheOneUnderWayCountsElseTheNextOne) {
  std::vector<Trip> trips;
  put_trip(trips, {"hotel", day(20), day(25)});
  put_trip(trips, {"office", day(2), day(30)});
  put_trip(trips, {"hostel", day(40), day(45)});

  EXPECT_EQ(trip_at(trips, day(1))->place, "office");
  EXPECT_EQ(trip_at(trips, day(2))->place, "office");
  EXPECT_EQ(trip_at(trips, day(21))->place, "hotel");
  EXPECT_EQ(trip_at(trips, day(25))->place, "office");
  EXPECT_EQ(trip_at(trips, day(30))->place, "hostel");
  EXPECT_EQ(trip_at(trips, day(45)).error().reason, Reason::not_found);
}

TEST(Trips, AnotherOneOfThePlaceThatOverlapsGivesWay) {
  std::vector<Trip> trips;
  put_trip(trips, {"hotel", day(1), day(5)});
  put_trip(trips, {"hotel", day(10), day(15)});
  put_trip(trips, {"hostel", day(1), day(5)});

  put_trip(trips, {"hotel", day(4), day(8)});

  ASSERT_EQ(trips.size(), 3u);
  EXPECT_EQ(trips[1].from, day(4));
  EXPECT_EQ(trips[2].from, day(10));
}

TEST(Trips, AreReadAsTheyWereWrittenButThoseThatAreOver) {
  TestFolder folder;
  auto home = Home::open_at(folder / "h");
  ASSERT_TRUE(save_trips(*home, {{"old", day(1), day(2)}, {"hotel", day(2), day(9)}}, day(2)));

  const auto trips = load_trips(*home);

  ASSERT_TRUE(trips);
  ASSERT_EQ(trips->size(), 1u);
  EXPECT_EQ(trips->at(0).place, "hotel");
  EXPECT_EQ(trips->at(0).from, day(2));
  EXPECT_EQ(trips->at(0).until, day(9));
}

TEST(Trips, WhatIsAskedForLongBeforeIsKeptUntilDaysAfterTheEnd) {
  const auto days = [](Seconds time) { return time.count() / 86400; };

  EXPECT_EQ(days(kept_for({"x", day(100), day(110)}, day(1))), 116);
  EXPECT_EQ(days(kept_for({"x", day(1), day(3)}, day(2))), 30);
}

TEST(Trips, MustEndAfterTheyBeginAndInTheFuture) {
  EXPECT_TRUE(check_trip({"x", day(1), day(3)}, day(2)));
  EXPECT_FALSE(check_trip({"x", day(3), day(3)}, day(2)));
  EXPECT_FALSE(check_trip({"x", day(1), day(2)}, day(2)));
}

}  // namespace
}  // namespace restante::request
