// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/service.hpp"
#include "api/commands.hpp"
#include "base/clock.hpp"
#include "config.hpp"
#include "data_dir.hpp"
#include "files/areas.hpp"
#include "files/links.hpp"
#include "intake/key_ring.hpp"
#include "store/store.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <string>

namespace restante::daemon {

/// What a server and a command without a server have in common: the locked data folder, the store, the
/// accounts and the areas. `loop` is the control loop; whoever opened the house runs it and outlives nothing
/// in it.
class House {
public:
  /// Blocking. Errors: in-use, storage; each says what, where and how to mend it.
  static Result<std::unique_ptr<House>> open(const Config& config, const std::string& dir);
  ~House();

  /// Reads the accounts; before anything else on the loop.
  Task<Result<void>> start();

  asio::io_context loop{1};
  asio::thread_pool hash_pool{1}, disk_pool{4};
  SystemClock clock;
  std::string dir;
  DataLock lock;
  proxy::PrivateKey identity;
  std::unique_ptr<intake::KeyRing> keys;  ///< that requests are sealed with
  std::unique_ptr<store::Store> store;
  std::unique_ptr<accounts::Service> accounts;
  std::unique_ptr<files::Areas> areas;
  std::unique_ptr<files::Links> links;

  std::string jkt() const { return identity.public_key().thumbprint(); }
  /// Of what was erased, no bytes stay in the database's files; does nothing when nothing was erased.
  Task<Result<void>> scrub_store();

  /// `jobs` and `base_url` are left to the caller.
  api::Administration administration();

private:
  House(std::string data_dir, DataLock data_lock, proxy::PrivateKey key)
      : dir(std::move(data_dir)), lock(std::move(data_lock)), identity(std::move(key)) {}
  std::function<Result<void>()> check_mail_;       ///< empty: no mail
  std::function<Result<void>()> check_mailboxes_;  ///< empty: none
  std::function<Result<void>()> check_tls_;        ///< empty: no certificate is given
};

/// The URL by which devices reach the first of these listeners.
std::string base_url(const Config& config, const std::string& address, std::uint16_t port, bool tls);
/// Loopback speaks plain HTTP unless [tls] is set; every other address speaks TLS.
bool needs_tls(const Config& config, const std::string& address);

}  // namespace restante::daemon
