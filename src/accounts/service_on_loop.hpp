// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/backoff.hpp"
#include "accounts/service.hpp"
#include "accounts/snapshot.hpp"
#include "proxy/keys.hpp"

#include <map>
#include <set>

namespace restante::accounts {

/// The service on the control loop: what is known lies in memory and in the snapshot, and is stored before it
/// counts. Split over service.cpp (accounts and stays), credentials.cpp (devices, sessions, tokens,
/// codes), browser_keys.cpp, own_password.cpp and setup.cpp (the first account).
class ServiceOnLoop final : public Service {
public:
  ServiceOnLoop(Executor hash_pool, Database& database, const Clock& clock, AccountLimits limits)
      : hash_pool_(std::move(hash_pool)),
        database_(database),
        clock_(clock),
        limits_(limits),
        by_name_({.free = limits.sign_ins_before_backoff, .longest = limits.longest_backoff_by_name}),
        by_peer_({.free = limits.sign_ins_before_backoff, .longest = limits.longest_backoff_by_peer}) {
    known_.grace = limits_.guests.grace;
    publish();
  }

  Task<Result<void>> start() override;
  std::shared_ptr<const Snapshot> snapshot() const override { return std::atomic_load(&snapshot_); }
  Task<Result<std::string>> new_setup_code() override;
  Task<Result<SignedIn>> set_up(FirstAdmin who) override;
  Task<Result<Account>> add_user(NewUser user) override;
  Task<Result<Account>> change_user(std::string name, UserChange change) override;
  Task<Result<void>> set_password(std::string name, std::string password) override;
  Task<Result<void>> change_own_password(OwnPassword what) override;
  Task<Result<Account>> mark_for_erasure(std::string name) override;
  Task<Result<Account>> end_stay(std::string name) override;
  Task<Result<Invited>> add_guest(NewGuest guest) override;
  Task<Result<void>> told_of_end(AccountId id, Database::Work also) override;
  const GuestLimits& guest_limits() const override { return limits_.guests; }
  Task<Result<Account>> remove_user(std::string name) override;
  Task<Result<std::string>> new_pairing_code(std::string name) override;
  Seconds pairing_time() const override { return limits_.pairing_time; }
  Task<Result<Enrolled>> enrol(Enrolment enrolment, std::string server_jkt) override;
  Task<Result<Device>> connect_browser(BrowserKey key, std::string server_jkt) override;
  Task<Result<void>> revoke_device(AccountId account, DeviceId device) override;
  Task<Result<SignedIn>> sign_in(SignIn what) override;
  Task<Result<SignedIn>> sign_in_by_code(std::string code, std::string browser) override;
  Seconds sign_in_wait(std::string_view name, std::string_view peer) const override;
  Task<Result<void>> sign_out(std::string token) override;
  Task<Result<void>> end_session(AccountId account, std::string id) override;
  Task<Result<NewToken>> add_token(AccountId account, Token::Kind kind, std::string label) override;
  Task<Result<void>> revoke_token(AccountId account, std::string id) override;
  Task<Result<void>> save_last_seen() override;

private:
  bool is_over(const Account& account) const;
  /// What is written meanwhile must not bring back a stay that ends: it counts in memory from the beginning.
  Task<Result<Account>> put_stay(Account before, Account changed);
  const Account* find(std::string_view name) const;
  void remember(const Device& device);
  void publish();
  /// Whether it is worth storing that it was seen; then `stored` is when.
  static bool was_seen(const LastSeen& now, Instant& stored);
  Session new_session(AccountId account, const std::string& token, const std::string& browser) const;
  bool is_last_admin(const Account& account) const;
  /// The account as it would be; the password stays.
  Result<Account> with(const Account& before, const UserChange& change) const;
  Task<Result<std::string>> hashed(std::string password);
  std::set<AccountId> full_accounts() const;
  std::vector<Digest256> oldest_sessions(AccountId account) const;
  /// Of sessions that are ended: they are gone at once for everything that is written from then on.
  Task<Result<void>> store_ends(std::vector<Digest256> digests);
  void forget(const std::vector<Digest256>& sessions);  ///< with their browsers' keys; publishes nothing

  Executor hash_pool_;
  Database& database_;
  const Clock& clock_;
  const AccountLimits limits_;
  Backoff by_name_, by_peer_;
  Known known_;
  std::shared_ptr<const Snapshot> snapshot_;  // read by any thread: only through std::atomic_load
  int hashing_ = 0;
};

tl::unexpected<Error> no_user(std::string_view name);
/// The key, if the proof by it names this code and this server. Errors: invalid (no key), bad-signature.
Result<proxy::PublicKey> proven_key(const std::string& jwk, const std::string& proof, std::string_view code,
                                    std::string_view server_jkt);

}  // namespace restante::accounts
