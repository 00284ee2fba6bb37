// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"

#include <chrono>
#include <cstdint>
#include <sys/socket.h>

namespace restante::transfer {

/// Asks the server's connector for sockets: the worker has no `socket` and no `connect` of its own. One
/// question at a time, on the loop's thread; the answer comes from memory there (SPIKES.md C-A).
class ConnectorClient {
public:
  ConnectorClient(UniqueFd channel, std::chrono::milliseconds patience)
      : channel_(std::move(channel)), patience_(patience) {}

  /// A socket that connects to `address`, or the negative errno: EACCES (refused by the judge), ETIMEDOUT (no
  /// answer), ENOTCONN (the server has gone), others as connect gave them.
  int open(std::uint32_t transfer, std::uint32_t part, int family, int socktype, const sockaddr* address,
           socklen_t length);

private:
  UniqueFd channel_;
  std::chrono::milliseconds patience_;
  std::uint32_t sequence_ = 0;
};

}  // namespace restante::transfer
