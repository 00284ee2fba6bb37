// SPDX-License-Identifier: Apache-2.0
#include "net/address_guard.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <span>

namespace restante::net {

namespace {

using V4 = std::array<unsigned char, 4>;
using V6 = std::array<unsigned char, 16>;

constexpr const char* hint =
    "the operator can allow it: [address_guard] allow in the configuration, or `restanted user add NAME "
    "--lan` "
    "for a private network";

/// Whether the first `prefix` bits agree.
bool within(std::span<const unsigned char> address, std::span<const unsigned char> network, int prefix) {
  const auto whole = static_cast<std::size_t>(prefix / 8);
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole), network.begin()))
    return false;
  const int rest = prefix % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xffu << (8 - rest) & 0xffu;
  return (address[whole] & mask) == (network[whole] & mask);
}

enum class Kind {
  never,         ///< only the operator can allow it
  private_range  ///< `Lan::allowed` permits it as well
};

struct Range4 {
  V4 network;
  int prefix;
  Kind kind;
  const char* name;
};

/// IANA IPv4 Special-Purpose Address Registry (RFC 6890 and its updates, as of 2025), every row, also those
/// that are globally reachable (no content lies there), then what other registries keep apart.
constexpr Range4 ranges4[] = {
    {{0, 0, 0, 0}, 8, Kind::never, "this network 0.0.0.0/8"},
    {{10, 0, 0, 0}, 8, Kind::private_range, "private 10.0.0.0/8"},
    {{100, 64, 0, 0}, 10, Kind::never, "shared address space 100.64.0.0/10"},
    {{127, 0, 0, 0}, 8, Kind::never, "loopback 127.0.0.0/8"},
    {{169, 254, 0, 0}, 16, Kind::never, "link-local 169.254.0.0/16"},
    {{172, 16, 0, 0}, 12, Kind::private_range, "private 172.16.0.0/12"},
    {{192, 0, 0, 0}, 24, Kind::never, "protocol assignments 192.0.0.0/24"},
    {{192, 0, 2, 0}, 24, Kind::never, "documentation 192.0.2.0/24"},
    {{192, 31, 196, 0}, 24, Kind::never, "AS112 192.31.196.0/24"},
    {{192, 52, 193, 0}, 24, Kind::never, "AMT 192.52.193.0/24"},
    {{192, 88, 99, 0}, 24, Kind::never, "6to4 relays 192.88.99.0/24"},
    {{192, 168, 0, 0}, 16, Kind::private_range, "private 192.168.0.0/16"},
    {{192, 175, 48, 0}, 24, Kind::never, "AS112 192.175.48.0/24"},
    {{198, 18, 0, 0}, 15, Kind::never, "benchmarking 198.18.0.0/15"},
    {{198, 51, 100, 0}, 24, Kind::never, "documentation 198.51.100.0/24"},
    {{203, 0, 113, 0}, 24, Kind::never, "documentation 203.0.113.0/24"},
    {{224, 0, 0, 0}, 4, Kind::never, "multicast 224.0.0.0/4"},
    {{240, 0, 0, 0}, 4, Kind::never, "reserved 240.0.0.0/4"},
    // Azure's host service answers every virtual machine there with its secrets.
    {{168, 63, 129, 16}, 32, Kind::never, "cloud metadata 168.63.129.16"},
};

struct Range6 {
  V6 network;
  int prefix;
  Kind kind;
  const char* name;
};

/// IANA IPv6 Special-Purpose Address Registry likewise; the first that fits names the range, so inner ranges
/// stand before their outer ones. Missing on purpose: ::ffff:0:0/96 and 64:ff9b::/96 (globally reachable),
/// whose inner address alone decides.
constexpr Range6 ranges6[] = {
    {{}, 128, Kind::never, "unspecified ::"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, Kind::never, "loopback ::1"},
    {{}, 96, Kind::never, "IPv4-compatible ::/96"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, Kind::never, "IPv4-translated ::ffff:0:0:0/96"},
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, Kind::never, "local NAT64 64:ff9b:1::/48"},
    {{0x01, 0x00}, 64, Kind::never, "discard-only 100::/64"},
    {{0x01, 0x00, 0, 0, 0, 0, 0, 0x01}, 64, Kind::never, "dummy 100:0:0:1::/64"},
    {{0x20, 0x01, 0x00, 0x00}, 32, Kind::never, "Teredo 2001::/32"},
    {{0x20, 0x01, 0x00, 0x02}, 48, Kind::never, "benchmarking 2001:2::/48"},
    {{0x20, 0x01, 0x00, 0x03}, 32, Kind::never, "AMT 2001:3::/32"},
    {{0x20, 0x01, 0x00, 0x04, 0x01, 0x12}, 48, Kind::never, "AS112 2001:4:112::/48"},
    {{0x20, 0x01, 0x00, 0x10}, 28, Kind::never, "ORCHID 2001:10::/28"},
    {{0x20, 0x01, 0x00, 0x20}, 28, Kind::never, "ORCHIDv2 2001:20::/28"},
    {{0x20, 0x01, 0x00, 0x30}, 28, Kind::never, "drone identifiers 2001:30::/28"},
    {{0x20, 0x01, 0x00, 0x00}, 23, Kind::never, "protocol assignments 2001::/23"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, Kind::never, "documentation 2001:db8::/32"},
    {{0x20, 0x02}, 16, Kind::never, "6to4 2002::/16"},
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48, Kind::never, "AS112 2620:4f:8000::/48"},
    {{0x3f, 0xff}, 20, Kind::never, "documentation 3fff::/20"},
    {{0x5f, 0x00}, 16, Kind::never, "segment routing 5f00::/16"},
    // Amazon's metadata service, in the middle of the unique local range.
    {{0xfd, 0x00, 0x0e, 0xc2}, 32, Kind::never, "cloud metadata fd00:ec2::/32"},
    {{0xfc}, 7, Kind::private_range, "unique local fc00::/7"},
    {{0xfe, 0x80}, 10, Kind::never, "link-local fe80::/10"},
    {{0xfe, 0xc0}, 10, Kind::never, "site-local fec0::/10"},
    {{0xff}, 8, Kind::never, "multicast ff00::/8"},
};

V6 mapped(const V4& inner) {
  V6 out{};
  out[10] = out[11] = 0xff;
  std::copy(inner.begin(), inner.end(), out.begin() + 12);
  return out;
}

V4 slice(const V6& address, std::size_t at) {
  return {address[at], address[at + 1], address[at + 2], address[at + 3]};
}

struct Carried {
  const char* carrier;
  V4 inner;
};

/// The IPv4 addresses that an IPv6 address stands for, by every scheme whose shape it has.
class Carriers {
public:
  explicit Carriers(const V6& a) {
    constexpr V6 zero{};
    constexpr V6 siit{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    constexpr V6 nat64{0x00, 0x64, 0xff, 0x9b};
    constexpr V6 local_nat64{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01};
    constexpr V6 teredo{0x20, 0x01, 0x00, 0x00};
    if (within(a, mapped({}), 96)) add("IPv4-mapped", slice(a, 12));
    // :: and ::1 are themselves, not an IPv4 address.
    if (within(a, zero, 96) && (!within(a, zero, 120) || a[15] > 1)) add("IPv4-compatible", slice(a, 12));
    if (within(a, siit, 96)) add("IPv4-translated", slice(a, 12));
    if (within(a, nat64, 96)) add("NAT64", slice(a, 12));
    if (within(a, local_nat64, 48)) {
      // RFC 6052 §2.2: the place depends on the length of the prefix that the network chose.
      add("NAT64", {a[6], a[7], a[9], a[10]});    // /48
      add("NAT64", {a[7], a[9], a[10], a[11]});   // /56
      add("NAT64", {a[9], a[10], a[11], a[12]});  // /64
      add("NAT64", slice(a, 12));                 // /96
    }
    if (a[0] == 0x20 && a[1] == 0x02) add("6to4", slice(a, 2));
    if (within(a, teredo, 32)) {
      add("Teredo server", slice(a, 4));
      const V4 hidden = slice(a, 12);  // RFC 4380 §4: the client's address, every bit inverted
      add("Teredo", {static_cast<unsigned char>(~hidden[0]), static_cast<unsigned char>(~hidden[1]),
                     static_cast<unsigned char>(~hidden[2]), static_cast<unsigned char>(~hidden[3])});
    }
    // RFC 5214 §6.1: interface identifier [02]00:5efe:a.b.c.d under any prefix.
    if ((a[8] & 0xfc) == 0 && a[9] == 0 && a[10] == 0x5e && a[11] == 0xfe) add("ISATAP", slice(a, 12));
  }

  std::span<const Carried> all() const { return {found_.data(), count_}; }

private:
  void add(const char* carrier, V4 inner) { found_[count_++] = {carrier, inner}; }

  std::array<Carried, 8> found_{};
  std::size_t count_ = 0;
};

bool listed(const std::vector<AddressRange>& ranges, const V6& address) {
  unsigned char bytes[16];
  std::copy(address.begin(), address.end(), bytes);
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const AddressRange& range) { return range.contains(bytes); });
}

/// The name of the range that forbids it; null if nothing does.
const char* forbids(const V6& address, Kind kind, const char* name, const AddressPolicy& policy, Lan lan) {
  if (listed(policy.allow, address)) return nullptr;
  if (kind == Kind::private_range && lan == Lan::allowed)
    return listed(policy.own, address) ? "this server itself" : nullptr;
  return name;
}

const char* verdict4(const V4& address, const AddressPolicy& policy, Lan lan) {
  for (const auto& range : ranges4)
    if (within(address, range.network, range.prefix))
      return forbids(mapped(address), range.kind, range.name, policy, lan);
  return nullptr;
}

const char* verdict6(const V6& address, const AddressPolicy& policy, Lan lan) {
  for (const auto& range : ranges6)
    if (within(address, range.network, range.prefix))
      return forbids(address, range.kind, range.name, policy, lan);
  constexpr V6 nat64{0x00, 0x64, 0xff, 0x9b};
  constexpr V6 unicast{0x20};
  if (within(address, mapped({}), 96) || within(address, nat64, 96) || within(address, unicast, 3))
    return nullptr;
  return forbids(address, Kind::never, "not assigned", policy, lan);
}

tl::unexpected<Error> refuse(int family, const void* address, const std::string& why) {
  return fail(Reason::address, numeric(family, address) + " is refused: " + why, hint);
}

}  // namespace

std::string numeric(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = "?";
  ::inet_ntop(family, address, text, sizeof text);
  return text;
}

Result<AddressRange> AddressRange::parse(std::string_view text) {
  const auto wrong = [&](const char* why) {
    return fail(Reason::invalid, "\"" + std::string(text) + "\" is not a range of addresses: " + why,
                "write it as 10.0.0.0/8 or fd00::/8");
  };
  const auto slash = text.find('/');
  const std::string address(text.substr(0, slash));
  AddressRange out;
  int bits = 128;
  if (::inet_pton(AF_INET, address.c_str(), out.bytes + 12) == 1) {
    out.bytes[10] = out.bytes[11] = 0xff;
    bits = 32;
  } else if (::inet_pton(AF_INET6, address.c_str(), out.bytes) != 1) {
    return wrong("no IPv4 or IPv6 address");
  }
  int prefix = bits;
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || prefix < 0 ||
        prefix > bits || digits.front() == '-')
      return wrong("no such prefix length");
  }
  out.prefix = 128 - bits + prefix;
  for (int bit = out.prefix; bit < 128; ++bit)
    if ((out.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) return wrong("it has bits beyond its prefix");
  return out;
}

bool AddressRange::contains(const unsigned char (&address)[16]) const {
  return within(address, bytes, prefix);
}

Result<void> judge(const sockaddr& address, socklen_t length, const AddressPolicy& policy, Lan lan) {
  if (address.sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, &address, sizeof in);
    V4 bytes;
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    if (const char* why = verdict4(bytes, policy, lan)) return refuse(AF_INET, bytes.data(), why);
    return {};
  }
  if (address.sa_family != AF_INET6 || length < sizeof(sockaddr_in6))
    return fail(Reason::address, "an address that is neither IPv4 nor IPv6 is refused", hint);
  sockaddr_in6 in;
  std::memcpy(&in, &address, sizeof in);
  V6 bytes;
  std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
  if (const char* why = verdict6(bytes, policy, lan)) return refuse(AF_INET6, bytes.data(), why);
  // The kernel treats a mapped address as IPv4 itself. Behind any other carrier lies somebody else's network,
  // where neither this account's private ranges nor the operator's mean anything, unless the operator allows
  // the carrier too.
  static const AddressPolicy nothing;
  const bool same = within(bytes, mapped({}), 96);
  const AddressPolicy& inner = same || listed(policy.allow, bytes) ? policy : nothing;
  const Carriers carriers(bytes);
  for (const auto& carried : carriers.all()) {
    if (const char* why = verdict4(carried.inner, inner, same ? lan : Lan::refused))
      return refuse(AF_INET6, bytes.data(), std::string(carried.carrier) + " for " + why);
  }
  return {};
}

}  // namespace restante::net
