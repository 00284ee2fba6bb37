// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/context.hpp"
#include "jobs/login_records.hpp"

#include <set>
#include <span>

namespace restante::jobs {

/// A sign-in as a person gives it.
struct NewLogin {
  std::string address;   ///< any address there; only its origin counts
  std::string kind;      ///< as in StoredLogin
  std::string user;      ///< basic: the user; header: the header's name; else empty
  std::string host_key;  ///< basic at sftp://: as in proxy::Credential; may be empty
  std::string secret;    ///< cookie: "a=1; b=2", as a browser sends it
};

/// The sign-ins that accounts have stored, and their use: what is asked for gets the one of its content
/// server, if it brings none of its own. Only the sealed form is kept; the store has it. Made and started by
/// the service; control loop.
class Logins {
public:
  explicit Logins(Context& context) : context_(context) {}

  Task<Result<void>> start();
  /// By origin, without secrets.
  Task<Result<std::vector<StoredLogin>>> list(AccountId account);
  /// In the place of the one with the same origin. Errors: scheme, invalid, too-large (as many as an account
  /// may have).
  Task<Result<StoredLogin>> add(AccountId account, NewLogin login);
  Task<Result<void>> remove(AccountId account, std::string id);  ///< not-found

  /// Adds the account's own sign-ins to what it hands in. `core` and with it the identity of the submission
  /// stay as they are. A login that cannot be read is left out, and logged.
  Task<Result<void>> lend(std::span<Submission> submissions);

private:
  Context& context_;
  std::set<AccountId> with_logins_;  ///< those that may have one; the store knows
};

/// The login as a credential for its origin. Errors: scheme, invalid with the member's pointer.
Result<proxy::Credential> credential_of(const NewLogin& login);

/// The origins that the document asks without a credential for them; sources that choose theirs by name are
/// left alone.
std::set<std::string> origins_without_credential(const proxy::Document& document);

}  // namespace restante::jobs
