// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "net/resolver.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace restante::net {

/// Where one transfer may connect to at the moment.
struct Permit {
  std::vector<Endpoint> to;
  AddressPolicy policy;  ///< judged by once more at each connect (layer 2)
  Lan lan = Lan::refused;
  /// FTP: the data connection goes to any port from 1024 of the same address (SPIKES.md C-A).
  bool data_ports = false;
};

/// A socket on its way to a server, or why not.
struct Opened {
  int error = 0;  ///< errno; EACCES: not permitted, whatever listens there (THREATS.md A10)
  UniqueFd fd;    ///< a TCP socket, non-blocking, connecting
};

/// The only place in the program that opens outgoing sockets: judges the address at the socket (layer 2),
/// then connects. Any thread; never blocks: it reads memory and asks the kernel.
Opened open_judged(const Endpoint& to, const AddressPolicy& policy, Lan lan, Judge layer2);

/// What workers may connect to. One for each worker: the control loop permits and forgets, the worker's
/// connector thread opens.
class Connector {
public:
  explicit Connector(Judge layer2 = judge) : layer2_(layer2) {}

  void permit(std::uint32_t transfer, Permit permit);  ///< replaces what was permitted before
  void forget(std::uint32_t transfer);

  /// As `open_judged`, for what this transfer may reach now.
  Opened open(std::uint32_t transfer, int socktype, const sockaddr& address, socklen_t length) const;

private:
  std::shared_ptr<const Permit> find(std::uint32_t transfer) const;

  Judge layer2_;
  // Held for a map operation only, never across a call that waits: the control loop and the connector thread
  // share nothing else.
  mutable std::mutex mutex_;
  std::map<std::uint32_t, std::shared_ptr<const Permit>> permits_;
};

}  // namespace restante::net
