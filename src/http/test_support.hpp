// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of this module share: a handler that tells what it was asked, a server on a free loopback
// port, and a client that speaks bytes.

#include "http/server.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace restante::http::test {

struct Answer {
  int status = 0;  ///< 0: the connection ended without a whole answer
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string_view header(std::string_view name) const;
};

/// /echo says method, path, query and body; /file what set_file gave; /stream three pieces; /events says
/// hello and waits; /throw throws; /wait never answers by itself.
class EchoHandler : public Handler {
public:
  std::atomic<std::uint64_t> limit{1u << 20};
  std::atomic<int> requests{0}, streams_ended{0};
  std::atomic<bool> permitted{true};  ///< Response::may_go_on of every answer
  std::atomic<int> barred{0};         ///< how often it said no

  std::uint64_t body_limit(const Request&) const override { return limit; }
  Task<Response> handle(Request request) override;
  void set_file(FileBody file);
  Peer last_peer();
  std::string last_host();

private:
  std::mutex mutex_;  ///< the handler is called on every loop
  Peer last_peer_;
  std::optional<FileBody> file_;
  std::string last_host_;
};

class Running {
public:
  explicit Running(ServerLimits limits = {}, bool tls = false, TrustsProxy trusts_proxy = {});
  ~Running();
  std::uint16_t port() const { return bound_.port; }
  EchoHandler& handler() { return handler_; }
  Server& server() { return *server_; }
  /// Over TLS: the file of the authority that vouches for this server.
  const std::string& authority_file() const { return authority_file_; }
  void stop() { server_->stop(); }

private:
  EchoHandler handler_;
  std::unique_ptr<Server> server_;
  std::string authority_file_;
  Bound bound_;
};

/// A new file in /tmp, which the caller removes.
std::string write_temporary(std::string_view text);

/// A new P-256 key as PKCS#8 PEM.
std::string new_key_pem();

/// A blocking client; every wait ends after 20 s, which fails the test.
class Client {
public:
  explicit Client(std::uint16_t port);
  void send(std::string_view bytes);
  Answer response(bool head_only = false);
  std::string rest();      ///< everything until the server ends the connection
  bool ended_by_server();  ///< waits for the end; false when bytes come instead
  void half_close();
  int socket() const { return fd_.get(); }

private:
  bool more();
  UniqueFd fd_;
  std::string in_;
};

/// Standard output of a command and its exit status.
struct Ran {
  int status = -1;
  std::string out;
};
Ran run(const std::vector<std::string>& command, std::string_view input = {});

}  // namespace restante::http::test
