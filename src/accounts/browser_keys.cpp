// SPDX-License-Identifier: Apache-2.0
// The keys that browsers make for themselves, and the sessions that take them along.
#include "accounts/names.hpp"
#include "accounts/service_on_loop.hpp"
#include "base/text.hpp"

namespace restante::accounts {

namespace {

tl::unexpected<Error> session_over() {
  return fail(Reason::unauthenticated, "this browser was signed out meanwhile", "sign in again");
}

}  // namespace

Task<Result<Device>> ServiceOnLoop::connect_browser(BrowserKey what, std::string server_jkt) {
  const auto key = proven_key(what.jwk, what.proof, what.code, server_jkt);
  if (!key) co_return fail(key.error());
  if (!known_.sessions.contains(what.session)) co_return session_over();
  Device device;
  device.id = {key->thumbprint()};
  device.account = what.account;
  device.label = clean_label(what.label);
  device.jwk = key->jwk();
  device.token_digest = sha256(random_token());  // of a token that nobody has
  device.created = device.last_seen = clock_.now();
  device.session = what.session;
  if (const auto found = known_.devices.find(device.id); found != known_.devices.end()) {
    if (found->second.device.account != what.account || !found->second.device.session)
      co_return fail(Reason::conflict,
                     "this key is connected already, as another device or to another account",
                     "make another key");
    device.created = found->second.device.created;
  } else if (full_accounts().contains(what.account)) {
    co_return fail(Reason::conflict, "this account has as many devices as it may have",
                   "revoke one that is not used any more");
  }
  // What ends the session may be written before this, and remembered after: see forget().
  Database::Work work = [device](Tx& tx) -> Result<void> {
    auto& records = tx.repo<AccountRecords>();
    auto there = records.has_session(*device.session);
    if (!there) return fail(there.error());
    if (!*there) return session_over();
    return records.save_device(device);
  };
  auto done = co_await database_.write(work);
  if (!done) co_return fail(done.error());
  if (!known_.sessions.contains(what.session)) co_return session_over();
  remember(device);
  publish();
  co_return device;
}

Task<Result<void>> ServiceOnLoop::store_ends(std::vector<Digest256> digests) {
  Database::Work work = [digests](Tx& tx) -> Result<void> {
    Result<void> done;
    for (auto digest = digests.begin(); done && digest != digests.end(); ++digest)
      done = tx.repo<AccountRecords>().end_session(*digest);
    return done;
  };
  co_return co_await database_.write(work);
}

void ServiceOnLoop::forget(const std::vector<Digest256>& sessions) {
  for (const auto& digest : sessions) {
    known_.sessions.erase(digest);
    std::erase_if(known_.devices, [&](const auto& item) { return item.second.device.session == digest; });
  }
}

}  // namespace restante::accounts
