// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace restante::net {

/// One request to an intermediary, as a client (never to a content server: those belong to the worker).
struct ClientRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds connect_time{10000};
  std::optional<std::chrono::milliseconds> total_time;  ///< none: as long as bytes flow
  const std::atomic<bool>* stop = nullptr;              ///< once it is set, the request ends soon (timeout)
  std::chrono::seconds stall_time{60};  ///< no byte for so long: timeout; 0: never (event streams)
  /// Gets the body piece by piece once the status and headers are known; false ends the transfer. Without it
  /// the body is collected in the answer (up to 64 MiB).
  std::function<bool(std::string_view piece)> on_body;
  /// Called once before the body.
  std::function<void(int status, const std::vector<std::pair<std::string, std::string>>& headers)> on_head;
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string_view header(std::string_view name) const;
};

/// A blocking HTTP client over libcurl that keeps its connection. One thread.
class HttpClient {
public:
  /// `pinned_jkt`: the only acceptable server key (RFC 7638 thumbprint of the certificate's P-256 key); then
  /// names and issuers do not matter. Empty: usual verification with the system's roots, or with those of
  /// `roots_pem` alone. `unix_socket`: connect there instead.
  struct Options {
    std::string pinned_jkt;
    std::string roots_pem;
    std::string unix_socket;
    std::string user_agent = "restante/" RESTANTE_VERSION;
  };
  explicit HttpClient(Options options);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;

  /// Redirects are not followed. Errors: unreachable (nothing was answered), dns, timeout, tls (with the two
  /// thumbprints when the pin does not fit), cancelled (on_body said so).
  Result<ClientResponse> send(const ClientRequest& request);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace restante::net
