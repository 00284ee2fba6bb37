// SPDX-License-Identifier: Apache-2.0
// What opens an account: pairing codes, devices, sessions, tokens, and the passwords behind them.
#include "accounts/names.hpp"
#include "accounts/passwords.hpp"
#include "accounts/service_on_loop.hpp"
#include "base/text.hpp"
#include "proxy/jws.hpp"
#include "proxy/keys.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace restante::accounts {

namespace {

constexpr std::string_view enrol_type = "restante-enrol+jws";

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

}  // namespace

Task<Result<std::string>> ServiceOnLoop::new_pairing_code(std::string name) {
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

Task<Result<Enrolled>> ServiceOnLoop::enrol(Enrolment enrolment, std::string server_jkt) {
  const auto key = proven_key(enrolment.jwk, enrolment.proof, enrolment.code, server_jkt);
  if (!key && key.error().reason == Reason::bad_signature) co_return code_refused();
  if (!key) co_return fail(key.error());

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

Result<proxy::PublicKey> proven_key(const std::string& jwk, const std::string& proof, std::string_view code,
                                    std::string_view server_jkt) {
  auto key = proxy::PublicKey::from_jwk(jwk);
  if (!key) return fail(Reason::invalid, "the device's key is not a P-256 public key", "", "/jwk");
  const auto proven = proxy::verify_compact(proof, *key, enrol_type);
  if (!proven || !speaks_of(proven->payload, code, server_jkt))
    return fail(Reason::bad_signature, "this does not prove that the key is there");
  return key;
}

Task<Result<void>> ServiceOnLoop::revoke_device(AccountId account, DeviceId device) {
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

Task<Result<SignedIn>> ServiceOnLoop::sign_in(SignIn what) {
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
      done = records.end_session(*digest);
    return done;
  };
  auto done = co_await database_.write(work);
  if (!done) co_return fail(done.error());
  account = find(what.name);
  if (account == nullptr || account->id != signed_in.id ||
      account->password_hash != signed_in.password_hash) {
    // Another password was set while this was written: who knows only the old one does not come in.
    std::vector<Digest256> one{session.token_digest};
    if (auto forgotten = co_await store_ends(one); !forgotten) co_return fail(forgotten.error());
    co_return sign_in_refused();
  }
  known_.sessions[session.token_digest] = session;
  forget(ended);
  publish();
  co_return SignedIn{signed_in, token, session.expires};
}

Task<Result<SignedIn>> ServiceOnLoop::sign_in_by_code(std::string code, std::string browser) {
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
  forget(too_many);
  publish();
  if (!too_many.empty())
    if (auto done = co_await store_ends(too_many); !done) co_return fail(done.error());
  if (!known_.accounts.contains(session.account)) co_return code_refused();
  co_return SignedIn{known_.accounts.at(session.account), token, session.expires};
}

Seconds ServiceOnLoop::sign_in_wait(std::string_view name, std::string_view peer) const {
  const Instant now = clock_.now();
  return std::max(by_name_.wait(name, now), by_peer_.wait(peer_group(peer), now));
}

Task<Result<void>> ServiceOnLoop::sign_out(std::string token) {
  const Digest256 digest = sha256(token);
  if (!known_.sessions.contains(digest)) co_return fail(Reason::not_found, "there is no such session");
  std::vector<Digest256> one{digest};
  auto done = co_await store_ends(one);
  if (!done) co_return done;
  forget(one);
  publish();
  co_return done;
}

Task<Result<void>> ServiceOnLoop::end_session(AccountId account, std::string id) {
  const auto found = std::find_if(known_.sessions.begin(), known_.sessions.end(), [&](const auto& item) {
    return item.second.account == account && credential_id(item.first) == id;
  });
  if (found == known_.sessions.end()) co_return fail(Reason::not_found, "there is no such session");
  const Digest256 digest = found->first;
  std::vector<Digest256> one{digest};
  auto done = co_await store_ends(one);
  if (!done) co_return done;
  forget(one);
  publish();
  co_return done;
}

Task<Result<NewToken>> ServiceOnLoop::add_token(AccountId account, Token::Kind kind, std::string label) {
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
  Database::Work work = [token = made.token](Tx& tx) { return tx.repo<AccountRecords>().save_token(token); };
  auto done = co_await database_.write(work);
  if (!done) co_return fail(done.error());
  if (!known_.accounts.contains(account)) co_return fail(Reason::not_found, "there is no such account");
  known_.tokens[made.token.id] = made.token;
  publish();
  co_return made;
}

Task<Result<void>> ServiceOnLoop::revoke_token(AccountId account, std::string id) {
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

Task<Result<void>> ServiceOnLoop::save_last_seen() {
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
    for (auto one = devices.begin(); done && one != devices.end(); ++one)
      done = records.saw_device(one->id, one->last_seen);
    for (auto one = sessions.begin(); done && one != sessions.end(); ++one)
      done = records.saw_session(one->token_digest, one->last_seen);
    for (auto one = tokens.begin(); done && one != tokens.end(); ++one)
      done = records.saw_token(one->id, one->last_seen);
    return done;
  };
  co_return co_await database_.write(work);
}

void ServiceOnLoop::remember(const Device& device) {
  known_.devices[device.id] = {
      device, std::make_shared<std::atomic<std::int64_t>>(device.last_seen.time_since_epoch().count())};
}

bool ServiceOnLoop::was_seen(const LastSeen& now, Instant& stored) {
  if (!now) return false;
  const Instant seen{Millis{now->load(std::memory_order_relaxed)}};
  if (seen - stored < Seconds{60}) return false;
  stored = seen;
  return true;
}

Session ServiceOnLoop::new_session(AccountId account, const std::string& token,
                                   const std::string& browser) const {
  Session session;
  session.token_digest = sha256(token);
  session.account = account;
  session.created = session.last_seen = clock_.now();
  session.expires = session.created + limits_.session_time;
  session.label = browser;
  return session;
}

Task<Result<std::string>> ServiceOnLoop::hashed(std::string password) {
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

std::set<AccountId> ServiceOnLoop::full_accounts() const {
  std::map<AccountId, std::size_t> counts;
  for (const auto& [id, known] : known_.devices) ++counts[known.device.account];
  std::set<AccountId> out;
  for (const auto& [account, count] : counts)
    if (count >= limits_.devices_per_account) out.insert(account);
  return out;
}

std::vector<Digest256> ServiceOnLoop::oldest_sessions(AccountId account) const {
  std::vector<Session> all;
  for (const auto& [digest, session] : known_.sessions)
    if (session.account == account) all.push_back(session);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.created < b.created; });
  std::vector<Digest256> out;
  for (std::size_t i = 0; i + limits_.sessions_per_account <= all.size(); ++i)
    out.push_back(all[i].token_digest);
  return out;
}

}  // namespace restante::accounts
