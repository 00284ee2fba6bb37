// SPDX-License-Identifier: Apache-2.0
#include "worker/claims.hpp"

#include <gtest/gtest.h>

#include <string>

namespace restante::worker {
namespace {

jobs::TransferOrder order() {
  jobs::TransferOrder out;
  out.source.url = "http://a.example/x";
  return out;
}

Resolve hop(std::uint32_t number, std::string host = "a.example", std::string scheme = "http") {
  return {1, number, std::move(scheme), std::move(host), 80};
}

/// Asks, and is answered.
Result<void> ask(Claims& claims, const Resolve& asked) {
  auto judged = claims.resolve(asked);
  claims.resolved();
  return judged;
}

TEST(Claims, AHopComesOnceAndInOrder) {
  Claims claims(order(), {});

  EXPECT_TRUE(ask(claims, hop(1)));
  EXPECT_TRUE(ask(claims, hop(2)));

  EXPECT_EQ(ask(claims, hop(2)).error().reason, Reason::malformed);
  EXPECT_EQ(ask(claims, hop(1)).error().reason, Reason::malformed);
}

TEST(Claims, NothingIsAskedWhileAHopIsBeingAnswered) {
  Claims claims(order(), {});

  EXPECT_TRUE(claims.resolve(hop(1)));

  EXPECT_EQ(claims.resolve(hop(2)).error().reason, Reason::malformed);
}

TEST(Claims, OnlyWebAddressesAreAskedFor) {
  for (const char* scheme : {"ftp", "ftps", "", "HTTP"}) {
    Claims claims(order(), {});
    EXPECT_FALSE(ask(claims, hop(1, "a.example", scheme))) << scheme;
  }
}

TEST(Claims, TheOrdersOwnHostCountsAsNoOther) {
  Claims claims(order(), {});

  for (std::uint32_t i = 1; i <= 20; ++i) EXPECT_TRUE(ask(claims, hop(i))) << i;
}

TEST(Claims, SoManyHostsAsAnHonestWorkerFollowsAreReachable) {
  Claims claims(order(), {});
  std::uint32_t number = 0;

  for (int i = 0; i < 10; ++i) EXPECT_TRUE(ask(claims, hop(++number, "h" + std::to_string(i)))) << i;

  EXPECT_EQ(ask(claims, hop(++number, "h10")).error().reason, Reason::redirect_loop);
  EXPECT_EQ(ask(claims, hop(++number, "h11")).error().reason, Reason::redirect_loop);
}

TEST(Claims, AnotherPortIsAnotherHost) {
  Claims claims(order(), {64, 1, 0});
  Resolve other = hop(1);
  other.port = 25;
  Resolve third = hop(2);
  third.port = 26;

  EXPECT_TRUE(ask(claims, other));
  EXPECT_FALSE(ask(claims, third));
}

TEST(Claims, AddressesAreAskedForOnlySoOften) {
  Claims claims(order(), {3, 10, 0});

  for (std::uint32_t i = 1; i <= 3; ++i) EXPECT_TRUE(ask(claims, hop(i)));

  EXPECT_EQ(ask(claims, hop(4)).error().reason, Reason::redirect_loop);
}

TEST(Claims, ARequestIsAnsweredOnce) {
  Claims claims(order(), {});

  EXPECT_TRUE(claims.responded());
  EXPECT_FALSE(claims.responded());
}

TEST(Claims, BytesThatAreNotInTheFileAreNotBelieved) {
  Claims claims(order(), {});

  EXPECT_TRUE(claims.has(5, 5));
  EXPECT_FALSE(claims.has(6, 5));
}

TEST(Claims, RenewedTokensAreWhatADocumentMayCarryAndRare) {
  const auto renewed = [](jobs::RenewedTokens tokens) {
    Claims claims(order(), {});
    return claims.renewed(tokens).has_value();
  };
  EXPECT_TRUE(renewed({"c1", "access", "refresh", 5}));
  EXPECT_FALSE(renewed({"c1", "", "refresh", {}}));
  EXPECT_FALSE(renewed({"c1", "access", "line\r\nbreak", {}}));
  EXPECT_FALSE(renewed({"c1", std::string(16385, 'a'), "refresh", {}}));
  EXPECT_FALSE(renewed({"c1", "access", "refresh", -1}));
  EXPECT_FALSE(renewed({std::string(65, 'c'), "access", "refresh", {}}));

  Claims claims(order(), {});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(claims.renewed({"c1", "access", "refresh", {}}));
  EXPECT_FALSE(claims.renewed({"c1", "access", "refresh", {}}));
}

TEST(Claims, ATransferStaysInThePlacesRoom) {
  auto limited = order();
  limited.offset = 100;
  limited.room_bytes = 1000;
  const Claims claims(limited, {64, 10, 50});

  EXPECT_FALSE(claims.overdrawn(1150));
  EXPECT_TRUE(claims.overdrawn(1151));
}

TEST(Claims, WhatLayInTheFileBeforeIsNoOverdraft) {
  auto limited = order();
  limited.offset = 100;
  limited.room_bytes = 1000;
  const Claims claims(limited, {64, 10, 50}, 5000);

  EXPECT_FALSE(claims.overdrawn(6050));
  EXPECT_TRUE(claims.overdrawn(6051));
}

TEST(Claims, WithoutALimitThereIsNoEndOfTheRoom) {
  auto endless = order();
  endless.room_bytes = std::numeric_limits<std::uint64_t>::max();
  const Claims claims(endless, {});

  EXPECT_FALSE(claims.overdrawn(1ull << 60));
  EXPECT_FALSE(Claims(order(), {}).overdrawn(1ull << 60));
}

}  // namespace
}  // namespace restante::worker
