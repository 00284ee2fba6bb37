// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "http/server.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

namespace restante::http {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, FreeSsl>;
using SslContextPtr = std::unique_ptr<SSL_CTX, FreeSsl>;

/// A server's context: TLS 1.2 and 1.3, session tickets, no renegotiation, no compression, ALPN http/1.1.
/// Error tls: the certificate or key cannot be used (says which).
Result<SslContextPtr> make_server_context(const Certificate& certificate);

/// When the server's certificate, the first one of the chain, ends; none: it cannot be read.
std::optional<Instant> end_of(const Certificate& certificate);

/// The oldest error that OpenSSL queued on this thread, in words; the queue is emptied.
std::string openssl_error();

}  // namespace restante::http
