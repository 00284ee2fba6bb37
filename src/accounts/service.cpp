// SPDX-License-Identifier: Apache-2.0
#include "accounts/service.hpp"

#include "accounts/backoff.hpp"
#include "accounts/names.hpp"
#include "accounts/passwords.hpp"
#include "accounts/snapshot.hpp"
#include "base/text.hpp"
#include "proxy/keys.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace restante::accounts {

namespace {

constexpr std::string_view enrol_type = "restante-enrol+jws";

tl::unexpected<Error> no_user(std::string_view name) {
  return fail(Reason::not_found, fmt::format("there is no user {}", name),
              "`restanted user list` shows them all");
}

tl::unexpected<Error> code_refused() {
  return fail(Reason::unauthenticated, "this pairing code is not valid (any more)",
              "a code works once and for 15 minutes: make a new one with `restanted pair NAME` at the place");
}

tl::unexpected<Error> sign_in_refused() {
  return fail(Reason::unauthenticated, "this name and password do not belong together",
              "check both; `restanted user passwd NAME` at the place sets a new password");
}

/// True if the payload of the proof names this code and this server.
bool speaks_of(std::string_view payload, std::string_view code, std::string_view server_jkt) {
  boost::system::error_code error;
  const auto value = boost::json::parse(payload, error);
  if (error || !value.is_object()) return false;
  const auto member = [&](const char* key) -> std::string_view {
    const auto* found = value.as_object().if_contains(key);
    return found != nullptr && found->is_string() ? std::string_view(found->as_string()) : std::string_view();
  };
  return equal_in_constant_time(member("code"), code) && member("jkt") == server_jkt;
}

class ServiceImpl final : public Service {
public:
  ServiceImpl(Executor hash_pool, Database& database, const Clock& clock, AccountLimits limits)
      : hash_pool_(std::move(hash_pool)),
        database_(database),
        clock_(clock),
        limits_(limits),
        by_name_({.free = limits.sign_ins_before_backoff, .longest = limits.longest_backoff_by_name}),
        by_peer_({.free = limits.sign_ins_before_backoff, .longest = limits.longest_backoff_by_peer}) {
    publish();
  }

  Task<Result<void>> start() override {
    struct Stored {
      std::vector<Account> accounts;
      std::vector<Device> devices;
      std::vector<Session> sessions;
    };
    std::function<Result<Stored>(Tx&)> work = [](Tx& tx) -> Result<Stored> {
      auto& records = tx.repo<AccountRecords>();
      auto accounts = records.accounts();
      if (!accounts) return fail(accounts.error());
      auto devices = records.devices();
      if (!devices) return fail(devices.error());
      auto sessions = records.sessions();
      if (!sessions) return fail(sessions.error());
      return Stored{std::move(*accounts), std::move(*devices), std::move(*sessions)};
    };
    auto stored = co_await database_.read_value<Stored>(work);
    if (!stored) co_return fail(stored.error());
    for (auto& account : stored->accounts) known_.accounts[account.id] = account;
    for (auto& device : stored->devices) remember(device);
    std::vector<Digest256> over;
    for (auto& session : stored->sessions) {
      if (session.expires > clock_.now())
        known_.sessions[session.token_digest] = session;
      else
        over.push_back(session.token_digest);
    }
    publish();
    if (over.empty()) co_return Result<void>();
    co_return co_await forget_sessions(over);
  }

  std::shared_ptr<const Snapshot> snapshot() const override { return std::atomic_load(&snapshot_); }

  Task<Result<Account>> add_user(NewUser user) override {
    auto named = check_name(user.name);
    if (!named) co_return fail(named.error());
    if (find(user.name) != nullptr)
      co_return fail(Reason::conflict, fmt::format("there is a user {} already", user.name),
                     "take another name, or change the password with `restanted user passwd`");
    Account account;
    account.name = user.name;
    account.role = user.role;
    account.quota_bytes = user.quota_bytes;
    account.lan = user.lan;
    account.created = clock_.now();
    if (!user.password.empty()) {
      auto hash = co_await hashed(user.password);
      if (!hash) co_return fail(hash.error());
      account.password_hash = *hash;
    }
    std::function<Result<AccountId>(Tx&)> work = [account](Tx& tx) {
      return tx.repo<AccountRecords>().insert(account);
    };
    auto id = co_await database_.write_value<AccountId>(work);
    if (!id) co_return fail(id.error());
    account.id = *id;
    known_.accounts[account.id] = account;
    publish();
    co_return account;
  }

  Task<Result<void>> set_password(std::string name, std::string password) override {
    if (find(name) == nullptr) co_return no_user(name);
    auto hash = co_await hashed(password);
    if (!hash) co_return fail(hash.error());
    const Account* account = find(name);
    if (account == nullptr) co_return no_user(name);
    Account changed = *account;
    changed.password_hash = *hash;
    std::vector<Digest256> ended;  // whoever signed in with the old password is signed out
    for (const auto& [digest, session] : known_.sessions)
      if (session.account == changed.id) ended.push_back(digest);
    Database::Work work = [changed, ended](Tx& tx) -> Result<void> {
      auto& records = tx.repo<AccountRecords>();
      auto done = records.update(changed);
      for (auto digest = ended.begin(); done && digest != ended.end(); ++digest)
        done = records.remove_session(*digest);
      return done;
    };
    auto done = co_await database_.write(work);
    if (!done) co_return done;
    known_.accounts[changed.id] = changed;
    for (const auto& digest : ended) known_.sessions.erase(digest);
    publish();
    co_return done;
  }

  Result<Account> suspend_user(std::string_view name) override {
    const Account* account = find(name);
    if (account == nullptr) return no_user(name);
    known_.suspended.insert(account->id);
    publish();
    return *account;
  }

  Task<Result<Account>> remove_user(std::string name) override {
    const Account* found = find(name);
    if (found == nullptr) co_return no_user(name);
    const Account account = *found;
    Database::Work work = [id = account.id](Tx& tx) { return tx.repo<AccountRecords>().remove(id); };
    auto done = co_await database_.write(work);
    if (!done) co_return fail(done.error());
    known_.accounts.erase(account.id);
    known_.suspended.erase(account.id);
    std::erase_if(known_.devices, [&](const auto& item) { return item.second.device.account == account.id; });
    std::erase_if(known_.sessions, [&](const auto& item) { return item.second.account == account.id; });
    publish();
    co_return account;
  }

  Task<Result<std::string>> new_pairing_code(std::string name) override {
    const Account* account = find(name);
    if (account == nullptr) co_return no_user(name);
    const std::string code = to_base64url(random_string(16));
    Pairing pairing;
    pairing.code_digest = sha256(code);
    pairing.account = account->id;
    pairing.expires = clock_.now() + limits_.pairing_time;
    Database::Work work = [pairing](Tx& tx) { return tx.repo<AccountRecords>().insert_pairing(pairing); };
    auto done = co_await database_.write(work);
    if (!done) co_return fail(done.error());
    co_return code;
  }

  Task<Result<Enrolled>> enrol(Enrolment enrolment, std::string server_jkt) override {
    const auto key = proxy::PublicKey::from_jwk(enrolment.jwk);
    if (!key) co_return fail(Reason::invalid, "the device's key is not a P-256 public key", "", "/jwk");
    const auto proof = proxy::verify_compact(enrolment.proof, *key, enrol_type);
    if (!proof || !speaks_of(proof->payload, enrolment.code, server_jkt)) co_return code_refused();

    const std::string token = random_token();
    Device device;
    device.id = {key->thumbprint()};
    device.label = clean_label(enrolment.label);
    device.jwk = key->jwk();
    device.token_digest = sha256(token);
    device.created = device.last_seen = clock_.now();
    std::optional<AccountId> owner;
    if (const auto found = known_.devices.find(device.id); found != known_.devices.end())
      owner = found->second.device.account;

    // A pairing that is refused for its expiry stays taken: the error is given outside the transaction.
    std::function<Result<std::optional<AccountId>>(Tx&)> work =
        [device, owner, code = sha256(enrolment.code), now = clock_.now(),
         full = full_accounts()](Tx& tx) -> Result<std::optional<AccountId>> {
      auto& records = tx.repo<AccountRecords>();
      auto pairing = records.take_pairing(code);
      if (!pairing) return fail(pairing.error());
      if (!*pairing || (*pairing)->expires <= now) return std::optional<AccountId>();
      if (owner && *owner != (*pairing)->account)
        return fail(Reason::conflict, "this device is already connected to another account here",
                    "revoke it there first, or use another key (RESTANTE_HOME)");
      if (!owner && full.contains((*pairing)->account))
        return fail(Reason::conflict, "this account has as many devices as it may have",
                    "revoke one that is not used any more");
      Device saved = device;
      saved.account = (*pairing)->account;
      if (auto done = records.save_device(saved); !done) return fail(done.error());
      return std::optional<AccountId>(saved.account);
    };
    auto account = co_await database_.write_value<std::optional<AccountId>>(work);
    if (!account) co_return fail(account.error());
    if (!*account || !known_.accounts.contains(**account)) co_return code_refused();
    device.account = **account;
    remember(device);
    publish();
    co_return Enrolled{device, known_.accounts.at(device.account), token};
  }

  Task<Result<void>> revoke_device(AccountId account, DeviceId device) override {
    const auto found = known_.devices.find(device);
    if (found == known_.devices.end() || found->second.device.account != account)
      co_return fail(Reason::not_found, "there is no such device");
    Database::Work work = [device](Tx& tx) { return tx.repo<AccountRecords>().remove_device(device); };
    auto done = co_await database_.write(work);
    if (!done) co_return done;
    known_.devices.erase(device);
    publish();
    co_return done;
  }

  Task<Result<SignedIn>> sign_in(std::string name, std::string password, std::string peer) override {
    const std::string group = peer_group(peer);
    const Seconds wait = sign_in_wait(name, peer);
    if (wait > Seconds{0})
      co_return fail(Reason::rate_limited,
                     fmt::format("too many failed sign-ins; the next one is heard in {} s", wait.count()),
                     "wait, then try again");
    if (hashing_ >= limits_.hashes_waiting)
      co_return fail(Reason::busy, "too many sign-ins at once", "try again in a moment");
    // Counted before the answer is known, so that many at once do not get more guesses.
    by_name_.failed(name, clock_.now());
    by_peer_.failed(group, clock_.now());

    const Account* account = find(name);
    const bool closed = account != nullptr && known_.suspended.contains(account->id);
    const std::string hash = account == nullptr || closed ? "" : account->password_hash;
    const bool too_long = password.size() > limits_.max_password;
    auto check = [&password, &hash, too_long] { return check_password(too_long ? "" : password, hash); };
    ++hashing_;
    auto checked = co_await offload(hash_pool_, check);
    --hashing_;
    wipe(password);
    account = find(name);  // may have changed meanwhile
    if (!checked.right || account == nullptr || account->password_hash != hash ||
        known_.suspended.contains(account->id))
      co_return sign_in_refused();
    by_name_.forget(name);
    by_peer_.forgive(group);

    Account signed_in = *account;
    if (!checked.new_hash.empty()) signed_in.password_hash = checked.new_hash;
    const std::string token = random_token();
    Session session;
    session.token_digest = sha256(token);
    session.account = signed_in.id;
    session.created = clock_.now();
    session.expires = session.created + limits_.session_time;
    const std::vector<Digest256> too_many = oldest_sessions(signed_in.id);
    Database::Work work = [session, signed_in, too_many, renew = !checked.new_hash.empty()](Tx& tx) {
      auto& records = tx.repo<AccountRecords>();
      auto done = records.insert_session(session);
      if (done && renew) done = records.update(signed_in);
      for (auto digest = too_many.begin(); done && digest != too_many.end(); ++digest)
        done = records.remove_session(*digest);
      return done;
    };
    auto done = co_await database_.write(work);
    if (!done) co_return fail(done.error());
    if (!known_.accounts.contains(signed_in.id)) co_return sign_in_refused();
    known_.accounts[signed_in.id].password_hash = signed_in.password_hash;
    known_.sessions[session.token_digest] = session;
    for (const auto& digest : too_many) known_.sessions.erase(digest);
    publish();
    co_return SignedIn{signed_in, token, session.expires};
  }

  Seconds sign_in_wait(std::string_view name, std::string_view peer) const override {
    const Instant now = clock_.now();
    return std::max(by_name_.wait(name, now), by_peer_.wait(peer_group(peer), now));
  }

  Task<Result<void>> sign_out(std::string token) override {
    const Digest256 digest = sha256(token);
    if (!known_.sessions.contains(digest)) co_return fail(Reason::not_found, "there is no such session");
    std::vector<Digest256> one{digest};
    auto done = co_await forget_sessions(one);
    if (!done) co_return done;
    known_.sessions.erase(digest);
    publish();
    co_return done;
  }

  Task<Result<void>> save_last_seen() override {
    std::vector<Device> changed;
    for (auto& [id, known] : known_.devices) {
      const Instant seen{Millis{known.seen->load(std::memory_order_relaxed)}};
      if (seen - known.device.last_seen < Seconds{60}) continue;
      known.device.last_seen = seen;
      changed.push_back(known.device);
    }
    if (changed.empty()) co_return Result<void>();
    Database::Work work = [changed](Tx& tx) -> Result<void> {
      Result<void> done;
      for (auto device = changed.begin(); done && device != changed.end(); ++device)
        done = tx.repo<AccountRecords>().save_device(*device);
      return done;
    };
    co_return co_await database_.write(work);
  }

private:
  const Account* find(std::string_view name) const {
    for (const auto& [id, account] : known_.accounts)
      if (account.name == name) return &account;
    return nullptr;
  }

  void remember(const Device& device) {
    known_.devices[device.id] = {
        device, std::make_shared<std::atomic<std::int64_t>>(device.last_seen.time_since_epoch().count())};
  }

  void publish() { std::atomic_store(&snapshot_, make_snapshot(known_)); }

  Task<Result<std::string>> hashed(std::string password) {
    if (password.size() < limits_.min_password)
      co_return fail(Reason::invalid,
                     fmt::format("the password is shorter than {} characters", limits_.min_password),
                     "take a longer one; a few words are good");
    if (password.size() > limits_.max_password)
      co_return fail(Reason::invalid,
                     fmt::format("the password is longer than {} bytes", limits_.max_password));
    if (hashing_ >= limits_.hashes_waiting) co_return fail(Reason::busy, "too many passwords at once");
    auto work = [&password] { return hash_password(password); };
    ++hashing_;
    auto hash = co_await offload(hash_pool_, work);
    --hashing_;
    wipe(password);
    co_return hash;
  }

  std::set<AccountId> full_accounts() const {
    std::map<AccountId, std::size_t> counts;
    for (const auto& [id, known] : known_.devices) ++counts[known.device.account];
    std::set<AccountId> out;
    for (const auto& [account, count] : counts)
      if (count >= limits_.devices_per_account) out.insert(account);
    return out;
  }

  std::vector<Digest256> oldest_sessions(AccountId account) const {
    std::vector<Session> all;
    for (const auto& [digest, session] : known_.sessions)
      if (session.account == account) all.push_back(session);
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.created < b.created; });
    std::vector<Digest256> out;
    for (std::size_t i = 0; i + limits_.sessions_per_account <= all.size(); ++i)
      out.push_back(all[i].token_digest);
    return out;
  }

  Task<Result<void>> forget_sessions(std::vector<Digest256> digests) {
    Database::Work work = [digests](Tx& tx) -> Result<void> {
      Result<void> done;
      for (auto digest = digests.begin(); done && digest != digests.end(); ++digest)
        done = tx.repo<AccountRecords>().remove_session(*digest);
      return done;
    };
    co_return co_await database_.write(work);
  }

  Executor hash_pool_;
  Database& database_;
  const Clock& clock_;
  const AccountLimits limits_;
  Backoff by_name_, by_peer_;
  Known known_;
  std::shared_ptr<const Snapshot> snapshot_;  // read by any thread: only through std::atomic_load
  int hashing_ = 0;
};

}  // namespace

std::unique_ptr<Service> make_service(Executor, Executor hash_pool, Database& database, const Clock& clock,
                                      AccountLimits limits) {
  return std::make_unique<ServiceImpl>(std::move(hash_pool), database, clock, limits);
}

}  // namespace restante::accounts
