// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/task.hpp"
#include "net/connector.hpp"

#include <chrono>
#include <vector>

namespace restante::net {

struct RaceLimits {
  std::chrono::milliseconds stagger{250};  ///< RFC 8305 §5: Connection Attempt Delay
  std::chrono::milliseconds patience{3000};
};

/// Puts the endpoint that answers a connection attempt first to the front, so that one broken family or
/// address costs no time (RFC 8305). Each is judged once more at its socket, by `layer2`; one that is refused
/// there is not tried. When none answers in time the order stays, and the worker's own attempt tells why.
Task<std::vector<Endpoint>> fastest_first(Executor loop, Permit permit, Judge layer2 = judge,
                                          RaceLimits limits = {});

}  // namespace restante::net
