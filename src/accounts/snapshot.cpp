// SPDX-License-Identifier: Apache-2.0
#include "accounts/snapshot.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstring>
#include <span>

namespace restante::accounts {

namespace {

struct DigestHash {
  std::size_t operator()(const Digest256& digest) const noexcept {
    std::size_t h;
    std::memcpy(&h, digest.data(), sizeof h);  // a digest is evenly spread as it is
    return h;
  }
};

struct Entry {
  Principal principal;
  Instant expires = never;  ///< of a session, or with its account
  LastSeen seen;            ///< of a device
};

class SnapshotImpl final : public Snapshot {
public:
  explicit SnapshotImpl(const Known& known) : accounts_(known.accounts), devices_(known.devices) {
    for (const auto& [id, known_device] : known.devices)
      add(known, known_device.device.account, known_device.device.token_digest, id, never, known_device.seen);
    for (const auto& [digest, session] : known.sessions) {
      const DeviceId id{"session:" + to_hex(std::span(digest).first(16))};
      add(known, session.account, digest, id, session.expires, nullptr);
    }
  }

  std::optional<Principal> by_token(std::string_view token, Instant now) const override {
    const Entry* entry = find(token);
    if (entry == nullptr || entry->expires <= now) return std::nullopt;
    if (entry->seen) entry->seen->store(now.time_since_epoch().count(), std::memory_order_relaxed);
    return entry->principal;
  }

  bool alive(const Principal& who, Instant now) const override {
    const auto found = tokens_.find(who.credential);
    return found != tokens_.end() && found->second.expires > now &&
           found->second.principal.account == who.account;
  }

  std::optional<Instant> session_end(std::string_view token) const override {
    const Entry* entry = find(token);
    if (entry == nullptr || entry->seen) return std::nullopt;
    return entry->expires;
  }

  std::optional<Account> account(AccountId id) const override {
    const auto found = accounts_.find(id);
    if (found == accounts_.end()) return std::nullopt;
    return found->second;
  }

  std::vector<Account> accounts() const override {
    std::vector<Account> out;
    for (const auto& [id, account] : accounts_) out.push_back(account);
    return out;
  }

  std::vector<Device> devices(AccountId account) const override {
    std::vector<Device> out;
    for (const auto& [id, known] : devices_) {
      if (known.device.account != account) continue;
      out.push_back(known.device);
      out.back().last_seen = Instant{Millis{known.seen->load(std::memory_order_relaxed)}};
    }
    return out;
  }

  bool set_up() const override { return !accounts_.empty(); }

private:
  const Entry* find(std::string_view token) const {
    if (token.empty()) return nullptr;
    const auto found = tokens_.find(sha256(token));
    return found == tokens_.end() ? nullptr : &found->second;
  }

  void add(const Known& known, AccountId id, const Digest256& digest, const DeviceId& device, Instant expires,
           LastSeen seen) {
    const auto account = accounts_.find(id);
    if (account == accounts_.end()) return;
    expires = std::min(expires, stay_erased(account->second, known.grace));
    const auto kind = seen ? Principal::Kind::device : Principal::Kind::session;
    Entry entry{
        {id, account->second.name, account->second.role, device, kind, digest}, expires, std::move(seen)};
    entry.principal.stay_ends = accounts::stay_ends(account->second);
    tokens_.emplace(digest, std::move(entry));
  }

  std::map<AccountId, Account> accounts_;
  std::map<DeviceId, KnownDevice> devices_;
  std::unordered_map<Digest256, Entry, DigestHash> tokens_;
};

}  // namespace

std::shared_ptr<const Snapshot> make_snapshot(const Known& known) {
  return std::make_shared<SnapshotImpl>(known);
}

}  // namespace restante::accounts
