// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "case.hpp"

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace restante::test {

/// Plays cases: what is answered to a request is decided by the number at the beginning of its path. One
/// plain and one TLS listener on loopback, a thread for each connection. The certificate is its own root.
class CaseServer {
public:
  using Find = std::function<std::shared_ptr<const Case>(std::uint64_t number)>;

  /// `find` is called on any thread. `seed` decides frills and splits.
  CaseServer(std::uint64_t seed, Find find);
  ~CaseServer();
  CaseServer(const CaseServer&) = delete;

  std::uint16_t http() const { return http_; }
  std::uint16_t https() const { return https_; }
  const std::string& ca_pem() const { return ca_pem_; }
  /// Begins a case anew: its next request is its first.
  void forget(std::uint64_t number);
  std::uint64_t requests() const { return requests_; }

private:
  struct Connection {
    UniqueFd fd;
    std::thread thread;
    std::atomic<bool> ended{false};
  };
  struct Tls;

  std::uint16_t listen(UniqueFd& listener);
  void accept_on(int listener, bool tls);
  void serve(Connection& connection, bool tls);
  void sweep(bool all);
  std::size_t count(std::uint64_t number);

  const std::uint64_t seed_;
  const Find find_;
  std::unique_ptr<Tls> tls_;
  std::string ca_pem_;
  UniqueFd plain_listener_, tls_listener_;
  std::uint16_t http_ = 0, https_ = 0;
  std::thread plain_thread_, tls_thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> requests_{0};
  std::mutex mutex_;
  std::list<Connection> connections_;
  std::map<std::uint64_t, std::size_t> counts_;
};

}  // namespace restante::test
