// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace restante::net {

/// A range of addresses, "10.0.0.0/8" or "fd00::/8".
struct AddressRange {
  unsigned char bytes[16] = {};  ///< IPv4 as ::ffff:a.b.c.d
  int prefix = 0;                ///< of 128
  static Result<AddressRange> parse(std::string_view text);
  bool contains(const unsigned char (&address)[16]) const;
};

/// What the operator permits beyond public addresses, for everybody ([address_guard] allow).
struct AddressPolicy {
  std::vector<AddressRange> allow;
  /// Addresses of this machine: `Lan::allowed` does not reach them (the resolver keeps them up to date).
  std::vector<AddressRange> own;
};

enum class Lan { refused, allowed };

/// Judges one address (THREATS.md A1-A3): public ones pass; every special-purpose range of the IANA
/// registries is refused, also inside IPv6 carriers (mapped, compatible, NAT64, 6to4, Teredo, ISATAP), unless
/// the policy allows it or `lan` does (private ranges only, never loopback, link-local, metadata or our own).
/// Error: address, naming the range.
/// Pure; reads memory only.
Result<void> judge(const sockaddr& address, socklen_t length, const AddressPolicy& policy, Lan lan);

using Judge = Result<void> (*)(const sockaddr&, socklen_t, const AddressPolicy&, Lan);

/// The two layers of the guard, each enough by itself. They are named so that a test can take one away and
/// see that the other holds; no configuration reaches them.
struct AddressGuard {
  Judge names = judge;    ///< layer 1: where a host leads, before anything is opened
  Judge sockets = judge;  ///< layer 2: at the socket, before it connects
};

/// "192.0.2.1" or "2001:db8::1" from an in_addr or in6_addr.
std::string numeric(int family, const void* address);

}  // namespace restante::net
