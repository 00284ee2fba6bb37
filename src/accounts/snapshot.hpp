// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/service.hpp"
#include "proxy/keys.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace restante::accounts {

/// When a device was last seen, in milliseconds since 1970: written on any thread, stored now and then.
using LastSeen = std::shared_ptr<std::atomic<std::int64_t>>;

/// The key of a device, read when it is first needed. Any thread.
class DeviceKey {
public:
  /// nullopt: it is not a key, which no device is enrolled with.
  std::optional<proxy::PublicKey> read(const std::string& jwk) const;

private:
  mutable std::atomic<std::shared_ptr<const proxy::PublicKey>> known_;
};

struct KnownDevice {
  Device device;
  LastSeen seen;
  std::shared_ptr<const DeviceKey> key = std::make_shared<const DeviceKey>();
};

/// What the control loop knows and makes snapshots of.
struct Known {
  std::map<AccountId, Account> accounts;
  std::map<DeviceId, KnownDevice> devices;
  std::map<Digest256, Session> sessions;
  std::map<std::string, Token> tokens;  ///< by id
  std::map<Digest256, LastSeen> seen;   ///< of sessions and tokens, by the digest of their secret
  Seconds grace{0};                     ///< of guests, see GuestLimits
};

std::shared_ptr<const Snapshot> make_snapshot(const Known& known);

}  // namespace restante::accounts
