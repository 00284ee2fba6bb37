// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "proxy/document.hpp"
#include "request/state.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace restante::request {

/// Stored user information of this device (patent: block 322): one credential an origin and kind, sealed with
/// AES-256-GCM under a key of the device. Shown by name only. Several processes may use it.
class Logins {
public:
  static constexpr std::size_t limit = 500;

  /// Makes the key at the first use. Errors: storage.
  static Result<Logins> open(const Home& home);

  /// Errors: storage (damaged, or sealed under another key).
  Result<std::vector<proxy::Credential>> all() const;
  /// In the place of the one with the same origin and kind. Errors: storage, disk-full, too-large (500).
  Result<void> put(proxy::Credential login) const;
  /// How many there were of that origin. Errors: storage, disk-full.
  Result<std::size_t> remove(std::string_view origin) const;

private:
  Logins(const Home& home, std::string key) : home_(home), key_(std::move(key)) {}
  Result<void> write(const std::vector<proxy::Credential>& logins) const;

  const Home& home_;
  std::string key_;
};

/// "basic", "bearer", ...
std::string_view kind_word(proxy::CredentialKind kind);
/// The name in it that is no secret: a user, a header, a client id; may be empty.
std::string login_user(const proxy::Credential& login);
/// "https://files.example (basic, ana)"
std::string login_name(const proxy::Credential& login);

/// The origin that a person means by "files.example" or "https://files.example:8443/". Errors: usage.
Result<std::string> login_origin(std::string_view text);

/// How a client certificate is given: both texts may hold both parts. Errors: usage.
Result<proxy::Credential> certificate_credential(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace restante::request
