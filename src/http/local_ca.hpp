// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "http/server.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace restante::http {

/// What a certificate authority may vouch for (RFC 5280 §4.2.1.10). A name covers all names below it.
struct NameRoom {
  std::vector<std::string> domains;  ///< "local", "nas.example"; lower case, without dots at the ends
  std::vector<std::string> ranges;   ///< "10.0.0.0/8", "fd00::/8"
};

/// The names and private addresses that homes use, so that a place can be called otherwise without a new
/// authority: localhost, .local, .home.arpa, .lan, .internal; loopback, link-local, RFC 1918, RFC 6598 and
/// RFC 4193 addresses.
NameRoom home_names();

/// `room`, and these DNS names and addresses.
NameRoom with_names(NameRoom room, const std::vector<std::string>& names);

/// A place's own certificate authority: a P-256 key and its certificate, which browsers can be told to trust.
/// It can vouch for TLS servers of its `NameRoom` only, by critical name constraints and extended key usage,
/// and for no further authority. An immutable value; any thread.
class LocalCa {
public:
  /// A new one for ten years; `place` is shown in its name. Error tls.
  static Result<LocalCa> make(std::string_view place, const NameRoom& room);
  /// What `pem` wrote. Error tls: it is no such text.
  static Result<LocalCa> from_pem(std::string_view pem);

  LocalCa(LocalCa&&) noexcept;
  LocalCa& operator=(LocalCa&&) noexcept;
  ~LocalCa();

  std::string pem() const;  ///< key and certificate: secret
  std::string certificate_pem() const;
  std::string certificate_der() const;
  std::string name() const;                            ///< as it is shown in lists of authorities
  std::string fingerprint() const;                     ///< SHA-256 of the DER form: "AB:CD:..."
  NameRoom room() const;                               ///< as its certificate says
  std::int64_t not_before() const, not_after() const;  ///< seconds since 1970

  /// Whether it may vouch for this DNS name or address.
  bool covers(std::string_view name) const;

  /// A server's certificate over this key (P-256, PKCS#8) for these names and addresses, for 90 days at most,
  /// with our own behind it. Error tls.
  Result<Certificate> issue(const std::string& key_pem, const std::vector<std::string>& names) const;

private:
  struct State;
  explicit LocalCa(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

constexpr std::chrono::hours leaf_lifetime{90 * 24};
constexpr std::chrono::hours leaf_renewal{30 * 24};  ///< a new one is made when so much is left

}  // namespace restante::http
