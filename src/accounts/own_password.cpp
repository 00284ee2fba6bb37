// SPDX-License-Identifier: Apache-2.0
#include "accounts/names.hpp"
#include "accounts/passwords.hpp"
#include "accounts/service_on_loop.hpp"

#include <fmt/format.h>

namespace restante::accounts {

Task<Result<void>> ServiceOnLoop::change_own_password(OwnPassword what) {
  const auto found = known_.accounts.find(what.account);
  if (found == known_.accounts.end()) co_return fail(Reason::not_found, "there is no such account");
  const std::string name = found->second.name, hash = found->second.password_hash;
  if (hash.empty())
    co_return fail(Reason::conflict, "this account has no password",
                   "whoever looks after this place can set one");
  const Seconds wait = sign_in_wait(name, what.peer);
  if (wait > Seconds{0})
    co_return fail(Reason::rate_limited,
                   fmt::format("too many wrong passwords; the next one is heard in {} s", wait.count()),
                   "wait, then try again");
  if (hashing_ >= limits_.hashes_waiting)
    co_return fail(Reason::busy, "too many passwords at once", "try again in a moment");
  // Counted before the answer is known, so that many at once do not get more guesses.
  const std::string group = peer_group(what.peer);
  by_name_.failed(name, clock_.now());
  by_peer_.failed(group, clock_.now());
  const bool too_long = what.password.size() > limits_.max_password;
  auto check = [&what, &hash, too_long] { return check_password(too_long ? "" : what.password, hash); };
  ++hashing_;
  const auto checked = co_await offload(hash_pool_, check);
  --hashing_;
  wipe(what.password);
  const auto still = known_.accounts.find(what.account);
  if (!checked.right || still == known_.accounts.end() || still->second.password_hash != hash)
    co_return fail(Reason::forbidden, "the present password is wrong", "type it once more", "/password");
  by_name_.forget(name);
  by_peer_.forgive(group);
  UserChange change;
  change.password = std::move(what.new_password);
  change.going_on = what.session;
  auto changed = co_await change_user(name, std::move(change));
  if (!changed) {
    if (changed.error().reason == Reason::invalid) changed.error().pointer = "/new_password";
    co_return fail(std::move(changed.error()));
  }
  co_return Result<void>();
}

}  // namespace restante::accounts
