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

/// The only place that opens outgoing sockets for content. One for each worker: the control loop permits and
/// forgets, the worker's connector thread opens.
class Connector {
public:
  void permit(std::uint32_t transfer, Permit permit);  ///< replaces what was permitted before
  void forget(std::uint32_t transfer);

  struct Opened {
    int error = 0;  ///< errno; EACCES: not permitted, whatever listens there (THREATS.md A10)
    UniqueFd fd;    ///< a TCP socket, non-blocking, connecting
  };
  /// Any thread; never blocks: it reads memory and asks the kernel for a socket.
  Opened open(std::uint32_t transfer, int socktype, const sockaddr& address, socklen_t length) const;

private:
  std::shared_ptr<const Permit> find(std::uint32_t transfer) const;

  // Held for a map operation only, never across a call that waits: the control loop and the connector thread
  // share nothing else.
  mutable std::mutex mutex_;
  std::map<std::uint32_t, std::shared_ptr<const Permit>> permits_;
};

}  // namespace restante::net
