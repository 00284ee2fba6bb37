// SPDX-License-Identifier: Apache-2.0
#include "accounts/names.hpp"
#include "accounts/service_on_loop.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace restante::accounts {

namespace {

tl::unexpected<Error> last_admin(std::string_view name) {
  return fail(Reason::conflict, fmt::format("{} is the only admin", name), "make somebody else one first");
}

}  // namespace

tl::unexpected<Error> no_user(std::string_view name) {
  return fail(Reason::not_found, fmt::format("there is no user {}", name),
              "`restanted user list` shows them all");
}

Task<Result<void>> ServiceOnLoop::start() {
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
  Database::Work forget_them = [over](Tx& tx) -> Result<void> {
    Result<void> done;
    for (auto digest = over.begin(); done && digest != over.end(); ++digest)
      done = tx.repo<AccountRecords>().remove_session(*digest);
    return done;
  };
  co_return co_await database_.write(forget_them);
}

Task<Result<Account>> ServiceOnLoop::add_user(NewUser user) {
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
  account.rate_bytes_per_s = user.rate_bytes_per_s;
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

Task<Result<Account>> ServiceOnLoop::change_user(std::string name, UserChange change) {
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
      if (session.account == before.id && digest != change.going_on) ended.push_back(digest);
  }
  // It counts in memory from the beginning, so that what is written meanwhile does not bring the old back.
  known_.accounts[before.id] = *changed;
  forget(ended);
  publish();
  Database::Work work = [changed = *changed, ended](Tx& tx) -> Result<void> {
    auto& records = tx.repo<AccountRecords>();
    auto done = records.update(changed);
    for (auto digest = ended.begin(); done && digest != ended.end(); ++digest)
      done = records.end_session(*digest);
    return done;
  };
  auto done = co_await database_.write(work);
  if (done) co_return changed;
  if (const auto now = known_.accounts.find(before.id); now != known_.accounts.end()) {
    now->second.role = before.role;
    now->second.quota_bytes = before.quota_bytes;
    now->second.traffic_bytes = before.traffic_bytes;
    now->second.rate_bytes_per_s = before.rate_bytes_per_s;
    now->second.lan = before.lan;
    now->second.password_hash = before.password_hash;
    publish();
  }
  co_return fail(done.error());
}

Task<Result<void>> ServiceOnLoop::set_password(std::string name, std::string password) {
  if (password.empty()) co_return fail(Reason::invalid, "the password is empty", "take a longer one");
  UserChange change;
  change.password = std::move(password);
  auto changed = co_await change_user(std::move(name), std::move(change));
  if (!changed) co_return fail(changed.error());
  co_return Result<void>();
}

Task<Result<Account>> ServiceOnLoop::mark_for_erasure(std::string name) {
  const Account* account = find(name);
  if (account == nullptr) co_return no_user(name);
  const Account before = *account;
  if (is_last_admin(before)) co_return last_admin(name);
  co_return co_await put_stay(before, marked_for_erasure(before));
}

Task<Result<Account>> ServiceOnLoop::end_stay(std::string name) {
  const Account* account = find(name);
  if (account == nullptr || !account->valid_until) co_return no_user(name);
  const Account before = *account;
  Account ended = before;
  ended.valid_until = std::min(*before.valid_until, clock_.now());
  co_return co_await put_stay(before, ended);
}

Task<Result<Invited>> ServiceOnLoop::add_guest(NewGuest guest) {
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

Task<Result<void>> ServiceOnLoop::told_of_end(AccountId id, Database::Work also) {
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

Task<Result<Account>> ServiceOnLoop::remove_user(std::string name) {
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

bool ServiceOnLoop::is_over(const Account& account) const {
  return stay_at(account, clock_.now(), limits_.guests.grace) == Stay::over;
}

Task<Result<Account>> ServiceOnLoop::put_stay(Account before, Account changed) {
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

const Account* ServiceOnLoop::find(std::string_view name) const {
  for (const auto& [id, account] : known_.accounts)
    if (account.name == name) return &account;
  return nullptr;
}

void ServiceOnLoop::publish() {
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

bool ServiceOnLoop::is_last_admin(const Account& account) const {
  if (account.role != Role::admin || is_over(account)) return false;
  return std::none_of(known_.accounts.begin(), known_.accounts.end(), [&](const auto& item) {
    return item.first != account.id && item.second.role == Role::admin && !is_over(item.second);
  });
}

Result<Account> ServiceOnLoop::with(const Account& before, const UserChange& change) const {
  Account changed = before;
  changed.role = change.role.value_or(before.role);
  changed.quota_bytes = change.quota_bytes.value_or(before.quota_bytes);
  changed.traffic_bytes = change.traffic_bytes.value_or(before.traffic_bytes);
  changed.rate_bytes_per_s = change.rate_bytes_per_s.value_or(before.rate_bytes_per_s);
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

std::unique_ptr<Service> make_service(Executor, Executor hash_pool, Database& database, const Clock& clock,
                                      AccountLimits limits) {
  return std::make_unique<ServiceOnLoop>(std::move(hash_pool), database, clock, limits);
}

}  // namespace restante::accounts
