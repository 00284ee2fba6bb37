// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "proxy/keys.hpp"
#include "request/state.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::request {

/// Where requests for a place are left when it cannot be reached; it fetches them there.
struct Mailbox {
  enum class Kind { mail, webdav };
  Kind kind = Kind::mail;
  std::string address;          ///< mail: local@domain; webdav: URL of the folder, with a closing slash
  std::string user;             ///< webdav; empty: none
  std::string sealed_password;  ///< base64url, under this device's key (mailbox.hpp)
};

/// An intermediary server that this device is connected to.
struct Place {
  std::string name;  ///< as this device calls it
  std::string url;   ///< "https://host:port"
  std::string jkt;   ///< thumbprint of the place's identity key: the pin, and the request's recipient
  std::string token;
  std::string tz;          ///< IANA zone of the place; wall-clock times are meant there
  std::string account;     ///< whose requests these are
  std::string device_id;   ///< as the place calls this device
  std::string device_jkt;  ///< thumbprint of this device's key for the place
  /// Over TLS the place is known by its certificate's name and issuer, because another server (a reverse
  /// proxy) or another key answers there; it proved its identity key when this device was connected. False:
  /// by its key.
  bool by_name = false;
  std::string keys{};  ///< that requests are sealed with: a JWK Set signed by the place; empty: it has none
  std::vector<Mailbox> mailboxes{};  ///< in the order to try
  Instant looked{};                  ///< when it last told both
  std::string roots_pem{};           ///< with by_name: the only issuers that count; empty: the system's

  bool tls() const { return url.starts_with("https:"); }
};

/// The places in the order in which they were added; the first is the default. Errors: storage, malformed.
Result<std::vector<Place>> load_places(const Home& home);
Result<void> save_places(const Home& home, const std::vector<Place>& places);

/// The place of that name; "" is the first. Errors: not-found, with the way to add one.
Result<Place> find_place(const std::vector<Place>& places, std::string_view name);

/// 1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit; not "trip". Error: usage.
Result<void> check_place_name(std::string_view name);

/// "SCHEME://HOST:PORT/pair#k=..&c=..", as `restanted pair` prints it; `restanted invite` adds the stay:
/// "&from=..&until=..".
struct PairingUrl {
  std::string url;  ///< "SCHEME://HOST:PORT"
  std::string jkt;
  std::string code;
  std::optional<Instant> from{}, until{};
};
/// Errors: usage (not such a URL), insecure (plain http beyond this machine).
Result<PairingUrl> parse_pairing_url(std::string_view text);

/// This device's key for a place is in keys/NAME.pem.
std::string device_key_file(std::string_view place_name);

}  // namespace restante::request
