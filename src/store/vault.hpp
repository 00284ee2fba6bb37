// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/records.hpp"

#include <string>

namespace restante::store {

/// AES-256-GCM under the master key. A sealed value is
///   1 byte version (1) | 4 bytes key id | 12 bytes random nonce | ciphertext | 16 bytes tag,
/// and `context` is the additional data, so that a value cannot be moved to another place. Any thread.
class MasterKeyVault final : public jobs::Vault {
public:
  explicit MasterKeyVault(std::string key);  ///< 32 raw bytes
  ~MasterKeyVault() override;
  MasterKeyVault(const MasterKeyVault&) = delete;
  MasterKeyVault& operator=(const MasterKeyVault&) = delete;

  std::string seal(std::string_view plain, std::string_view context) const override;
  /// Error storage: sealed under another master key, damaged, or of another context.
  Result<std::string> open(std::string_view sealed, std::string_view context) const override;

private:
  std::string key_;
  std::string key_id_;  ///< tells keys apart; says nothing of the key
};

}  // namespace restante::store
