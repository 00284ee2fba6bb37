// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/address_guard.hpp"
#include "net/small_request.hpp"

namespace restante::notify {

/// Short HTTP requests, made by the caged worker of the account that they are for: like its downloads they
/// reach only what the address guard permits. Implemented by src/worker (pool). Control loop.
class Requests {
public:
  virtual ~Requests() = default;
  /// One request and its answer, whatever its status; nothing is followed and nothing tried again. Plain http
  /// goes to private addresses only. Bounded in number, waiting and time. Errors: busy (too many wait, or
  /// none of the workers was free in time), scheme, invalid, malformed, too-large (it cannot be sent), dns,
  /// address, unreachable, tls, timeout, incomplete, worker-died, cancelled. Cancelling the task ends it;
  /// repeating it sends it once more.
  virtual Task<Result<net::SmallAnswer>> request(AccountId account, net::Lan lan,
                                                 net::SmallRequest request) = 0;
  /// Ends all of an account, which is gone: they answer `cancelled`.
  virtual void forget(AccountId account) = 0;
};

}  // namespace restante::notify
