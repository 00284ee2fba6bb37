// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "jobs/ports.hpp"
#include "net/curl_multi.hpp"
#include "net/curl_url.hpp"
#include "transfer/header_block.hpp"
#include "transfer/limits.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::transfer {

/// What a token endpoint answered (RFC 6749 §5). Errors: auth-expired (it will not renew: a person has to
/// sign in again), rate-limited, server-error, malformed; none has a word of the answer's own but its error
/// code.
Result<jobs::RenewedTokens> judge_tokens(const proxy::Credential& credential, const std::string& host,
                                         const HeaderBlock& head, std::string_view body, Instant now);

/// The body of the request (RFC 6749 §6) and its header lines. They hold secrets.
struct TokenRequest {
  std::string body;
  std::vector<std::string> lines;
};
TokenRequest token_request(const proxy::Credential& credential);

/// Whether the access token is missing, or ends within a minute.
bool is_stale(const proxy::Credential& credential, Instant now);

/// One request to a token endpoint: no redirects, one address, an answer of at most 64 KiB. Made by a
/// transfer, which sees to time limits; lives on the loop's thread.
class TokenRenewal final : public net::CurlEvents {
public:
  /// How the request is started, in the pool of the transfer, and who opens its socket.
  struct Ways {
    std::function<std::unique_ptr<net::CurlHandle>(const net::CurlOptions&, net::CurlEvents&)> start;
    std::function<int(int family, int socktype, const sockaddr* address, socklen_t length)> open_socket;
    /// Called once, on the loop; the renewal may be dropped there.
    std::function<void(Result<jobs::RenewedTokens>)> done;
  };
  TokenRenewal(const Limits& limits, proxy::Credential credential, net::HttpUrl endpoint, Ways ways);

  const net::HttpUrl& endpoint() const { return endpoint_; }
  /// `addresses`: where the endpoint's host is. A plain http endpoint is asked on this machine only.
  void start(const std::vector<std::string>& addresses);
  bool on_the_wire() const { return handle_ != nullptr; }

private:
  int open_socket(int family, int socktype, const sockaddr* address, socklen_t length) override;
  Taken on_header(std::string_view line) override;
  Taken on_body(std::string_view bytes) override;
  void on_end(const net::CurlEnd& end) override;
  void end(Result<jobs::RenewedTokens> tokens);
  Result<jobs::RenewedTokens> judge(const net::CurlEnd& end) const;

  const Limits& limits_;
  proxy::Credential credential_;
  net::HttpUrl endpoint_;
  Ways ways_;
  TokenRequest request_;
  HeaderReader reader_;
  std::string body_;
  bool too_large_ = false;
  std::unique_ptr<net::CurlHandle> handle_;
};

}  // namespace restante::transfer
