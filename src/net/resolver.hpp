// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/address_guard.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace restante::net {

/// An IPv4 or IPv6 address and a TCP port.
struct Endpoint {
  sockaddr_storage address{};
  socklen_t length = 0;

  /// Only the family, the address and the port count; any other family or a scope: nullopt.
  static std::optional<Endpoint> from(const sockaddr& address, socklen_t length);
  const sockaddr& raw() const { return reinterpret_cast<const sockaddr&>(address); }
  int family() const { return address.ss_family; }
  std::uint16_t port() const;
  std::string numeric() const;  ///< without port and brackets
  bool same_host(const Endpoint& other) const;
  bool operator==(const Endpoint& other) const { return same_host(other) && port() == other.port(); }
};

/// Reads a host as it stands in a URL (no brackets) as an address. nullopt: it is a name to be looked up. One
/// spelling is one address (THREATS.md A2, A11): an IPv4 address is four decimal numbers without leading
/// zeros, an IPv6 address has no zone and carries no IPv4 address that could be written as such. Errors:
/// address (another spelling of a number: hexadecimal, octal, one to three parts, a dot at the end, ...), dns
/// (not a host name at all: other characters than letters, digits, '-', '_' and '.', empty labels, too long).
Result<std::optional<Endpoint>> read_literal(std::string_view host, std::uint16_t port);

struct ResolveLimits {
  std::size_t parallel =
      16;  ///< look-ups under way; one that hangs keeps its place until the resolver gives up
  std::size_t waiting = 256;
  Millis deadline{15000};     ///< waiting included
  std::size_t addresses = 8;  ///< of one name that are kept
};

/// Finds and judges the addresses of a host (layer 1 of the address guard). Lives on the control loop; the
/// look-ups block on `pool`, which is joined before the loop ends.
class Resolver {
public:
  /// A blocking look-up of a name, called on the pool. Errors: dns.
  using Lookup = std::function<Result<std::vector<Endpoint>>(const std::string& name, std::uint16_t port)>;

  Resolver(Executor loop, Executor pool, ResolveLimits limits = {}, Lookup lookup = system_lookup,
           Judge layer1 = judge);
  ~Resolver();

  /// The permitted addresses in the order to be tried: as the system sorts them (RFC 6724), IPv6 and IPv4 by
  /// turns (RFC 8305 §4). Forbidden ones beside permitted ones are left out (A5). Errors: address (host and
  /// range are named), dns, timeout, busy.
  Task<Result<std::vector<Endpoint>>> resolve(std::string host, std::uint16_t port, AddressPolicy policy,
                                              Lan lan);

  static Result<std::vector<Endpoint>> system_lookup(const std::string& name, std::uint16_t port);

private:
  struct State;
  std::shared_ptr<State> state_;
};

/// The addresses that this machine's interfaces have now, for AddressPolicy::own. Does not block.
std::vector<AddressRange> own_addresses();

}  // namespace restante::net
