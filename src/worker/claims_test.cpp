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
  if (judged || judged.error().reason != Reason::malformed) claims.resolved(asked.part);
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

TEST(Claims, NothingLeadsAwayFromAFileServer) {
  jobs::TransferOrder files = order();
  files.source.url = "ftp://a.example:2121/x";
  const auto asked = [&](Resolve where, std::uint16_t port) {
    Claims claims(files, {});
    where.port = port;
    return ask(claims, where).has_value();
  };

  EXPECT_TRUE(asked(hop(1, "a.example", "ftp"), 2121));
  EXPECT_FALSE(asked(hop(1, "a.example", "ftp"), 2122));
  EXPECT_FALSE(asked(hop(1, "b.example", "ftp"), 2121));
  EXPECT_FALSE(asked(hop(1, "a.example", "ftps"), 2121));
  EXPECT_FALSE(asked(hop(1, "a.example", "http"), 2121));
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

  EXPECT_TRUE(claims.has(5, {}, 5));
  EXPECT_FALSE(claims.has(6, {}, 5));
}

jobs::TransferOrder over_connections(int connections) {
  auto out = order();
  out.connections = connections;
  return out;
}

TEST(Claims, EachConnectionHasHopsOfItsOwnAndNoMoreThanItsOrderPermits) {
  Claims one(order(), {}), four(over_connections(4), {});
  const auto at = [](std::uint32_t part, std::uint32_t number) {
    Resolve asked = hop(number);
    asked.part = part;
    return asked;
  };

  EXPECT_EQ(ask(one, at(1, 1)).error().reason, Reason::malformed);
  EXPECT_TRUE(four.resolve(at(0, 1)));
  for (std::uint32_t part = 1; part <= 4; ++part) EXPECT_TRUE(four.resolve(at(part, 1))) << part;
  EXPECT_EQ(four.resolve(at(5, 1)).error().reason, Reason::malformed);
  EXPECT_EQ(four.resolve(at(2, 2)).error().reason, Reason::malformed) << "it is being answered";
  four.resolved(2);
  EXPECT_TRUE(four.resolve(at(2, 2)));
}

TEST(Claims, TheHostsOfOtherSourcesAreTheOrdersOwn) {
  auto mirrored = over_connections(4);
  for (int i = 0; i < 12; ++i) {
    mirrored.others.emplace_back();
    mirrored.others.back().source.url = "http://m" + std::to_string(i) + ".example/x";
  }
  Claims claims(mirrored, {64, 1, 0});

  std::uint32_t number = 0;
  for (int i = 0; i < 12; ++i)
    EXPECT_TRUE(ask(claims, hop(++number, "m" + std::to_string(i) + ".example"))) << i;
  EXPECT_TRUE(ask(claims, hop(++number, "stranger.example")));
  EXPECT_FALSE(ask(claims, hop(++number, "another.example")));
}

TEST(Claims, StretchesLieInOrderBehindTheBeginningAndInsideTheFile) {
  const Claims claims(over_connections(4), {});
  const auto span = [](std::uint64_t begin, std::uint64_t bytes) {
    return SpanReport{begin, {0, bytes, std::string(pieces_in(bytes) * piece_digest_bytes, 'd')}};
  };

  EXPECT_TRUE(claims.has(5, {span(6, 4), span(10, 10)}, 20));
  EXPECT_FALSE(claims.has(5, {span(5, 4)}, 20)) << "it touches the beginning";
  EXPECT_FALSE(claims.has(5, {span(10, 5), span(6, 2)}, 20)) << "not in order";
  EXPECT_FALSE(claims.has(5, {span(6, 5), span(10, 5)}, 20)) << "they overlap";
  EXPECT_FALSE(claims.has(5, {span(10, 11)}, 20)) << "behind the file's end";
  EXPECT_FALSE(claims.has(5, {span(~0ull - 1, 4)}, 20));
  EXPECT_FALSE(claims.has(5, {span(10, 0)}, 20));
  auto fewer = span(10, 5);
  fewer.pieces.digests.pop_back();
  EXPECT_FALSE(claims.has(5, {fewer}, 20));
  EXPECT_FALSE(Claims(order(), {}).has(5, {span(10, 5)}, 20)) << "over one connection there are none";
  std::vector<SpanReport> many;
  for (std::uint64_t i = 0; i < 17; ++i) many.push_back(span(10 + 2 * i, 1));
  EXPECT_FALSE(claims.has(5, many, 100));
  many.pop_back();
  EXPECT_TRUE(claims.has(5, many, 100));
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
