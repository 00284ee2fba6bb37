// SPDX-License-Identifier: Apache-2.0
#include "net/address_guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <functional>
#include <netinet/in.h>
#include <random>
#include <string>

namespace restante::net {
namespace {

Result<void> judged(const std::string& text, const AddressPolicy& policy = {}, Lan lan = Lan::refused) {
  sockaddr_storage storage{};
  auto* in = reinterpret_cast<sockaddr_in*>(&storage);
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, text.c_str(), &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
    return judge(reinterpret_cast<sockaddr&>(storage), sizeof *in, policy, lan);
  }
  EXPECT_EQ(::inet_pton(AF_INET6, text.c_str(), &in6->sin6_addr), 1) << text;
  in6->sin6_family = AF_INET6;
  return judge(reinterpret_cast<sockaddr&>(storage), sizeof *in6, policy, lan);
}

AddressPolicy allowing(std::initializer_list<const char*> ranges) {
  AddressPolicy policy;
  for (const char* range : ranges) policy.allow.push_back(*AddressRange::parse(range));
  return policy;
}

/// The registries once more, written as they are, so that a slip in the table shows. First, last, inside.
const std::vector<std::array<std::string, 3>> special4{
    {"0.0.0.0", "0.255.255.255", "0.0.0.1"},
    {"10.0.0.0", "10.255.255.255", "10.1.2.3"},
    {"100.64.0.0", "100.127.255.255", "100.100.100.200"},
    {"127.0.0.0", "127.255.255.255", "127.0.0.1"},
    {"169.254.0.0", "169.254.255.255", "169.254.169.254"},
    {"172.16.0.0", "172.31.255.255", "172.20.0.1"},
    {"192.0.0.0", "192.0.0.255", "192.0.0.192"},
    {"192.0.2.0", "192.0.2.255", "192.0.2.7"},
    {"192.31.196.0", "192.31.196.255", "192.31.196.9"},
    {"192.52.193.0", "192.52.193.255", "192.52.193.9"},
    {"192.88.99.0", "192.88.99.255", "192.88.99.1"},
    {"192.168.0.0", "192.168.255.255", "192.168.1.1"},
    {"192.175.48.0", "192.175.48.255", "192.175.48.6"},
    {"198.18.0.0", "198.19.255.255", "198.18.255.1"},
    {"198.51.100.0", "198.51.100.255", "198.51.100.3"},
    {"203.0.113.0", "203.0.113.255", "203.0.113.3"},
    {"224.0.0.0", "239.255.255.255", "224.0.0.251"},
    {"240.0.0.0", "255.255.255.255", "250.1.1.1"},
    {"168.63.129.16", "168.63.129.16", "168.63.129.16"},
};
const std::vector<std::string> public4{
    "1.1.1.1",         "8.8.8.8",       "9.255.255.255",   "11.0.0.0",     "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.0",     "169.253.255.255", "169.255.0.0",  "172.15.255.255", "172.32.0.0",
    "192.0.1.0",       "192.0.3.0",     "192.31.195.255",  "192.31.197.0", "192.52.192.255", "192.52.194.0",
    "192.88.98.255",   "192.88.100.0",  "192.167.255.255", "192.169.0.0",  "192.175.47.255", "192.175.49.0",
    "198.17.255.255",  "198.20.0.0",    "198.51.99.255",   "198.51.101.0", "203.0.112.255",  "203.0.114.0",
    "223.255.255.255", "168.63.129.15", "168.63.129.17"};
const std::vector<std::array<std::string, 3>> special6{
    {"::", "::", "::"},
    {"::1", "::1", "::1"},
    {"::2", "::ffff:ffff", "::8.8.8.8"},
    {"::ffff:0:0:0", "::ffff:0:ffff:ffff", "::ffff:0:808:808"},
    {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:1:808:8:800::"},
    {"100::", "100::ffff:ffff:ffff:ffff", "100::1"},
    {"100:0:0:1::", "100::1:ffff:ffff:ffff:ffff", "100:0:0:1::1"},
    {"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:1::1"},
    {"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "2001:2::1"},
    {"2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff", "2001:3::1"},
    {"2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff", "2001:4:112::1"},
    {"2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", "2001:15::1"},
    {"2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", "2001:25::1"},
    {"2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", "2001:35::1"},
    {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::7"},
    {"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002:808:808::1"},
    {"2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "2620:4f:8000::6"},
    {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:123::1"},
    {"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f00::1"},
    {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fd00::1"},
    {"fd00:ec2::", "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff", "fd00:ec2::254"},
    {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::1"},
    {"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::1"},
    {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff02::1"},
    {"4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::1"},
    {"6000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "8000::1"},
    {"200::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "1000::1"},
};
const std::vector<std::string> public6{
    "2001:200::1",  "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::1",     "2003::1",
    "2600::1",      "2620:4f:7fff::1",      "2620:4f:8001::1",  "2606:4700::1111", "3ffe:ffff::1",
    "2a00:1450::1", "3fff:1000::1"};

/// a.b.c.d inside each carrier; `open` ones pass with a public address inside, the others are special-purpose
/// ranges themselves.
struct Carrier {
  const char* name;
  bool open;
  std::function<std::string(const in_addr&)> wrap;
};
std::string in_v6(std::array<unsigned char, 16> bytes) {
  return numeric(AF_INET6, bytes.data());
}
std::array<unsigned char, 4> octets(const in_addr& a) {
  std::array<unsigned char, 4> out;
  std::memcpy(out.data(), &a, 4);
  return out;
}
const std::vector<Carrier> carriers{
    {"mapped", true,
     [](const in_addr& a) {
       const auto o = octets(a);
       return in_v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, o[0], o[1], o[2], o[3]});
     }},
    {"nat64", true,
     [](const in_addr& a) {
       const auto o = octets(a);
       return in_v6({0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, o[0], o[1], o[2], o[3]});
     }},
    {"isatap", true,
     [](const in_addr& a) {
       const auto o = octets(a);
       return in_v6({0x26, 0x06, 0x47, 0, 0, 0, 0, 0, 0, 0, 0x5e, 0xfe, o[0], o[1], o[2], o[3]});
     }},
    {"isatap-global", true,
     [](const in_addr& a) {
       const auto o = octets(a);
       return in_v6({0x26, 0x06, 0x47, 0, 0, 0, 0, 0, 2, 0, 0x5e, 0xfe, o[0], o[1], o[2], o[3]});
     }},
    {"compatible", false,
     [](const in_addr& a) {
       const auto o = octets(a);
       return in_v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, o[0], o[1], o[2], o[3]});
     }},
    {"siit", false,
     [](const in_addr& a) {
       const auto o = octets(a);
       return in_v6({0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, o[0], o[1], o[2], o[3]});
     }},
    {"local nat64 /48", false,
     [](const in_addr& a) {
       const auto o = octets(a);
       return in_v6({0, 0x64, 0xff, 0x9b, 0, 1, o[0], o[1], 0, o[2], o[3], 0, 0, 0, 0, 0});
     }},
    {"local nat64 /96", false,
     [](const in_addr& a) {
       const auto o = octets(a);
       return in_v6({0, 0x64, 0xff, 0x9b, 0, 1, 0, 0, 0, 0, 0, 0, o[0], o[1], o[2], o[3]});
     }},
    {"6to4", false,
     [](const in_addr& a) {
       const auto o = octets(a);
       return in_v6({0x20, 2, o[0], o[1], o[2], o[3], 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
     }},
    {"teredo", false,
     [](const in_addr& a) {
       const auto o = octets(a);
       const auto no = [](unsigned char c) { return static_cast<unsigned char>(~c); };
       return in_v6({0x20, 1, 0, 0, 8, 8, 8, 8, 0, 0, 0, 0, no(o[0]), no(o[1]), no(o[2]), no(o[3])});
     }},
};

in_addr v4(const std::string& text) {
  in_addr out;
  EXPECT_EQ(::inet_pton(AF_INET, text.c_str(), &out), 1);
  return out;
}

void expect_refused(const std::string& address, const AddressPolicy& policy = {}, Lan lan = Lan::refused) {
  const auto verdict = judged(address, policy, lan);
  ASSERT_FALSE(verdict) << address;
  EXPECT_EQ(verdict.error().reason, Reason::address);
  EXPECT_FALSE(verdict.error().transient);
}

TEST(AddressGuard, RefusesEverySpecialPurposeRangeToItsEnds) {
  for (const auto& range : special4)
    for (const auto& address : range) expect_refused(address);
  for (const auto& range : special6)
    for (const auto& address : range) expect_refused(address);
}

TEST(AddressGuard, LetsPublicNeighboursPass) {
  for (const auto& address : public4) EXPECT_TRUE(judged(address)) << address;
  for (const auto& address : public6) EXPECT_TRUE(judged(address)) << address;
}

TEST(AddressGuard, RefusesEveryRangeInEveryCarrier) {
  for (const auto& range : special4)
    for (const auto& address : range)
      for (const auto& carrier : carriers) {
        SCOPED_TRACE(std::string(carrier.name) + " " + address);
        expect_refused(carrier.wrap(v4(address)));
        expect_refused(carrier.wrap(v4(address)), {},
                       carrier.name == std::string("mapped") ? Lan::refused : Lan::allowed);
      }
}

TEST(AddressGuard, LetsAPublicAddressPassInACarrierThatIsReachable) {
  for (const auto& address : public4)
    for (const auto& carrier : carriers) {
      const auto wrapped = carrier.wrap(v4(address));
      EXPECT_EQ(judged(wrapped).has_value(), carrier.open) << carrier.name << " " << wrapped;
    }
}

TEST(AddressGuard, LocalNat64IsJudgedByItsInnerAddressOnceTheOperatorAllowsIt) {
  const auto policy = allowing({"64:ff9b:1::/48"});

  EXPECT_FALSE(judged("64:ff9b:1::10.0.0.1", policy));
  EXPECT_FALSE(judged("64:ff9b:1:7f00:0:100::", policy));
}

TEST(AddressGuard, AnAllowedRangeIsNotAllowedBehindATranslator) {
  const auto policy = allowing({"127.0.0.0/8", "10.0.0.0/8"});

  for (const char* address : {"64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "2600::5efe:10.0.0.1"})
    expect_refused(address, policy);
  EXPECT_TRUE(judged("64:ff9b::10.0.0.1", allowing({"64:ff9b::/96", "10.0.0.0/8"})));
  EXPECT_TRUE(judged("64:ff9b::8.8.8.8", policy));
}

TEST(AddressGuard, NamesTheRangeAndTheRemedy) {
  const auto plain = judged("10.1.2.3");
  const auto carried = judged("::ffff:127.0.0.1");

  EXPECT_THAT(plain.error().message, testing::HasSubstr("10.1.2.3 is refused: private 10.0.0.0/8"));
  EXPECT_THAT(carried.error().message, testing::HasSubstr("IPv4-mapped for loopback"));
  EXPECT_THAT(plain.error().hint, testing::HasSubstr("[address_guard] allow"));
}

TEST(AddressGuard, LanOpensPrivateRangesAndNothingElse) {
  for (const char* address :
       {"10.1.2.3", "172.16.0.1", "192.168.178.1", "fd12:3456::1", "::ffff:192.168.1.1"})
    EXPECT_TRUE(judged(address, {}, Lan::allowed)) << address;
  for (const char* address :
       {"127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "fe80::1", "::1", "fd00:ec2::254",
        "224.0.0.1", "64:ff9b::192.168.1.1", "::ffff:127.0.0.1", "fec0::1"})
    expect_refused(address, {}, Lan::allowed);
}

TEST(AddressGuard, LanDoesNotReachThisServerItself) {
  AddressPolicy policy;
  policy.own.push_back(*AddressRange::parse("192.168.1.5"));

  EXPECT_TRUE(judged("192.168.1.6", policy, Lan::allowed));
  const auto own = judged("192.168.1.5", policy, Lan::allowed);
  ASSERT_FALSE(own);
  EXPECT_THAT(own.error().message, testing::HasSubstr("this server itself"));
  policy.allow.push_back(*AddressRange::parse("192.168.1.0/24"));
  EXPECT_TRUE(judged("192.168.1.5", policy, Lan::refused));
}

TEST(AddressGuard, TheOperatorsRangesPassForEverybodyInEitherForm) {
  const auto policy = allowing({"127.0.0.0/8", "fd00::/8", "::1"});

  EXPECT_TRUE(judged("127.0.0.1", policy));
  EXPECT_TRUE(judged("::ffff:127.0.0.1", policy));
  EXPECT_TRUE(judged("fd00::5", policy));
  EXPECT_TRUE(judged("::1", policy));
  expect_refused("10.0.0.1", policy);
  expect_refused("fc00::1", policy);
  expect_refused("::127.0.0.1", policy);
}

TEST(AddressGuard, RefusesOtherFamiliesAndShortAddresses) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  EXPECT_FALSE(judge(reinterpret_cast<sockaddr&>(storage), sizeof storage, {}, Lan::allowed));
  auto* in = reinterpret_cast<sockaddr_in*>(&storage);
  in->sin_family = AF_INET;
  in->sin_addr = v4("8.8.8.8");
  EXPECT_TRUE(judge(reinterpret_cast<sockaddr&>(storage), sizeof *in, {}, Lan::refused));
  EXPECT_FALSE(judge(reinterpret_cast<sockaddr&>(storage), sizeof *in - 1, {}, Lan::refused));
  storage.ss_family = AF_INET6;
  EXPECT_FALSE(judge(reinterpret_cast<sockaddr&>(storage), sizeof *in, {}, Lan::refused));
}

TEST(AddressGuard, RandomAddressesOfEveryRangeAreRefused) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  for (const auto& range : special4) {
    const auto first = ntohl(v4(range[0]).s_addr), last = ntohl(v4(range[1]).s_addr);
    for (int i = 0; i < 200; ++i) {
      const in_addr address{htonl(std::uniform_int_distribution<std::uint32_t>(first, last)(random))};
      EXPECT_FALSE(judged(numeric(AF_INET, &address)))
          << "seed " << seed << " " << numeric(AF_INET, &address);
    }
  }
}

TEST(AddressRange, IsReadStrictly) {
  for (const char* good :
       {"10.0.0.0/8", "127.0.0.1", "0.0.0.0/0", "::/0", "fd00::/8", "::1/128", "2001:db8::1"})
    EXPECT_TRUE(AddressRange::parse(good)) << good;
  for (const char* bad : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.1/8", "fd00::1/8",
                          "fd00::/129", "10.0.0.0/8 ", "10.0.0/8", "localhost", "10.0.0.0/+8", "010.0.0.0/8"})
    EXPECT_FALSE(AddressRange::parse(bad)) << bad;
}

}  // namespace
}  // namespace restante::net
