// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"
#include "worker/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace restante::worker {

struct ClaimLimits {
  std::size_t resolves = 64;  ///< hops for which one transfer may ask for addresses
  /// Hosts beside the order's own that it may go to. A worker follows redirects by itself, so nobody can
  /// check that a content server named them; an honest one follows at most so many
  /// (transfer::Limits::redirects).
  std::size_t other_hosts = 10;
  std::uint64_t overdraw_bytes = 16 * 1048576;  ///< written behind the place's room before it counts as harm
  int renewals = 4;                             ///< of sign-ins, by one transfer
};

/// Judges what a worker says of one transfer, against the order and what it said before. A worker that was
/// taken over says anything: what an honest one cannot say ends it. Plain values; lives with the transfer.
class Claims {
public:
  /// `file_bytes`: as long as the file is already; more than the order's offset where some of it is not kept.
  Claims(const jobs::TransferOrder& order, ClaimLimits limits, std::uint64_t file_bytes = 0);

  /// malformed: out of turn (a hop that was before, while one is being answered, another scheme than http and
  /// https). redirect-loop: it may ask, but gets no address.
  Result<void> resolve(const Resolve& asked);
  void resolved() { resolving_ = false; }
  Result<void> responded();                                                 ///< malformed: a second answer
  Result<void> has(std::uint64_t claimed_bytes, std::uint64_t file_bytes);  ///< malformed: more than there is
  Result<void> renewed(const jobs::RenewedTokens& tokens);  ///< malformed: no tokens, or too often
  bool overdrawn(std::uint64_t file_bytes) const;           ///< far behind the place's room

private:
  ClaimLimits limits_;
  std::pair<std::string, std::uint16_t> own_;  ///< host and port of the order; empty if it is no URL
  std::set<std::pair<std::string, std::uint16_t>> others_;
  std::optional<std::uint64_t> room_end_;
  std::uint32_t next_hop_ = 0;
  std::size_t resolves_ = 0;
  bool resolving_ = false, responded_ = false;
  int renewals_ = 0;
};

}  // namespace restante::worker
