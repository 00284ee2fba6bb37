// SPDX-License-Identifier: Apache-2.0
#include "http/crowd.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace restante::http {
namespace {

std::string key(const char* text) {
  sockaddr_storage address{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1)
    address.ss_family = AF_INET;
  else if (::inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
    address.ss_family = AF_INET6;
  else
    address.ss_family = AF_UNIX;
  return Crowd::key_of(address);
}

ServerLimits limits() {
  ServerLimits out;
  out.silent_of_address = 2;
  out.silent_of_loopback = 3;
  out.connections_of_address = 4;
  return out;
}

std::size_t entered(Crowd& crowd, const std::string& who, int times) {
  std::size_t count = 0;
  for (int i = 0; i < times; ++i) count += crowd.enter(who) ? 1 : 0;
  return count;
}

TEST(Crowd, AnAddressHasOnlySoManyConnectionsWithoutARequest) {
  Crowd crowd(limits());

  EXPECT_EQ(entered(crowd, key("192.0.2.1"), 10), 2u);
  EXPECT_EQ(entered(crowd, key("192.0.2.2"), 10), 2u) << "another one has its own";
  EXPECT_EQ(entered(crowd, key("127.0.0.1"), 10), 3u);
  EXPECT_EQ(entered(crowd, key("::1"), 10), 3u);
}

TEST(Crowd, AnIPv6CustomerIsOneAddress) {
  EXPECT_EQ(key("2001:db8:0:1::1"), key("2001:db8:0:1:ffff::2"));
  EXPECT_NE(key("2001:db8:0:1::1"), key("2001:db8:0:2::1"));
}

TEST(Crowd, WhoAskedForSomethingMakesRoomForTheNext) {
  Crowd crowd(limits());
  const std::string who = key("192.0.2.1");
  ASSERT_EQ(entered(crowd, who, 3), 2u);

  crowd.greet(who);

  EXPECT_EQ(entered(crowd, who, 3), 1u);
}

TEST(Crowd, WhoLeavesMakesRoom) {
  Crowd crowd(limits());
  const std::string who = key("192.0.2.1");
  ASSERT_EQ(entered(crowd, who, 3), 2u);

  crowd.leave(who, false);
  crowd.leave(who, false);

  EXPECT_EQ(entered(crowd, who, 3), 2u);
}

TEST(Crowd, AnAddressHasOnlySoManyConnectionsAtAll) {
  Crowd crowd(limits());
  for (const char* who : {"192.0.2.1", "127.0.0.1"})
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(crowd.enter(key(who)));
      crowd.greet(key(who));
    }

  EXPECT_FALSE(crowd.enter(key("192.0.2.1")));
  EXPECT_TRUE(crowd.enter(key("127.0.0.1"))) << "a reverse proxy on this machine";

  crowd.leave(key("192.0.2.1"), true);

  EXPECT_TRUE(crowd.enter(key("192.0.2.1")));
}

TEST(Crowd, UnixSocketsAreNotCounted) {
  Crowd crowd(limits());

  EXPECT_EQ(entered(crowd, key("/run/control.sock"), 100), 100u);
}

}  // namespace
}  // namespace restante::http
