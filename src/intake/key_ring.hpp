// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "proxy/jose.hpp"
#include "proxy/key_set.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace restante::intake {

struct KeyTimes {
  Seconds renewed_after{365 * 86400};  ///< a new key takes over
  Seconds kept{400 * 86400};           ///< the old one still opens what was sealed for it: late mail, a stick
  std::size_t most_keys = 16;          ///< however often a new one is asked for
};

/// The keys that requests for this place are sealed with (DESIGN.md §7): the private halves in a folder, one
/// file each, named after the second in which it was made. Any thread; of two changes at once the second is
/// refused.
class KeyRing final : public proxy::DecryptionKeys {
public:
  /// Reads the folder (made 0700 where missing), and makes the first key. Blocking. Errors: storage.
  static Result<std::unique_ptr<KeyRing>> open(std::string folder, const proxy::PrivateKey& identity,
                                               Instant now, KeyTimes times = {});

  std::shared_ptr<const proxy::PrivateKey> decryption_key(std::string_view kid) const override;

  /// Makes a new key when the newest is old enough, and erases what was kept long enough; true if something
  /// changed. A clock that went backwards does neither. Blocking. Errors: storage, disk-full.
  Result<bool> rotate(Instant now);
  /// Makes a new key at once: whoever may have read the old one reads nothing that is sealed from now on.
  /// Error busy: it is being changed.
  Result<void> renew(Instant now);

  std::string public_set() const;  ///< JWK Set (RFC 7517 §5)
  std::string signed_set() const;  ///< the same, signed by the identity key
  Instant newest_made() const;

private:
  struct Key {
    std::shared_ptr<const proxy::PrivateKey> key;
    std::string kid;
    Instant made{};
  };
  struct State {
    std::vector<Key> keys;  ///< newest first
    std::string json, jws;
  };

  KeyRing(std::string folder, const proxy::PrivateKey& identity, KeyTimes times)
      : folder_(std::move(folder)), identity_(identity), times_(times) {}
  Result<void> read(Instant now);
  Result<void> add(std::vector<Key>& keys, Instant now) const;
  bool erase_old(std::vector<Key>& keys, Instant now) const;
  void publish(std::vector<Key> keys, Instant now);
  std::shared_ptr<const State> state() const { return state_.load(std::memory_order_acquire); }

  std::string folder_;
  const proxy::PrivateKey& identity_;
  KeyTimes times_;
  std::atomic_flag changing_;
  std::atomic<std::shared_ptr<const State>> state_;
};

}  // namespace restante::intake
