// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/forwarded.hpp"
#include "http/message.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace restante::http {

struct ServerLimits {
  std::size_t header_bytes = 32 * 1024;
  std::size_t header_lines = 128;
  std::size_t connections = 4096;             ///< beyond it a connection gets 503 and is closed
  std::size_t connections_of_address = 1024;  ///< of them from one IPv4 address or IPv6 /64 but loopback
  std::size_t silent_of_address = 64;        ///< of those, without a whole request head so far; beyond it 503
  std::size_t silent_of_loopback = 1024;     ///< the same for each loopback address: a reverse proxy has many
  std::size_t small_body_bytes = 64 * 1024;  ///< bodies up to this do not count as large
  std::uint64_t large_bodies_bytes = 256ull << 20;  ///< of large bodies in memory; beyond it 503
  std::uint64_t slowest_body = 1024;                ///< bytes a second, on average beyond body_time
  std::chrono::seconds head_time{20};               ///< for one request's headers
  std::chrono::seconds body_time{120};              ///< without any byte of a body
  std::chrono::seconds idle_time{75};               ///< between requests
  std::chrono::seconds write_time{120};             ///< without any byte taken by the client
  std::chrono::milliseconds stop_time{1500};        ///< for answers under way when the server stops
};

/// A certificate and its key, for TLS 1.2 and 1.3. Files' contents, not names.
struct Certificate {
  std::string chain_pem, key_pem;
};

struct Listen {
  std::string address;  ///< numeric IPv4 or IPv6, or the path of a Unix socket (then port is not used)
  std::uint16_t port = 0;
  bool tls = false;
  bool open_door = false;  ///< requests that come in here are marked so (Peer)
  bool submits = false;    ///< a Unix socket for documents alone; marked so, too
};

struct Bound {
  std::string address;
  std::uint16_t port = 0;
  bool tls = false;
};

/// Listeners and connections, on loops of their own threads. HTTP/1.1; Beast parses, we read and write; file
/// bodies go by sendfile(2), over TLS by pread and SSL_write.
class Server {
public:
  virtual ~Server() = default;
  /// Binds at once. Errors say which address and why (in use, not ours, not permitted) and how to mend it.
  virtual Result<Bound> listen(const Listen& where) = 0;
  /// For connections from now on; those that are there go on. Any thread. Error tls: it cannot be used, and
  /// nothing is changed.
  virtual Result<void> replace_certificate(const Certificate& certificate) = 0;
  virtual void start() = 0;  ///< answers from now on
  /// Closes listeners, lets answers under way finish within stop_time, ends connections, joins the threads.
  /// Blocks: not for a loop that handlers need; there, `offload` it.
  virtual void stop() = 0;
};

struct ServerOptions {
  std::optional<Certificate> certificate;  ///< what TLS listeners need
  ServerLimits limits{};
  std::size_t threads = 2;
  /// Whether a reverse proxy at this numeric address is believed who asks (forwarded.hpp); empty: nobody is.
  TrustsProxy trusts_proxy{};
};

std::unique_ptr<Server> make_server(Handler& handler, ServerOptions options);

}  // namespace restante::http
