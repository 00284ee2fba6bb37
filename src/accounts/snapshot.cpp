// SPDX-License-Identifier: Apache-2.0
#include "accounts/snapshot.hpp"

#include <algorithm>
#include <cstring>

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
  LastSeen seen;
};

class SnapshotImpl final : public Snapshot {
public:
  explicit SnapshotImpl(const Known& known)
      : accounts_(known.accounts),
        devices_(known.devices),
        sessions_(known.sessions),
        tokens_(known.tokens),
        seen_(known.seen) {
    using Kind = Principal::Kind;
    for (const auto& [id, device] : known.devices)
      add(known, device.device.account, {device.device.token_digest, id, Kind::device}, never, device.seen);
    for (const auto& [digest, session] : known.sessions)
      add(known, session.account, {digest, {"session:" + credential_id(digest)}, Kind::session},
          session.expires, seen_of(digest));
    for (const auto& [id, token] : known.tokens) {
      const auto kind = token.kind == Token::Kind::submit ? Kind::submit_token : Kind::app_password;
      add(known, token.account, {token.token_digest, {"token:" + id}, kind}, never,
          seen_of(token.token_digest));
    }
  }

  std::optional<Principal> by_token(std::string_view token, Instant now) const override {
    const Entry* entry = find(token);
    if (entry == nullptr || entry->expires <= now) return std::nullopt;
    if (entry->seen) entry->seen->store(now.time_since_epoch().count(), std::memory_order_relaxed);
    return entry->principal;
  }

  std::optional<Principal> device_principal(const DeviceId& device, Instant now) const override {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return std::nullopt;
    const auto entry = entries_.find(found->second.device.token_digest);
    if (entry == entries_.end() || entry->second.expires <= now) return std::nullopt;
    found->second.seen->store(now.time_since_epoch().count(), std::memory_order_relaxed);
    return entry->second.principal;
  }

  std::optional<Device> device(const DeviceId& device) const override {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return std::nullopt;
    return found->second.device;
  }

  std::optional<proxy::PublicKey> device_key(const DeviceId& device) const override {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return std::nullopt;
    return found->second.key->read(found->second.device.jwk);
  }

  bool alive(const Principal& who, Instant now) const override {
    const auto found = entries_.find(who.credential);
    return found != entries_.end() && found->second.expires > now &&
           found->second.principal.account == who.account;
  }

  std::optional<Instant> session_end(std::string_view token) const override {
    const Entry* entry = find(token);
    if (entry == nullptr || entry->principal.kind != Principal::Kind::session) return std::nullopt;
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

  std::vector<Session> sessions(AccountId account) const override {
    std::vector<Session> out;
    for (const auto& [digest, session] : sessions_) {
      if (session.account != account) continue;
      out.push_back(session);
      out.back().last_seen = seen_at(digest, session.last_seen);
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.created < b.created; });
    return out;
  }

  std::vector<Token> tokens(AccountId account) const override {
    std::vector<Token> out;
    for (const auto& [id, token] : tokens_) {
      if (token.account != account) continue;
      out.push_back(token);
      out.back().last_seen = seen_at(token.token_digest, token.last_seen);
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.created < b.created; });
    return out;
  }

  bool set_up() const override { return !accounts_.empty(); }

private:
  struct Shown {
    Digest256 digest;
    DeviceId device;
    Principal::Kind kind;
  };

  const Entry* find(std::string_view token) const {
    if (token.empty()) return nullptr;
    const auto found = entries_.find(sha256(token));
    return found == entries_.end() ? nullptr : &found->second;
  }

  LastSeen seen_of(const Digest256& digest) const {
    const auto found = seen_.find(digest);
    return found == seen_.end() ? nullptr : found->second;
  }
  Instant seen_at(const Digest256& digest, Instant stored) const {
    const auto seen = seen_of(digest);
    return seen ? Instant{Millis{seen->load(std::memory_order_relaxed)}} : stored;
  }

  void add(const Known& known, AccountId id, const Shown& shown, Instant expires, LastSeen seen) {
    const auto account = accounts_.find(id);
    if (account == accounts_.end()) return;
    Entry entry;
    entry.principal.account = id;
    entry.principal.name = account->second.name;
    entry.principal.role = account->second.role;
    entry.principal.device = shown.device;
    entry.principal.kind = shown.kind;
    entry.principal.credential = shown.digest;
    entry.principal.stay_ends = accounts::stay_ends(account->second);
    entry.expires = std::min(expires, stay_erased(account->second, known.grace));
    entry.seen = std::move(seen);
    entries_.emplace(shown.digest, std::move(entry));
  }

  std::map<AccountId, Account> accounts_;
  std::map<DeviceId, KnownDevice> devices_;
  std::map<Digest256, Session> sessions_;
  std::map<std::string, Token> tokens_;
  std::map<Digest256, LastSeen> seen_;
  std::unordered_map<Digest256, Entry, DigestHash> entries_;
};

}  // namespace

std::optional<proxy::PublicKey> DeviceKey::read(const std::string& jwk) const {
  auto known = known_.load(std::memory_order_acquire);
  if (!known) {
    auto key = proxy::PublicKey::from_jwk(jwk);
    if (!key) return std::nullopt;
    known = std::make_shared<const proxy::PublicKey>(std::move(*key));
    known_.store(known, std::memory_order_release);
  }
  return *known;
}

std::shared_ptr<const Snapshot> make_snapshot(const Known& known) {
  return std::make_shared<SnapshotImpl>(known);
}

}  // namespace restante::accounts
