// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/small_request.hpp"
#include "worker/running.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace restante::worker {

/// Small requests beside the transfers: neither takes the other's places.
struct RequestLimits {
  std::size_t at_once = 4;                      ///< of one account, in its worker
  std::size_t waiting = 64;                     ///< of one account
  std::size_t waiting_in_all = 1024;            ///< of all accounts
  int extra_workers = 4;                        ///< beyond `max_workers`, that do nothing else
  std::chrono::milliseconds patience{60000};    ///< for a worker
  std::chrono::milliseconds late{3000};         ///< a worker may be, behind the deadline of a request
  std::chrono::milliseconds answer_time{2000};  ///< for one that was told to stop
};

/// One small request, from the pool's queue to its answer. Private to the pool; control loop.
struct Asking final : Work {
  using Work::Work;

  net::SmallRequest request;  ///< emptied once it is sent
  net::HttpUrl url;
  std::size_t answer_bytes = 0;
  bool resolving = false, resolved_once = false;
  bool gone = false;         ///< nobody waits for it any longer
  Clock::time_point until;   ///< then it is given up
  std::optional<Error> why;  ///< it was given up
  std::optional<Result<net::SmallAnswer>> result;

  bool over() const override { return result.has_value(); }
  bool stays_home() const override { return url.scheme == "http"; }
  /// It goes to one host, which the server knows: a worker may ask for its addresses once.
  Result<void> may_resolve(const Resolve& asked) override;
  void resolved(std::uint32_t) override { resolving = false; }

  /// malformed: no answer that an honest worker gives.
  Result<void> take(Answered& message);
};
using AskingPtr = std::shared_ptr<Asking>;

}  // namespace restante::worker
