// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/crypto.hpp"
#include "transfer/header_block.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Digests that a content server publishes beside its content (CONTENT_SERVERS.md M47, M70).
namespace restante::transfer {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct PublishedDigest {
  std::string algorithm;  ///< as in jobs::TransferOrder: "sha-512", "sha-256", "sha" or "md5"
  std::string raw;
};

/// Of the whole representation: Repr-Digest (RFC 9530 §3), else Digest (RFC 3230 §4.3.2). The strongest that
/// is known and well formed.
std::optional<PublishedDigest> whole_digest(const Fields& fields);
/// Of the bytes of this one answer: Content-Digest (RFC 9530 §2).
std::optional<PublishedDigest> answer_digest(const Fields& fields);

/// Hashes bytes under the algorithms that may be asked for, and compares in the end.
class DigestWatch {
public:
  enum class Result { nothing, agrees, differs };

  /// Known already; or a trailer may bring it: those of the algorithms that are computed are compared.
  void expect(PublishedDigest digest);
  void expect_in_trailer(bool announced);  ///< announced: also the costly algorithms
  bool active() const { return !hashers_.empty(); }
  void add(std::string_view bytes);
  /// Ends it. `later`: what the trailers said.
  Result finish(const std::vector<PublishedDigest>& later);

private:
  void hash(std::string algorithm);

  std::vector<PublishedDigest> expected_;
  std::vector<std::pair<std::string, Hasher>> hashers_;
};

/// Whether the Trailer field announces a digest behind the body (RFC 9110 §6.6.2).
bool announces_digest(const HeaderBlock& head);

}  // namespace restante::transfer
