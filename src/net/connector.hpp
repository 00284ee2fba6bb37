// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "net/resolver.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace restante::net {

/// Where one transfer may connect to at the moment.
struct Permit {
  std::vector<Endpoint> to;
  AddressPolicy policy;  ///< judged by once more at each connect (layer 2)
  Lan lan = Lan::refused;
  /// FTP: so many data connections, each to any port from 1024 of the same address (SPIKES.md C-A). Counted,
  /// so that no worker looks through all ports of a host.
  int data_connections = 0;
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

  /// Replaces what was permitted to this part of the transfer before.
  void permit(std::uint32_t transfer, Permit permit, std::uint32_t part = 0);
  void forget(std::uint32_t transfer);  ///< all its parts

  /// As `open_judged`, for what this part of the transfer may reach now.
  Opened open(std::uint32_t transfer, int socktype, const sockaddr& address, socklen_t length,
              std::uint32_t part = 0) const;

private:
  struct Permitted {
    Permit permit;
    mutable std::atomic<int> data_left;
  };
  using Key = std::pair<std::uint32_t, std::uint32_t>;  ///< transfer, part
  std::shared_ptr<const Permitted> find(Key key) const;

  Judge layer2_;
  // Held for a map operation only, never across a call that waits: the control loop and the connector thread
  // share nothing else.
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<const Permitted>> permits_;
};

}  // namespace restante::net
