// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/server.hpp"

#include <cstddef>
#include <string>
#include <sys/socket.h>
#include <unordered_map>

namespace restante::http {

/// Counts the connections of each address (an IPv6 customer has a whole /64), so that one host cannot take
/// those of all others. Lives on the loop that accepts.
class Crowd {
public:
  explicit Crowd(const ServerLimits& limits) : limits_(limits) {}

  /// The address as it is counted; "" for a Unix socket, which is not.
  static std::string key_of(const sockaddr_storage& from);

  /// One more without a request; false: it has too many, and nothing is counted.
  bool enter(const std::string& key);
  void greet(const std::string& key);                ///< a whole request head has come over one of them
  void leave(const std::string& key, bool greeted);  ///< one has ended

private:
  struct Count {
    std::size_t connections = 0, silent = 0;
  };
  const ServerLimits limits_;
  std::unordered_map<std::string, Count> counts_;  // of addresses that have connections
};

}  // namespace restante::http
