// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"
#include "net/curl_url.hpp"
#include "transfer/digest_auth.hpp"
#include "transfer/header_block.hpp"

#include <cstddef>
#include <map>
#include <string>

namespace restante::transfer {

/// Challenges that were answered with success, by credential domain and origin, so that the next request
/// answers at once. Bounded: when it is full, it forgets all.
class NonceMemory {
public:
  explicit NonceMemory(std::size_t limit) : limit_(limit) {}
  DigestSpace* find(const std::string& key);
  void keep(const std::string& key, DigestSpace space);
  void forget(const std::string& key) { spaces_.erase(key); }

private:
  std::size_t limit_;
  std::map<std::string, DigestSpace> spaces_;
};

/// Answers the Digest challenges of one transfer (RFC 7616), with one try (M37): a fresh challenge is
/// answered once, and once more if the server says that only the nonce was stale. A `basic` sign-in answers
/// Digest where the server offers nothing weaker; a `digest` one never sends the password itself.
class SignIn {
public:
  SignIn(NonceMemory& memory, std::string domain) : memory_(memory), domain_(std::move(domain)) {}

  /// Authorization for the next request of this hop, or "": what the credential sends by itself.
  std::string answer_for(const jobs::TransferOrder& order, const net::HttpUrl& hop,
                         const std::string& method);
  /// After a 401: whether the same request, asked again, carries an answer to its challenge.
  bool take_challenge(const jobs::TransferOrder& order, const net::HttpUrl& hop, const HeaderBlock& head);
  /// After any other answer.
  void accepted(const net::HttpUrl& hop, const HeaderBlock& head);

private:
  enum class Sent { nothing, remembered, fresh, fresh_after_stale };

  NonceMemory& memory_;
  std::string domain_;
  std::string origin_;  ///< of the hop that `sent_` is about
  Sent sent_ = Sent::nothing;
  bool stale_ = false;  ///< the next answer follows a "stale"
  std::optional<DigestSpace> space_;
};

/// The request target as it is sent (RFC 9112 §3.2.1).
std::string request_target(const net::HttpUrl& url);

}  // namespace restante::transfer
