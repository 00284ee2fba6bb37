// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace restante::net {

/// Why a certificate was refused.
enum class TlsFault {
  none,
  expired,
  not_yet_valid,
  self_signed,
  unknown_issuer,
  wrong_host,
  weak,
  revoked,
  other
};

/// What is known of one TLS connection. libcurl 7.88 reports a bare end of the TCP stream as success; only
/// the close_notify alert proves that a body without length is whole (RFC 9112 §9.8).
struct TlsClose {
  bool clean = false;
  TlsFault fault = TlsFault::none;               ///< of its first certificate that was refused
  std::int64_t valid_from = 0, valid_until = 0;  ///< of that certificate, seconds since 1970
};

/// The roots that content servers are verified against, parsed once and shared by all connections: parsing a
/// bundle of 140 certificates for each connection costs more than its handshake.
class TrustStore {
public:
  /// `pem`: concatenated certificates. Error tls: none could be read.
  static Result<TrustStore> from_pem(std::string_view pem);
  ~TrustStore();
  TrustStore(TrustStore&&) noexcept;
  TrustStore& operator=(TrustStore&&) noexcept;

  /// Sets up libcurl's SSL_CTX of one new connection: these roots, and the watch over it, which is returned.
  std::shared_ptr<const TlsClose> apply(void* ssl_ctx) const;

private:
  struct State;
  explicit TrustStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The close state of the connection of `ssl`, an SSL*; null if `apply` never saw it.
std::shared_ptr<const TlsClose> close_state_of(void* ssl);

/// Whether application data lies behind the end of the body: decrypted already, or as a record in the
/// kernel's buffer of `socket` (TLS 1.3 hides types, so records of the size of an alert or a key update do
/// not count).
bool application_data_waits(void* ssl, int socket);

/// Whether decrypted bytes that nobody took wait in the connection.
bool decrypted_data_waits(void* ssl);

}  // namespace restante::net
