// SPDX-License-Identifier: Apache-2.0
#include "http/forwarded.hpp"

#include "http/test_support.hpp"

#include <gtest/gtest.h>

namespace restante::http {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

Peer through(const std::string& from, Fields fields, bool tls = false) {
  Peer peer;
  peer.address = from;
  peer.tls = tls;
  peer.both_loopback = from == "127.0.0.1";
  Request request;
  request.headers = std::move(fields);
  const auto trusts = [](const std::string& address) {
    return address == "127.0.0.1" || address == "10.0.0.9";
  };
  return peer_behind(peer, request, trusts);
}

TEST(Forwarded, IsBelievedFromATrustedProxyOnly) {
  const Fields fields{{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-Proto", "https"}};

  const auto trusted = through("10.0.0.9", fields), stranger = through("10.0.0.8", fields);

  EXPECT_EQ(trusted.address, "192.0.2.1");
  EXPECT_TRUE(trusted.tls);
  EXPECT_EQ(stranger.address, "10.0.0.8");
  EXPECT_FALSE(stranger.tls);
}

TEST(Forwarded, TheClientIsTheLastAddressThatIsNotAProxy) {
  const auto address = [](Fields fields) { return through("10.0.0.9", std::move(fields)).address; };

  EXPECT_EQ(address({{"X-Forwarded-For", "198.51.100.7, 192.0.2.1"}}), "192.0.2.1");
  EXPECT_EQ(address({{"X-Forwarded-For", "198.51.100.7, 192.0.2.1, 127.0.0.1"}}), "192.0.2.1");
  EXPECT_EQ(address({{"X-Forwarded-For", "198.51.100.7"}, {"x-forwarded-for", "192.0.2.1"}}), "192.0.2.1");
  EXPECT_EQ(address({{"X-Forwarded-For", "192.0.2.1:4711"}}), "192.0.2.1");
  EXPECT_EQ(address({{"X-Forwarded-For", "[2001:DB8::1]:4711"}}), "2001:db8::1");
  EXPECT_EQ(address({{"X-Forwarded-For", "::ffff:192.0.2.1"}}), "192.0.2.1");
  EXPECT_EQ(address({{"X-Forwarded-For", "127.0.0.1"}}), "127.0.0.1");
  EXPECT_EQ(address({{"X-Forwarded-For", "192.0.2.1, unknown"}}), "10.0.0.9");
  EXPECT_EQ(address({{"X-Forwarded-For", ""}}), "10.0.0.9");
  EXPECT_EQ(address({{"Forwarded", "for=192.0.2.1"}, {"X-Real-IP", "192.0.2.1"}}), "10.0.0.9");
}

TEST(Forwarded, WhatIsNotToldIsTakenForTheWorse) {
  EXPECT_FALSE(through("10.0.0.9", {{"X-Forwarded-For", "192.0.2.1"}}, true).tls);
  EXPECT_FALSE(through("10.0.0.9", {{"X-Forwarded-Proto", "https, http"}}, true).tls);
  EXPECT_TRUE(through("10.0.0.9", {{"X-Forwarded-Proto", "http, https"}}).tls);
  EXPECT_TRUE(through("10.0.0.9", {}, true).tls);
}

TEST(Forwarded, NothingForwardedCountsAsNeverHavingLeftTheMachine) {
  for (const char* field :
       {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded"})
    EXPECT_FALSE(through("127.0.0.1", {{field, "127.0.0.1"}}).both_loopback) << field;
  EXPECT_TRUE(through("127.0.0.1", {{"Host", "127.0.0.1"}}).both_loopback);
}

TEST(Forwarded, TheHandlerSeesTheClient) {
  test::Running server({}, false, [](const std::string& address) { return address == "127.0.0.1"; });
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port()) + "/echo";

  test::run(
      {"/usr/bin/curl", "-s", "-H", "X-Forwarded-For: 192.0.2.1", "-H", "X-Forwarded-Proto: https", url});
  const auto told = server.handler().last_peer();
  test::run({"/usr/bin/curl", "-s", url});
  const auto direct = server.handler().last_peer();

  EXPECT_EQ(told.address, "192.0.2.1");
  EXPECT_TRUE(told.tls);
  EXPECT_FALSE(told.both_loopback);
  EXPECT_EQ(direct.address, "127.0.0.1");
  EXPECT_TRUE(direct.both_loopback);
}

}  // namespace
}  // namespace restante::http
