// SPDX-License-Identifier: Apache-2.0
#include "net/resolver.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <atomic>
#include <future>
#include <memory>
#include <netinet/in.h>

namespace restante::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Endpoint endpoint(const std::string& text, std::uint16_t port = 80) {
  auto read = read_literal(text, port);
  EXPECT_TRUE(read && *read) << text;
  return **read;
}

struct Fixture {
  asio::io_context loop;
  asio::thread_pool pool{2};

  Result<std::vector<Endpoint>> resolve(Resolver& resolver, const std::string& host,
                                        AddressPolicy policy = {}, Lan lan = Lan::refused) {
    std::optional<Result<std::vector<Endpoint>>> out;
    auto body = [](Resolver& r, std::string h, AddressPolicy p, Lan l,
                   std::optional<Result<std::vector<Endpoint>>>& o) -> Task<> {
      o.emplace(co_await r.resolve(h, 80, p, l));
    };
    asio::co_spawn(loop, body(resolver, host, policy, lan, out), asio::detached);
    loop.restart();
    loop.run();
    return std::move(*out);
  }
};

Resolver::Lookup answering(std::vector<std::string> addresses) {
  return [addresses](const std::string&, std::uint16_t port) -> Result<std::vector<Endpoint>> {
    std::vector<Endpoint> out;
    for (const auto& address : addresses) out.push_back(endpoint(address, port));
    return out;
  };
}

std::vector<std::string> texts(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> out;
  for (const auto& one : endpoints) out.push_back(one.numeric());
  return out;
}

TEST(Literal, OneSpellingIsOneAddress) {
  for (const char* good : {"127.0.0.1", "8.8.8.8", "255.255.255.255", "::1", "2001:db8::1", "fe80::1"}) {
    auto read = read_literal(good, 443);
    ASSERT_TRUE(read && *read) << good;
    EXPECT_EQ((**read).numeric(), good);
    EXPECT_EQ((**read).port(), 443);
  }
}

TEST(Literal, EveryOtherSpellingOfANumberIsRefused) {
  for (const char* bad : {"2130706433",
                          "0x7f000001",
                          "0X7F000001",
                          "017700000001",
                          "127.1",
                          "127.0.1",
                          "0177.0.0.1",
                          "0x7f.0.0.1",
                          "0x7f.1",
                          "127.0.0.01",
                          "127.0.0.1.",
                          "127.0.0.0x1",
                          "0",
                          "0.",
                          "00",
                          "1.2.3.4.5",
                          "256.1.1.1",
                          "127.0.0.256",
                          "4294967296",
                          "example.0",
                          "example.0x1",
                          "example.com.1.",
                          "::ffff:127.0.0.1",
                          "::ffff:8.8.8.8",
                          "64:ff9b::8.8.8.8",
                          "64:ff9b::808:808",
                          "fe80::1%eth0",
                          "fe80::1%25eth0",
                          "::1%lo",
                          "1::2::3",
                          ":",
                          "::1:",
                          "0x"}) {
    auto read = read_literal(bad, 80);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().reason, Reason::address) << bad;
  }
}

TEST(Literal, WhatIsNoHostNameIsRefused) {
  const std::string long_label(64, 'a'), long_name = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                                                     std::string(63, 'c') + "." + std::string(63, 'd');
  for (const std::string& bad :
       {std::string(""), std::string("."), std::string(".."), std::string("a..b"), std::string(".a"),
        std::string("a b"), std::string("a\tb"), std::string("a/b"), std::string("a@b"), std::string("a#b"),
        std::string("a\\b"), std::string("a%2eb"), std::string("１２７.0.0.1"), std::string("ⓛocalhost"),
        std::string("a\0b", 3), std::string("[::1]"), long_label, long_name}) {
    auto read = read_literal(bad, 80);
    EXPECT_FALSE(read && true) << bad;
  }
}

TEST(Literal, NamesAreLookedUp) {
  for (const char* name : {"localhost", "example.org", "example.org.", "xn--bcher-kva.example", "a_b.example",
                           "1a", "0xg", "1.example", "a.1b"}) {
    auto read = read_literal(name, 80);
    ASSERT_TRUE(read) << name;
    EXPECT_FALSE(read->has_value()) << name;
  }
}

TEST(Resolver, JudgesLiteralsWithoutALookUp) {
  Fixture f;
  std::atomic<int> asked = 0;
  Resolver resolver(f.loop.get_executor(), f.pool.get_executor(), {}, [&](const std::string&, std::uint16_t) {
    ++asked;
    return Result<std::vector<Endpoint>>{};
  });

  auto good = f.resolve(resolver, "8.8.8.8");
  auto bad = f.resolve(resolver, "127.0.0.1");

  ASSERT_TRUE(good);
  EXPECT_THAT(texts(*good), ElementsAre("8.8.8.8"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().reason, Reason::address);
  EXPECT_EQ(asked, 0);
}

TEST(Resolver, LeavesForbiddenAnswersOut) {
  Fixture f;
  Resolver resolver(f.loop.get_executor(), f.pool.get_executor(), {},
                    answering({"10.0.0.1", "8.8.8.8", "fd00::1", "2606:4700::1", "127.0.0.1"}));

  auto found = f.resolve(resolver, "mixed.example");

  ASSERT_TRUE(found);
  EXPECT_THAT(texts(*found), ElementsAre("8.8.8.8", "2606:4700::1"));
}

TEST(Resolver, NamesHostAndRangeWhenNothingIsLeft) {
  Fixture f;
  Resolver resolver(f.loop.get_executor(), f.pool.get_executor(), {}, answering({"10.0.0.1", "127.0.0.1"}));

  auto found = f.resolve(resolver, "inside.example");

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().reason, Reason::address);
  EXPECT_THAT(found.error().message, HasSubstr("inside.example"));
  EXPECT_THAT(found.error().message, HasSubstr("10.0.0.0/8"));
}

TEST(Resolver, TakesTheFamiliesByTurnsAndEachAddressOnce) {
  Fixture f;
  ResolveLimits limits;
  limits.addresses = 5;
  Resolver resolver(f.loop.get_executor(), f.pool.get_executor(), limits,
                    answering({"2600::1", "2600::2", "2600::1", "2600::3", "8.8.8.1", "8.8.8.2", "8.8.8.3"}));

  auto found = f.resolve(resolver, "many.example");

  ASSERT_TRUE(found);
  EXPECT_THAT(texts(*found), ElementsAre("2600::1", "8.8.8.1", "2600::2", "8.8.8.2", "2600::3"));
}

TEST(Resolver, AsksTheSystemForLocalhostAndRefusesIt) {
  Fixture f;
  Resolver resolver(f.loop.get_executor(), f.pool.get_executor());
  AddressPolicy policy;
  policy.allow = {*AddressRange::parse("127.0.0.0/8"), *AddressRange::parse("::1")};

  auto refused = f.resolve(resolver, "localhost");
  auto allowed = f.resolve(resolver, "localhost", policy);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::address);
  ASSERT_TRUE(allowed);
  EXPECT_EQ(allowed->front().port(), 80);
}

TEST(Resolver, GivesUpAtItsDeadlineAndFreesThePlaceLater) {
  Fixture f;
  std::promise<void> open;
  auto gate = open.get_future().share();
  std::atomic<int> calls = 0;
  ResolveLimits limits;
  limits.parallel = 1;
  limits.deadline = Millis(30);
  Resolver resolver(f.loop.get_executor(), f.pool.get_executor(), limits,
                    [&, gate](const std::string&, std::uint16_t port) -> Result<std::vector<Endpoint>> {
                      if (++calls == 1) gate.wait();
                      return std::vector{endpoint("8.8.8.8", port)};
                    });

  auto late = f.resolve(resolver, "slow.example");
  auto behind = f.resolve(resolver, "next.example");
  open.set_value();
  f.pool.join();
  f.loop.restart();
  f.loop.run();

  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason, Reason::timeout);
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().reason, Reason::timeout);
  EXPECT_EQ(calls, 1);
}

TEST(Resolver, LooksUpAtMostSoManyAtOnceAndRefusesMoreThanMayWait) {
  Fixture f;
  std::atomic<int> at_once = 0, most = 0;
  ResolveLimits limits;
  limits.parallel = 1;
  limits.waiting = 2;
  Resolver resolver(f.loop.get_executor(), f.pool.get_executor(), limits,
                    [&](const std::string&, std::uint16_t port) -> Result<std::vector<Endpoint>> {
                      most = std::max<int>(most, ++at_once);
                      --at_once;
                      return std::vector{endpoint("8.8.8.8", port)};
                    });
  int good = 0, busy = 0;
  auto body = [](Resolver& r, int& g, int& b) -> Task<> {
    AddressPolicy none;
    auto found = co_await r.resolve("a.example", 80, none, Lan::refused);
    if (found)
      ++g;
    else if (found.error().reason == Reason::busy)
      ++b;
  };

  for (int i = 0; i < 5; ++i) asio::co_spawn(f.loop, body(resolver, good, busy), asio::detached);
  f.loop.run();

  EXPECT_EQ(good, 3);
  EXPECT_EQ(busy, 2);
  EXPECT_EQ(most, 1);
}

TEST(OwnAddresses, HoldLoopback) {
  unsigned char loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  bool seen = false;

  for (const auto& range : own_addresses()) seen = seen || range.contains(loopback);

  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace restante::net
