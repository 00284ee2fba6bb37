// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/model.hpp"
#include "accounts/records.hpp"
#include "accounts/stays.hpp"
#include "base/database.hpp"
#include "base/task.hpp"
#include "proxy/keys.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace restante::accounts {

/// Everything needed to decide a request, immutable: the control loop replaces it on each change. Any thread.
class Snapshot {
public:
  virtual ~Snapshot() = default;
  virtual std::optional<Principal> by_token(std::string_view token, Instant now) const = 0;
  /// Whether that very credential still holds: neither revoked nor over, and its account may come in.
  virtual bool alive(const Principal& who, Instant now) const = 0;
  /// Who asks by a document that this device signed, as if it had shown its token.
  virtual std::optional<Principal> device_principal(const DeviceId& device, Instant now) const = 0;
  virtual std::optional<Device> device(const DeviceId& device) const = 0;
  virtual std::optional<proxy::PublicKey> device_key(const DeviceId& device) const = 0;
  virtual std::optional<Account> account(AccountId id) const = 0;
  virtual std::vector<Account> accounts() const = 0;
  virtual std::vector<Device> devices(AccountId account) const = 0;
  virtual std::vector<Session> sessions(AccountId account) const = 0;  ///< oldest first
  virtual std::vector<Token> tokens(AccountId account) const = 0;      ///< oldest first
  /// The end of the session behind this token; none if it is not a session's.
  virtual std::optional<Instant> session_end(std::string_view token) const = 0;
  virtual bool set_up() const = 0;  ///< there is an account; before, nothing is open
};

struct NewUser {
  std::string name;
  Role role = Role::user;
  std::optional<std::uint64_t> quota_bytes, traffic_bytes, rate_bytes_per_s;
  bool lan = false;
  std::string password;  ///< empty: none; devices only
};

struct Enrolment {
  std::string code;   ///< from the pairing URL
  std::string label;  ///< what the person calls the device
  std::string jwk;
  std::string
      proof;  ///< compact JWS by that key, typ "restante-enrol+jws", payload = {"code":..,"jkt":<server's>}
};

struct Enrolled {
  Device device;
  Account account;
  std::string token;  ///< shown once
};

/// A key that a browser made and keeps for itself, for requests that it seals.
struct BrowserKey {
  AccountId account;
  Digest256 session{};  ///< that it is connected in
  std::string code;     ///< that its page knows and no other does
  std::string label;    ///< the browser, in words
  std::string jwk;
  std::string proof;  ///< as in Enrolment, over this code
};

struct NewToken {
  Token token;
  std::string secret;  ///< shown once
};

/// An invitation, as it is shown once.
struct Invited {
  Account account;
  std::string code;
};

/// What `change_user` changes; what is not there stays as it is.
struct UserChange {
  std::optional<Role> role;
  /// An inner none: no limit.
  std::optional<std::optional<std::uint64_t>> quota_bytes, traffic_bytes, rate_bytes_per_s;
  std::optional<bool> lan;
  std::string password;  ///< empty: stays
  /// The session that a new password does not end; none: it ends all.
  std::optional<Digest256> going_on = std::nullopt;
};

struct SignIn {
  std::string name, password;
  std::string peer;      ///< address of the client
  std::string browser;   ///< what the session is called in lists
  std::string replaces;  ///< token of a session that ends when this one begins; "": none
};

/// A person's own other password.
struct OwnPassword {
  AccountId account;
  std::string password, new_password;
  std::string peer;                  ///< address of the client
  std::optional<Digest256> session;  ///< that goes on: the one that asks
};

/// Who sets a fresh place up.
struct FirstAdmin {
  std::string code;  ///< of new_setup_code
  std::string name, password;
  std::string peer, browser;  ///< as in SignIn
};

struct SignedIn {
  Account account;
  std::string token;
  Instant expires{};
};

struct AccountLimits {
  Seconds pairing_time{15 * 60};
  Seconds setup_time{60 * 60};  ///< of a code that sets a fresh place up
  Seconds session_time{30 * 86400};
  std::size_t min_password = 8, max_password = 1024;
  int sign_ins_before_backoff = 10;
  Seconds longest_backoff_by_name{60};   ///< short: a stranger must not lock a person out
  Seconds longest_backoff_by_peer{900};  ///< of one IPv4 address or one IPv6 /64
  int hashes_waiting = 16;               ///< passwords being hashed or waiting for it; beyond it: busy
  std::size_t devices_per_account = 256;
  std::size_t sessions_per_account = 100;  ///< the oldest ends when another begins
  std::size_t tokens_per_account = 100;
  GuestLimits guests;
};

/// Accounts, devices and sessions. Lives on the control loop; password hashing runs in the pool.
class Service {
public:
  virtual ~Service() = default;
  virtual Task<Result<void>> start() = 0;                        ///< reads everything once
  virtual std::shared_ptr<const Snapshot> snapshot() const = 0;  ///< any thread

  /// A code that makes the first account, once and for `setup_time`: base64url, 128 bits. The one before it
  /// no longer counts. Error conflict: there is an account.
  virtual Task<Result<std::string>> new_setup_code() = 0;
  /// Makes an administrator and signs in. Errors: conflict (there is an account), unauthenticated (code
  /// unknown, used or expired, told alike), rate-limited, invalid (name or password; the code stays good),
  /// busy.
  virtual Task<Result<SignedIn>> set_up(FirstAdmin who) = 0;

  virtual Task<Result<Account>> add_user(NewUser user) = 0;  ///< conflict, invalid
  /// In effect at once, on whatever is under way. A new password ends all sessions. Errors: not-found,
  /// invalid, conflict (the last admin must stay one; a guest of a stay stays a guest).
  virtual Task<Result<Account>> change_user(std::string name, UserChange change) = 0;
  virtual Task<Result<void>> set_password(std::string name, std::string password) = 0;
  /// By whoever knows the one before; guessing waits as for signing in. All other sessions end. Errors:
  /// forbidden (wrong), conflict (there is none), rate-limited, invalid (the new one), busy.
  virtual Task<Result<void>> change_own_password(OwnPassword what) = 0;
  /// The last step of an erasure (src/api/erasure.hpp): the account's row, and all rows that hang on it.
  virtual Task<Result<Account>> remove_user(std::string name) = 0;
  /// The first step of an erasure, durable: from now on nobody gets in as this user, so that nothing new
  /// begins. Error not-found. Repeating it is safe.
  virtual Task<Result<Account>> mark_for_erasure(std::string name) = 0;

  /// A guest with a generated name and a code that connects one device or browser, until the stay ends.
  /// Errors: invalid (see check_stay), busy (too many guests).
  virtual Task<Result<Invited>> add_guest(NewGuest guest) = 0;
  /// The stay ends now, if it has not; the grace begins. Errors: not-found, also for whoever has no stay.
  virtual Task<Result<Account>> end_stay(std::string name) = 0;
  /// Remembers that the guest was told of the end; `also` is what tells, in the same transaction.
  virtual Task<Result<void>> told_of_end(AccountId account, Database::Work also) = 0;
  virtual const GuestLimits& guest_limits() const = 0;
  virtual Task<Result<std::string>> new_pairing_code(
      std::string name) = 0;                 ///< base64url, 128 bits, valid once
  virtual Seconds pairing_time() const = 0;  ///< that such a code is good for

  /// Errors: unauthenticated (code unknown, used or expired; proof wrong), told alike.
  virtual Task<Result<Enrolled>> enrol(Enrolment enrolment, std::string server_jkt) = 0;
  /// The key of a browser as a device without a token. It ends with its session, except when that is over by
  /// its time; connected again it belongs to the session of then. Errors: invalid, bad-signature (the proof),
  /// unauthenticated (the session has ended), conflict (a device's key, or another account's; too many).
  virtual Task<Result<Device>> connect_browser(BrowserKey key, std::string server_jkt) = 0;
  virtual Task<Result<void>> revoke_device(AccountId account, DeviceId device) = 0;  ///< not-found

  /// Errors: unauthenticated (same answer and time for unknown names), rate-limited.
  virtual Task<Result<SignedIn>> sign_in(SignIn what) = 0;
  Task<Result<SignedIn>> sign_in(std::string name, std::string password, std::string peer) {
    return sign_in(SignIn{std::move(name), std::move(password), std::move(peer), {}, {}});
  }
  /// By the code of `pair` or of an invitation, which is used up: a browser's way in. Error unauthenticated.
  virtual Task<Result<SignedIn>> sign_in_by_code(std::string code, std::string browser) = 0;
  /// How long a refused (rate-limited) person has to wait.
  virtual Seconds sign_in_wait(std::string_view name, std::string_view peer) const = 0;
  virtual Task<Result<void>> sign_out(std::string token) = 0;
  virtual Task<Result<void>> end_session(AccountId account, std::string id) = 0;  ///< not-found

  /// Errors: invalid (no label), conflict (too many).
  virtual Task<Result<NewToken>> add_token(AccountId account, Token::Kind kind, std::string label) = 0;
  virtual Task<Result<void>> revoke_token(AccountId account, std::string id) = 0;  ///< not-found

  /// Stores when devices, sessions and tokens were last seen; that is kept in memory otherwise. Call now and
  /// then, and at the end.
  virtual Task<Result<void>> save_last_seen() = 0;
};

std::unique_ptr<Service> make_service(Executor loop, Executor hash_pool, Database& database,
                                      const Clock& clock, AccountLimits limits);

}  // namespace restante::accounts
