// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"
#include "net/address_guard.hpp"
#include "notify/requests.hpp"
#include "worker/asking.hpp"
#include "worker/claims.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace restante::worker {

struct PoolOptions {
  std::string program;           ///< absolute path of restante-transfer
  net::AddressPolicy addresses;  ///< what the operator allows for everybody
  net::AddressGuard guard;
  std::string ca_bundle = "/etc/ssl/certs/ca-certificates.crt";  ///< trusted roots for content servers
  std::string http2 = "needed";   ///< or "never", "always": see transfer/http_versions.hpp
  int max_workers = 32;           ///< one for each account with work at most
  std::chrono::seconds idle{30};  ///< then a worker without work ends
  std::chrono::seconds start_time{10};
  std::size_t transfers_per_worker = 64;
  int transfers_per_origin = 6;  ///< of a worker, that ask or receive at one time
  std::size_t queued = 4096;     ///< transfers that wait for a worker, of all accounts
  ClaimLimits claims;            ///< of one transfer
  RequestLimits requests;        ///< small ones
  /// Connections at once to a content server, by its host, of all workers together.
  std::function<int(const std::string& host)> connections_at = [](const std::string&) { return 1000; };
  std::chrono::seconds seat_patience{30};      ///< for one of them; less than a worker waits for addresses
  std::chrono::seconds turn{60};               ///< that a worker may work on while other accounts wait
  std::chrono::milliseconds stop_time{2000};   ///< for a stopped transfer to end before its worker is killed
  std::chrono::milliseconds watch_every{250};  ///< how often the lengths of the files are looked at
  std::chrono::milliseconds progress_every{250};  ///< an observer hears of progress no more often
};

/// Gives jobs their transfers, and others their small requests: starts one caged worker for each account with
/// work, speaks with it, restarts what died. Lives on the control loop.
class Pool : public jobs::Transfers, public notify::Requests {
public:
  virtual int workers() const = 0;  ///< that are there now
  /// Ends all workers; running transfers end as stopped.
  virtual Task<void> stop() = 0;
};

/// `resolver` runs getaddrinfo (it blocks).
std::unique_ptr<Pool> make_pool(Executor loop, Executor resolver, PoolOptions options);

}  // namespace restante::worker
