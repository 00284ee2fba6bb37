// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/model.hpp"
#include "base/database.hpp"

#include <vector>

namespace restante::accounts {

/// A setting: "1" from an erasure until no bytes of the erased rows are left in the database's files.
inline constexpr std::string_view scrub_setting = "scrub-wanted";

/// A setting: the digest of the code that sets the place up (hexadecimal), a space, and when it ends
/// (milliseconds since 1970). Empty: there is none.
inline constexpr std::string_view setup_setting = "setup-code";

/// A view over one Tx, implemented by src/store. Errors of every method: storage, disk-full.
class AccountRecords {
public:
  virtual ~AccountRecords() = default;

  virtual Result<AccountId> insert(const Account& account) = 0;  ///< error conflict: the name is taken
  virtual Result<void> update(const Account& account) = 0;
  virtual Result<void> remove(
      AccountId id) = 0;  ///< with its devices, sessions, pairings, jobs, history and file rows
  virtual Result<std::vector<Account>> accounts() = 0;

  virtual Result<void> save_device(const Device& device) = 0;           ///< inserts or replaces
  virtual Result<void> saw_device(const DeviceId& id, Instant at) = 0;  ///< of one that is gone: nothing
  virtual Result<void> remove_device(const DeviceId& id) = 0;
  virtual Result<std::vector<Device>> devices() = 0;

  virtual Result<void> insert_pairing(const Pairing& pairing) = 0;
  /// Removes and returns it; none if unknown. Expired ones are removed too, and returned to be told apart.
  virtual Result<std::optional<Pairing>> take_pairing(const Digest256& code) = 0;

  virtual Result<void> insert_session(const Session& session) = 0;  ///< or replaces it
  virtual Result<void> saw_session(const Digest256& token, Instant at) = 0;
  virtual Result<void> remove_session(const Digest256& token) = 0;  ///< alone: it was over
  virtual Result<void> end_session(const Digest256& token) = 0;  ///< with the browser's key of that session
  virtual Result<bool> has_session(const Digest256& token) = 0;
  virtual Result<std::vector<Session>> sessions() = 0;

  virtual Result<void> save_token(const Token& token) = 0;  ///< inserts or replaces
  virtual Result<void> saw_token(const std::string& id, Instant at) = 0;
  virtual Result<void> remove_token(const std::string& id) = 0;
  virtual Result<std::vector<Token>> tokens() = 0;

  /// Small named values of the server itself ("place-name", ...).
  virtual Result<std::optional<std::string>> setting(std::string_view name) = 0;
  virtual Result<void> save_setting(std::string_view name, std::string_view value) = 0;
};

}  // namespace restante::accounts
