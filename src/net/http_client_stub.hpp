// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"

#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace restante::net {

/// For tests: a server on a free loopback port (or a Unix socket) that answers requests one connection at a
/// time with the raw text that `answer` makes of the raw request. A connection is kept until the client or an
/// answer that is empty or has "Connection: close" ends it. The thread ends with the object.
class StubServer {
public:
  using Answer = std::function<std::string(const std::string& request)>;

  explicit StubServer(Answer answer, SSL_CTX* tls = nullptr, const std::string& unix_path = {})
      : answer_(std::move(answer)), tls_(tls) {
    if (unix_path.empty()) {
      listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t length = sizeof address;
      ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length);
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
      port_ = ntohs(address.sin_port);
    } else {
      listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      std::strncpy(address.sun_path, unix_path.c_str(), sizeof address.sun_path - 1);
      ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    ::listen(listener_.get(), 16);
    thread_ = std::thread([this] { run(); });
  }

  ~StubServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::string url(std::string_view path = "/") const {
    return std::string(tls_ ? "https" : "http") + "://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }
  int connections() const { return connections_; }

private:
  struct Connection {
    UniqueFd fd;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, SSL_free};

    bool read_some(std::string& into) {
      char buffer[16384];
      const auto got = ssl ? SSL_read(ssl.get(), buffer, sizeof buffer)
                           : static_cast<int>(::recv(fd.get(), buffer, sizeof buffer, 0));
      if (got <= 0) return false;
      into.append(buffer, static_cast<std::size_t>(got));
      return true;
    }
    bool write_all(std::string_view data) {
      while (!data.empty()) {
        const auto put = ssl ? SSL_write(ssl.get(), data.data(), static_cast<int>(data.size()))
                             : static_cast<int>(::send(fd.get(), data.data(), data.size(), MSG_NOSIGNAL));
        if (put <= 0) return false;
        data.remove_prefix(static_cast<std::size_t>(put));
      }
      return true;
    }
  };

  void run() {
    while (true) {
      Connection connection{UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC))};
      if (!connection.fd) return;
      ++connections_;
      const timeval limit{5, 0};
      ::setsockopt(connection.fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      if (tls_ != nullptr) {
        connection.ssl.reset(SSL_new(tls_));
        SSL_set_fd(connection.ssl.get(), connection.fd.get());
        if (SSL_accept(connection.ssl.get()) != 1) continue;
      }
      serve(connection);
    }
  }

  void serve(Connection& connection) {
    std::string input;
    while (true) {
      std::size_t head_end;
      while ((head_end = input.find("\r\n\r\n")) == input.npos)
        if (!connection.read_some(input)) return;
      std::size_t wanted = head_end + 4;
      if (const auto at = input.find("Content-Length: "); at < head_end)
        wanted += std::strtoull(input.c_str() + at + 16, nullptr, 10);
      while (input.size() < wanted)
        if (!connection.read_some(input)) return;
      const std::string answer = answer_(input.substr(0, wanted));
      input.erase(0, wanted);
      if (answer.empty() || !connection.write_all(answer) || answer.find("Connection: close") != answer.npos)
        return;
    }
  }

  Answer answer_;
  SSL_CTX* tls_;
  UniqueFd listener_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

/// An answer with its length; `headers` are whole lines.
inline std::string stub_answer(int status, std::string_view headers, std::string_view body) {
  return "HTTP/1.1 " + std::to_string(status) + " Status\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace restante::net
