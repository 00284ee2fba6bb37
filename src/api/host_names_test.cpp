// SPDX-License-Identifier: Apache-2.0
#include "api/host_names.hpp"

#include <gtest/gtest.h>

namespace restante::api {
namespace {

TEST(HostOnly, LeavesPortBracketsAndCaseAway) {
  EXPECT_EQ(host_only("Home.Example:8443"), "home.example");
  EXPECT_EQ(host_only("home.example."), "home.example");
  EXPECT_EQ(host_only("[2001:DB8:0::1]:80"), "2001:db8::1");
  EXPECT_EQ(host_only("::1"), "::1");
  EXPECT_EQ(host_only(""), "");
}

TEST(AuthorityOf, IsWhatStandsBetweenSchemeAndPath) {
  EXPECT_EQ(authority_of("https://home.example:8443/pair#x"), "home.example:8443");
  EXPECT_EQ(authority_of("https://home.example"), "home.example");
  EXPECT_EQ(authority_of("home.example"), "");
}

TEST(HostNames, KnowsLoopbackListenersAsLocalhostToo) {
  HostNames names;
  names.add_listener("127.0.0.1");

  EXPECT_TRUE(names.knows("127.0.0.1:8470"));
  EXPECT_TRUE(names.knows("localhost:8470"));
  for (const char* foreign :
       {"evil.example", "evil.example:8470", "127.0.0.2", "[::1]:8470", "", "localhost.evil.example"})
    EXPECT_FALSE(names.knows(foreign)) << foreign;
}

TEST(HostNames, AListenerElsewhereDoesNotAnswerToLocalhost) {
  HostNames names;
  names.add_listener("192.0.2.7");

  EXPECT_TRUE(names.knows("192.0.2.7:8470"));
  EXPECT_FALSE(names.knows("localhost:8470"));
}

TEST(HostNames, AWildcardListenerIsKnownByTheMachinesAddressesOnly) {
  HostNames names;
  names.add_listener("0.0.0.0");

  EXPECT_TRUE(names.knows("127.0.0.1"));
  for (const auto& own : interface_addresses())
    EXPECT_TRUE(names.knows(own.find(':') == std::string::npos ? own : "[" + own + "]"));
  EXPECT_FALSE(names.knows("203.0.113.99"));
  EXPECT_FALSE(names.knows("evil.example"));
}

TEST(HostNames, KnowsConfiguredNames) {
  HostNames names;
  names.add("Home.Example");

  EXPECT_TRUE(names.knows("home.example:443"));
}

}  // namespace
}  // namespace restante::api
