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
#include <map>
#include <set>

namespace restante::accounts {

namespace {

constexpr std::string_view enrol_type = "restante-enrol+jws";

tl::unexpected<Error> no_user(std::string_view name) {
  return fail(Reason::not_found, fmt::format("there is no user {}", name),
              "`restanted user list` shows them all");
}

tl::unexpected<Error> last_admin(std::string_view name) {
  return fail(Reason::conflict, fmt::format("{} is the only admin", name), "make somebody else one first");
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
    known_.grace = limits_.guests.grace;
    publish();
  }

  Task<Result<void>> start() override {
    struct Stored {
      std::vector<Account> accounts;
      std::vector<Device> devices;
      std::vector<Session> sessions;
      std::vector<Token> tokens;
    };
    std::function<Result<Stored>(Tx&)> work = [](Tx& tx) -> Result<Stored> {
      auto& records = tx.repo<AccountRecords>();
      auto accounts = records.accounts();
      if (!accounts) return fail(accounts.error());
      auto devices = records.devices();
      if (!devices) return fail(devices.error());
      auto sessions = records.sessions();
      if (!sessions) return fail(sessions.error());
      auto tokens = records.tokens();
      if (!tokens) return fail(tokens.error());
      return Stored{std::move(*accounts), std::move(*devices), std::move(*sessions), std::move(*tokens)};
    };
    auto stored = co_await database_.read_value<Stored>(work);
    if (!stored) co_return fail(stored.error());
    for (auto& account : stored->accounts) known_.accounts[account.id] = account;
    for (auto& device : stored->devices) remember(device);
    for (auto& token : stored->tokens) known_.tokens[token.id] = token;
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
    if (user.lan && user.role == Role::guest)
      co_return fail(Reason::invalid, "a guest's downloads may not come from private addresses",
                     "leave --lan out, or add a user instead of a guest");
    Account account;
    account.name = user.name;
    account.role = user.role;
    account.quota_bytes = user.quota_bytes;
    account.traffic_bytes = user.traffic_bytes;
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

  Task<Result<Account>> change_user(std::string name, UserChange change) override {
    if (find(name) == nullptr) co_return no_user(name);
    std::string hash;
    if (!change.password.empty()) {
      auto made = co_await hashed(std::move(change.password));
      if (!made) co_return fail(made.error());
      hash = std::move(*made);
    }
    const Account* account = find(name);
    if (account == nullptr) co_return no_user(name);
    const Account before = *account;
    auto changed = with(before, change);
    if (!changed) co_return changed;
    std::vector<Digest256> ended;
    if (!hash.empty()) {  // whoever signed in with the old password is signed out
      changed->password_hash = hash;
      for (const auto& [digest, session] : known_.sessions)
        if (session.account == before.id) ended.push_back(digest);
    }
    // It counts in memory from the beginning, so that what is written meanwhile does not bring the old back.
    known_.accounts[before.id] = *changed;
    for (const auto& digest : ended) known_.sessions.erase(digest);
    publish();
    Database::Work work = [changed = *changed, ended](Tx& tx) -> Result<void> {
      auto& records = tx.repo<AccountRecords>();
      auto done = records.update(changed);
      for (auto digest = ended.begin(); done && digest != ended.end(); ++digest)
        done = records.remove_session(*digest);
      return done;
    };
    auto done = co_await database_.write(work);
    if (done) co_return changed;
    if (const auto now = known_.accounts.find(before.id); now != known_.accounts.end()) {
      now->second.role = before.role;
      now->second.quota_bytes = before.quota_bytes;
      now->second.traffic_bytes = before.traffic_bytes;
      now->second.lan = before.lan;
      now->second.password_hash = before.password_hash;
      publish();
    }
    co_return fail(done.error());
  }

  Task<Result<void>> set_password(std::string name, std::string password) override {
    if (password.empty()) co_return fail(Reason::invalid, "the password is empty", "take a longer one");
    UserChange change;
    change.password = std::move(password);
    auto changed = co_await change_user(std::move(name), std::move(change));
    if (!changed) co_return fail(changed.error());
    co_return Result<void>();
  }

  Task<Result<Account>> mark_for_erasure(std::string name) override {
    const Account* account = find(name);
    if (account == nullptr) co_return no_user(name);
    const Account before = *account;
    if (is_last_admin(before)) co_return last_admin(name);
    co_return co_await put_stay(before, marked_for_erasure(before));
  }

  Task<Result<Account>> end_stay(std::string name) override {
    const Account* account = find(name);
    if (account == nullptr || !account->valid_until) co_return no_user(name);
    const Account before = *account;
    Account ended = before;
    ended.valid_until = std::min(*before.valid_until, clock_.now());
    co_return co_await put_stay(before, ended);
  }

  Task<Result<Invited>> add_guest(NewGuest guest) override {
    auto checked = check_stay(guest, clock_.now(), limits_.guests);
    if (!checked) co_return fail(checked.error());
    const auto guests = std::count_if(known_.accounts.begin(), known_.accounts.end(),
                                      [](const auto& item) { return item.second.valid_until.has_value(); });
    if (static_cast<std::size_t>(guests) >= limits_.guests.guests)
      co_return fail(Reason::busy, fmt::format("there are {} guests already", guests),
                     "end stays that are not used");
    Invited invited;
    Account& account = invited.account;
    do account.name = guest_name();
    while (find(account.name) != nullptr);
    account.role = Role::guest;
    account.created = clock_.now();
    account.quota_bytes = guest.quota_bytes ? guest.quota_bytes : limits_.guests.quota_bytes;
    account.traffic_bytes = guest.traffic_bytes ? guest.traffic_bytes : limits_.guests.traffic_bytes;
    account.label = guest.label;
    account.valid_from = guest.from;
    account.valid_until = guest.until;
    invited.code = to_base64url(random_string(16));
    Pairing pairing;
    pairing.code_digest = sha256(invited.code);
    pairing.expires = guest.until;
    std::function<Result<AccountId>(Tx&)> work = [account, pairing](Tx& tx) -> Result<AccountId> {
      auto& records = tx.repo<AccountRecords>();
      auto id = records.insert(account);
      if (!id) return id;
      Pairing with_account = pairing;
      with_account.account = *id;
      auto done = records.insert_pairing(with_account);
      if (!done) return fail(done.error());
      return id;
    };
    auto id = co_await database_.write_value<AccountId>(work);
    if (!id) co_return fail(id.error());
    account.id = *id;
    known_.accounts[account.id] = account;
    publish();
    co_return invited;
  }

  Task<Result<void>> told_of_end(AccountId id, Database::Work also) override {
    const auto found = known_.accounts.find(id);
    if (found == known_.accounts.end()) co_return no_user("of that number");
    found->second.told_of_end = clock_.now();
    Database::Work work = [account = found->second, also = std::move(also)](Tx& tx) -> Result<void> {
      auto done = tx.repo<AccountRecords>().update(account);
      return done ? also(tx) : done;
    };
    auto done = co_await database_.write(work);
    if (const auto now = known_.accounts.find(id); !done && now != known_.accounts.end())
      now->second.told_of_end.reset();
    publish();
    co_return done;
  }

  const GuestLimits& guest_limits() const override { return limits_.guests; }

  Task<Result<Account>> remove_user(std::string name) override {
    const Account* found = find(name);
    if (found == nullptr) co_return no_user(name);
    const Account account = *found;
    Database::Work work = [id = account.id](Tx& tx) -> Result<void> {
      auto& records = tx.repo<AccountRecords>();
      auto done = records.remove(id);
      return done ? records.save_setting(scrub_setting, "1") : done;
    };
    auto done = co_await database_.write(work);
    if (!done) co_return fail(done.error());
    known_.accounts.erase(account.id);
    std::erase_if(known_.devices, [&](const auto& item) { return item.second.device.account == account.id; });
    std::erase_if(known_.sessions, [&](const auto& item) { return item.second.account == account.id; });
    std::erase_if(known_.tokens, [&](const auto& item) { return item.second.account == account.id; });
    publish();
    co_return account;
  }

  Task<Result<std::string>> new_pairing_code(std::string name) override {
    const Account* account = find(name);
    if (account == nullptr) co_return no_user(name);
    if (account->valid_until && clock_.now() >= *account->valid_until)
      co_return fail(Reason::forbidden, fmt::format("the stay of {} is over", name),
                     "invite the guest once more: `restanted invite`");
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
    if (is_over(known_.accounts.at(**account))) co_return code_refused();
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

  Task<Result<SignedIn>> sign_in(SignIn what) override {
    const std::string group = peer_group(what.peer);
    const Seconds wait = sign_in_wait(what.name, what.peer);
    if (wait > Seconds{0})
      co_return fail(Reason::rate_limited,
                     fmt::format("too many failed sign-ins; the next one is heard in {} s", wait.count()),
                     "wait, then try again");
    if (hashing_ >= limits_.hashes_waiting)
      co_return fail(Reason::busy, "too many sign-ins at once", "try again in a moment");
    // Counted before the answer is known, so that many at once do not get more guesses.
    by_name_.failed(what.name, clock_.now());
    by_peer_.failed(group, clock_.now());

    const Account* account = find(what.name);
    const bool closed = account != nullptr && is_over(*account);
    const std::string hash = account == nullptr || closed ? "" : account->password_hash;
    const bool too_long = what.password.size() > limits_.max_password;
    auto check = [&what, &hash, too_long] { return check_password(too_long ? "" : what.password, hash); };
    ++hashing_;
    auto checked = co_await offload(hash_pool_, check);
    --hashing_;
    wipe(what.password);
    account = find(what.name);  // may have changed meanwhile
    if (!checked.right || account == nullptr || account->password_hash != hash || is_over(*account))
      co_return sign_in_refused();
    by_name_.forget(what.name);
    by_peer_.forgive(group);
    if (!checked.new_hash.empty()) known_.accounts[account->id].password_hash = checked.new_hash;

    const Account signed_in = *account;
    const std::string token = random_token();
    const Session session = new_session(signed_in.id, token, what.browser);
    std::vector<Digest256> ended = oldest_sessions(signed_in.id);
    if (const auto old = sha256(what.replaces); known_.sessions.contains(old)) ended.push_back(old);
    Database::Work work = [session, signed_in, ended, renew = !checked.new_hash.empty()](Tx& tx) {
      auto& records = tx.repo<AccountRecords>();
      auto done = records.insert_session(session);
      if (done && renew) done = records.update(signed_in);
      for (auto digest = ended.begin(); done && digest != ended.end(); ++digest)
        done = records.remove_session(*digest);
      return done;
    };
    auto done = co_await database_.write(work);
    if (!done) co_return fail(done.error());
    account = find(what.name);
    if (account == nullptr || account->id != signed_in.id ||
        account->password_hash != signed_in.password_hash) {
      // Another password was set while this was written: who knows only the old one does not come in.
      std::vector<Digest256> one{session.token_digest};
      if (auto forgotten = co_await forget_sessions(one); !forgotten) co_return fail(forgotten.error());
      co_return sign_in_refused();
    }
    known_.sessions[session.token_digest] = session;
    for (const auto& digest : ended) known_.sessions.erase(digest);
    publish();
    co_return SignedIn{signed_in, token, session.expires};
  }

  Task<Result<SignedIn>> sign_in_by_code(std::string code, std::string browser) override {
    const std::string token = random_token();
    Session session = new_session({}, token, browser);
    std::function<Result<std::optional<AccountId>>(Tx&)> work =
        [session, code_digest = sha256(code)](Tx& tx) -> Result<std::optional<AccountId>> {
      auto& records = tx.repo<AccountRecords>();
      auto pairing = records.take_pairing(code_digest);
      if (!pairing) return fail(pairing.error());
      if (!*pairing || (*pairing)->expires <= session.created) return std::optional<AccountId>();
      Session with_account = session;
      with_account.account = (*pairing)->account;
      if (auto done = records.insert_session(with_account); !done) return fail(done.error());
      return std::optional<AccountId>(with_account.account);
    };
    auto owner = co_await database_.write_value<std::optional<AccountId>>(work);
    if (!owner) co_return fail(owner.error());
    if (!*owner || !known_.accounts.contains(**owner)) co_return code_refused();
    if (is_over(known_.accounts.at(**owner))) co_return code_refused();
    session.account = **owner;
    const std::vector<Digest256> too_many = oldest_sessions(session.account);
    known_.sessions[session.token_digest] = session;
    for (const auto& digest : too_many) known_.sessions.erase(digest);
    publish();
    if (!too_many.empty())
      if (auto done = co_await forget_sessions(too_many); !done) co_return fail(done.error());
    if (!known_.accounts.contains(session.account)) co_return code_refused();
    co_return SignedIn{known_.accounts.at(session.account), token, session.expires};
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

  Task<Result<void>> end_session(AccountId account, std::string id) override {
    const auto found = std::find_if(known_.sessions.begin(), known_.sessions.end(), [&](const auto& item) {
      return item.second.account == account && credential_id(item.first) == id;
    });
    if (found == known_.sessions.end()) co_return fail(Reason::not_found, "there is no such session");
    const Digest256 digest = found->first;
    std::vector<Digest256> one{digest};
    auto done = co_await forget_sessions(one);
    if (!done) co_return done;
    known_.sessions.erase(digest);
    publish();
    co_return done;
  }

  Task<Result<NewToken>> add_token(AccountId account, Token::Kind kind, std::string label) override {
    if (label.empty())
      co_return fail(Reason::invalid, "the token has no label", "say what it is for", "/label");
    const auto of_account = [&](const auto& item) { return item.second.account == account; };
    const auto count = std::count_if(known_.tokens.begin(), known_.tokens.end(), of_account);
    if (static_cast<std::size_t>(count) >= limits_.tokens_per_account)
      co_return fail(Reason::conflict, "this account has as many tokens as it may have",
                     "revoke one that is not used any more");
    NewToken made;
    made.secret = to_base64url(random_string(16));  // 128 bits, short enough to be typed
    made.token.token_digest = sha256(made.secret);
    made.token.id = credential_id(made.token.token_digest);
    made.token.account = account;
    made.token.kind = kind;
    made.token.label = clean_label(label);
    made.token.created = made.token.last_seen = clock_.now();
    Database::Work work = [token = made.token](Tx& tx) {
      return tx.repo<AccountRecords>().save_token(token);
    };
    auto done = co_await database_.write(work);
    if (!done) co_return fail(done.error());
    if (!known_.accounts.contains(account)) co_return fail(Reason::not_found, "there is no such account");
    known_.tokens[made.token.id] = made.token;
    publish();
    co_return made;
  }

  Task<Result<void>> revoke_token(AccountId account, std::string id) override {
    const auto found = known_.tokens.find(id);
    if (found == known_.tokens.end() || found->second.account != account)
      co_return fail(Reason::not_found, "there is no such token");
    Database::Work work = [id](Tx& tx) { return tx.repo<AccountRecords>().remove_token(id); };
    auto done = co_await database_.write(work);
    if (!done) co_return done;
    known_.tokens.erase(id);
    publish();
    co_return done;
  }

  Task<Result<void>> save_last_seen() override {
    std::vector<Device> devices;
    for (auto& [id, known] : known_.devices)
      if (was_seen(known.seen, known.device.last_seen)) devices.push_back(known.device);
    std::vector<Session> sessions;
    for (auto& [digest, session] : known_.sessions)
      if (was_seen(known_.seen[digest], session.last_seen)) sessions.push_back(session);
    std::vector<Token> tokens;
    for (auto& [id, token] : known_.tokens)
      if (was_seen(known_.seen[token.token_digest], token.last_seen)) tokens.push_back(token);
    if (devices.empty() && sessions.empty() && tokens.empty()) co_return Result<void>();
    Database::Work work = [devices, sessions, tokens](Tx& tx) -> Result<void> {
      auto& records = tx.repo<AccountRecords>();
      Result<void> done;
      for (auto one = devices.begin(); done && one != devices.end(); ++one) done = records.save_device(*one);
      for (auto one = sessions.begin(); done && one != sessions.end(); ++one)
        done = records.insert_session(*one);
      for (auto one = tokens.begin(); done && one != tokens.end(); ++one) done = records.save_token(*one);
      return done;
    };
    co_return co_await database_.write(work);
  }

private:
  bool is_over(const Account& account) const {
    return stay_at(account, clock_.now(), limits_.guests.grace) == Stay::over;
  }

  /// What is written meanwhile must not bring back a stay that ends: it counts in memory from the beginning.
  Task<Result<Account>> put_stay(Account before, Account changed) {
    known_.accounts[changed.id] = changed;
    publish();
    Database::Work work = [changed](Tx& tx) { return tx.repo<AccountRecords>().update(changed); };
    auto done = co_await database_.write(work);
    if (done) co_return changed;
    if (const auto now = known_.accounts.find(before.id); now != known_.accounts.end())
      now->second.valid_until = before.valid_until;
    publish();
    co_return fail(done.error());
  }

  const Account* find(std::string_view name) const {
    for (const auto& [id, account] : known_.accounts)
      if (account.name == name) return &account;
    return nullptr;
  }

  void remember(const Device& device) {
    known_.devices[device.id] = {
        device, std::make_shared<std::atomic<std::int64_t>>(device.last_seen.time_since_epoch().count())};
  }

  void publish() {
    std::map<Digest256, LastSeen> seen;
    const auto watch = [&](const Digest256& digest, Instant last_seen) {
      auto& one = seen[digest] = known_.seen[digest];
      if (!one) one = std::make_shared<std::atomic<std::int64_t>>(last_seen.time_since_epoch().count());
    };
    for (const auto& [digest, session] : known_.sessions) watch(digest, session.last_seen);
    for (const auto& [id, token] : known_.tokens) watch(token.token_digest, token.last_seen);
    known_.seen = std::move(seen);
    std::atomic_store(&snapshot_, make_snapshot(known_));
  }

  /// Whether it is worth storing that it was seen; then `stored` is when.
  static bool was_seen(const LastSeen& now, Instant& stored) {
    if (!now) return false;
    const Instant seen{Millis{now->load(std::memory_order_relaxed)}};
    if (seen - stored < Seconds{60}) return false;
    stored = seen;
    return true;
  }

  Session new_session(AccountId account, const std::string& token, const std::string& browser) const {
    Session session;
    session.token_digest = sha256(token);
    session.account = account;
    session.created = session.last_seen = clock_.now();
    session.expires = session.created + limits_.session_time;
    session.label = browser;
    return session;
  }

  bool is_last_admin(const Account& account) const {
    if (account.role != Role::admin || is_over(account)) return false;
    return std::none_of(known_.accounts.begin(), known_.accounts.end(), [&](const auto& item) {
      return item.first != account.id && item.second.role == Role::admin && !is_over(item.second);
    });
  }

  /// The account as it would be; the password stays.
  Result<Account> with(const Account& before, const UserChange& change) const {
    Account changed = before;
    changed.role = change.role.value_or(before.role);
    changed.quota_bytes = change.quota_bytes.value_or(before.quota_bytes);
    changed.traffic_bytes = change.traffic_bytes.value_or(before.traffic_bytes);
    changed.lan = change.lan.value_or(before.lan);
    if (changed.role != Role::admin && is_last_admin(before)) return last_admin(before.name);
    if (changed.role != before.role && before.valid_until)
      return fail(Reason::conflict, fmt::format("{} is a guest for a stay", before.name),
                  "add a user instead, or invite the guest once more");
    if (changed.role == Role::guest && changed.lan)
      return fail(Reason::invalid, "a guest's downloads may not come from private addresses",
                  "take lan away in the same change");
    return changed;
  }

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
