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
#include <vector>

namespace restante::worker {

struct ClaimLimits {
  std::size_t resolves = 64;  ///< hops for which one connection of a transfer may ask for addresses
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

  /// malformed: out of turn (a connection that it may not have, a hop that was before, while one is being
  /// answered, another scheme than http and https, or than that of the file server that the order names;
  /// another host or port than that server's). redirect-loop: it may ask, but gets no address.
  Result<void> resolve(const Resolve& asked);
  void resolved(std::uint32_t part) { parts_.at(part).resolving = false; }
  Result<void> responded();  ///< malformed: a second answer
  /// malformed: more than there is, what overlaps or is not in order, digests that do not fit.
  Result<void> has(std::uint64_t claimed_bytes, const std::vector<SpanReport>& apart,
                   std::uint64_t file_bytes) const;
  Result<void> renewed(const jobs::RenewedTokens& tokens);  ///< malformed: no tokens, or too often
  bool overdrawn(std::uint64_t file_bytes) const;           ///< far behind the place's room

private:
  ClaimLimits limits_;
  using Place = std::pair<std::string, std::uint16_t>;  ///< host and port
  struct Part {
    std::uint32_t next_hop = 0;
    std::size_t resolves = 0;
    bool resolving = false;
  };
  Place own_;                ///< of the order's source; empty if it is no URL
  std::set<Place> named_;    ///< by the order
  std::string file_scheme_;  ///< "ftp", "ftps" or "sftp": nothing redirects from there
  std::set<Place> others_;
  std::optional<std::uint64_t> room_end_;
  std::vector<Part> parts_;  ///< the first connection, and those beside it
  std::size_t spans_ = 0;    ///< that it may have at most
  bool responded_ = false;
  int renewals_ = 0;
};

}  // namespace restante::worker
