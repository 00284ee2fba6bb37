// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

#include <string>
#include <vector>

namespace restante::jobs {

/// A sign-in for one content server that an account has stored here (patent: block 322). Only `secret` lets
/// anybody in there.
struct StoredLogin {
  std::string id;  ///< 32 hexadecimal digits
  AccountId account;
  std::string origin;  ///< "https://files.example", as in proxy::Credential::scope
  std::string kind;    ///< "basic" | "bearer" | "cookie" | "header"
  std::string label;   ///< what may be shown: the user, the header's or the cookies' names; may be empty
  Instant created{};
  std::string secret;  ///< a credential, sealed by the Vault under "login " + id
};

/// A view over one Tx, implemented by src/store. Errors of every method: storage, disk-full.
class LoginRecords {
public:
  virtual ~LoginRecords() = default;

  /// In the place of the account's login for that origin.
  virtual Result<void> save(const StoredLogin& login) = 0;
  /// Whether the account had it.
  virtual Result<bool> remove(AccountId account, const std::string& id) = 0;
  virtual Result<std::vector<StoredLogin>> of(AccountId account) = 0;  ///< by origin
  /// Those that have one.
  virtual Result<std::vector<AccountId>> accounts() = 0;
};

}  // namespace restante::jobs
