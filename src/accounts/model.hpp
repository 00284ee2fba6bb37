// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace restante::accounts {

enum class Role { admin, user, guest };
std::string_view name(Role role);
std::optional<Role> role_from_name(std::string_view name);

struct Account {
  AccountId id;
  std::string name;  ///< 1..64 of [a-z0-9._-], starting with a letter or digit: also a folder name
  Role role = Role::user;
  std::string password_hash;  ///< Argon2id in PHC form; empty: no password sign-in
  std::optional<std::uint64_t> quota_bytes;
  bool lan = false;  ///< may reach private ranges
  Instant created{};
  std::string label;                               ///< what the operator calls a guest
  std::optional<Instant> valid_from, valid_until;  ///< of a guest's stay
  std::optional<std::uint64_t> traffic_bytes;      ///< fetched and served in a calendar month (UTC) at most
  std::optional<std::uint64_t> rate_bytes_per_s;   ///< of all its downloads together
  std::optional<Instant> told_of_end;  ///< when the notice went out that everything is to be erased
};

struct Device {
  DeviceId id;
  AccountId account;
  std::string label;
  std::string jwk;
  Digest256 token_digest{};  ///< SHA-256 of its bearer token
  Instant created{}, last_seen{};
  /// A browser's key: the session (the digest of its token) that it was connected in, and that takes it along
  /// when it is ended. It may outlive one that is over by its time. It has no bearer token.
  std::optional<Digest256> session{};
};

/// A one-time code that connects a device (`restanted pair`).
struct Pairing {
  Digest256 code_digest{};
  AccountId account;
  Instant expires{};
};

/// A sign-in by password.
struct Session {
  Digest256 token_digest{};
  AccountId account;
  Instant created{}, expires{};
  std::string label{};  ///< the browser, in words; empty: not known
  Instant last_seen{};
};

/// What a program of the person's shows instead of a device's token: an app password, or a token that may
/// only submit.
struct Token {
  enum class Kind { app_password, submit };
  std::string id;  ///< see credential_id
  AccountId account;
  Kind kind = Kind::app_password;
  std::string label;
  Digest256 token_digest{};
  Instant created{}, last_seen{};
};
std::string_view name(Token::Kind kind);  ///< "app-password", "submit"

/// What sessions and tokens are called in lists: 32 hexadecimal digits of the digest of their secret.
std::string credential_id(const Digest256& token_digest);

/// Who is asking, as every handler gets it.
struct Principal {
  /// What kind of credential was shown: that of a connected device, of a sign-in, or of a program.
  enum class Kind { device, session, app_password, submit_token };

  AccountId account;
  std::string name;
  Role role = Role::user;
  DeviceId device;  ///< thumbprint, or "session:<hash>", or "token:<hash>"
  Kind kind = Kind::device;
  Digest256 credential{};     ///< SHA-256 of the token that was shown
  Instant stay_ends = never;  ///< a guest may only look and take from then on
};

}  // namespace restante::accounts
