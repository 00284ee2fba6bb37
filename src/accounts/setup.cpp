// SPDX-License-Identifier: Apache-2.0
// The first account: a code that only whoever runs the place can have, used up when it has made an
// administrator (THREATS.md D10).
#include "accounts/names.hpp"
#include "accounts/service_on_loop.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <charconv>

namespace restante::accounts {

namespace {

tl::unexpected<Error> already_set_up() {
  return fail(Reason::conflict, "this place is set up already",
              "sign in; `restanted user add NAME` at the place adds more people");
}

tl::unexpected<Error> setup_code_refused() {
  return fail(Reason::unauthenticated, "this set-up code is not valid (any more)",
              "a code works once and for an hour: make a new one with `restanted setup` at the place");
}

std::string setting_of(const Digest256& digest, Instant ends) {
  return fmt::format("{} {}", to_hex(digest), ends.time_since_epoch().count());
}

/// Whether the setting is of this code, and not over.
bool opens(std::string_view setting, std::string_view code, Instant now) {
  const auto space = setting.find(' ');
  if (space == std::string_view::npos) return false;
  std::int64_t ends = 0;
  const char* const end = setting.data() + setting.size();
  const auto [rest, error] = std::from_chars(setting.data() + space + 1, end, ends);
  if (error != std::errc() || rest != end) return false;
  const bool same = equal_in_constant_time(setting.substr(0, space), to_hex(sha256(code)));
  return same && now < Instant(Millis(ends));
}

}  // namespace

Task<Result<std::string>> ServiceOnLoop::new_setup_code() {
  if (!known_.accounts.empty()) co_return already_set_up();
  const std::string code = to_base64url(random_string(16));
  Database::Work work = [setting = setting_of(sha256(code), clock_.now() + limits_.setup_time)](Tx& tx) {
    return tx.repo<AccountRecords>().save_setting(setup_setting, setting);
  };
  auto done = co_await database_.write(work);
  if (!done) co_return fail(done.error());
  co_return code;
}

Task<Result<SignedIn>> ServiceOnLoop::set_up(FirstAdmin who) {
  if (!known_.accounts.empty()) co_return already_set_up();
  const std::string group = peer_group(who.peer);
  const Seconds wait = sign_in_wait("", who.peer);
  if (wait > Seconds{0})
    co_return fail(Reason::rate_limited,
                   fmt::format("too many wrong codes; the next one is heard in {} s", wait.count()),
                   "wait, then try again");
  // Counted before the answer is known, so that many at once do not get more guesses.
  by_peer_.failed(group, clock_.now());
  std::function<Result<bool>(Tx&)> ask = [code = who.code, now = clock_.now()](Tx& tx) -> Result<bool> {
    auto setting = tx.repo<AccountRecords>().setting(setup_setting);
    if (!setting) return fail(setting.error());
    return opens(setting->value_or(""), code, now);
  };
  auto right = co_await database_.read_value<bool>(ask);
  if (!right) co_return fail(right.error());
  if (!*right) co_return setup_code_refused();
  by_peer_.forgive(group);

  auto named = check_name(who.name);
  if (!named) co_return fail(named.error());
  auto hash = co_await hashed(std::move(who.password));
  if (!hash) co_return fail(hash.error());
  Account account;
  account.name = who.name;
  account.role = Role::admin;
  account.created = clock_.now();
  account.password_hash = *hash;
  const std::string token = random_token();
  Session session = new_session({}, token, who.browser);
  // Asked once more where it counts: of two at once, one sets up.
  std::function<Result<std::optional<AccountId>>(Tx&)> work =
      [account, session, code = who.code, now = clock_.now()](Tx& tx) -> Result<std::optional<AccountId>> {
    auto& records = tx.repo<AccountRecords>();
    auto setting = records.setting(setup_setting);
    if (!setting) return fail(setting.error());
    if (!opens(setting->value_or(""), code, now)) return std::optional<AccountId>();
    auto others = records.accounts();
    if (!others) return fail(others.error());
    if (!others->empty()) return already_set_up();
    auto id = records.insert(account);
    if (!id) return fail(id.error());
    Session with_account = session;
    with_account.account = *id;
    if (auto done = records.insert_session(with_account); !done) return fail(done.error());
    if (auto done = records.save_setting(setup_setting, ""); !done) return fail(done.error());
    return std::optional<AccountId>(*id);
  };
  auto id = co_await database_.write_value<std::optional<AccountId>>(work);
  if (!id) co_return fail(id.error());
  if (!*id) co_return known_.accounts.empty() ? setup_code_refused() : already_set_up();
  session.account = account.id = **id;
  known_.accounts[account.id] = account;
  known_.sessions[session.token_digest] = session;
  publish();
  co_return SignedIn{account, token, session.expires};
}

}  // namespace restante::accounts
