// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "jobs/offers.hpp"
#include "jobs/ports.hpp"
#include "net/small_request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// What server and worker say to each other on the worker's channel: a Unix SOCK_SEQPACKET pair, one JSON
// object a packet, at most `max_packet_bytes`; a packet may carry one descriptor (SCM_RIGHTS). The worker
// finds it as fd 3; the connector's channel (binary, SPIKES.md C-A) is fd 4.
namespace restante::worker {

inline constexpr int channel_fd = 3;
inline constexpr int connector_fd = 4;
inline constexpr std::size_t max_packet_bytes = 192 * 1024;

// ---- server to worker

/// Begin a transfer; the descriptor of the output file travels with it unless it is a probe. `order.out` is
/// not encoded.
struct Start {
  std::uint32_t transfer = 0;
  jobs::TransferOrder order;
};
/// The answer to Resolve: where this hop connects to, in the order to be tried; or why not.
struct Resolved {
  std::uint32_t transfer = 0;
  std::uint32_t hop = 0;
  std::vector<std::string> addresses;  ///< numeric
  std::optional<Error> refused = {};   ///< address, dns, ...
  std::uint32_t part = 0;
};
struct Stop {
  std::uint32_t transfer = 0;
};
/// From now on the transfer may receive at most so much; none: as fast as it can.
struct Pace {
  std::uint32_t transfer = 0;
  std::optional<std::uint64_t> bytes_per_s;
};
/// The answer to Renewed: the tokens are stored durably, or why not.
struct Kept {
  std::uint32_t transfer = 0;
  std::optional<Error> refused;
};
/// Make a small request, under a number as a transfer has one: Resolve, Resolved and Stop are its, too.
/// Secrets.
struct Ask {
  std::uint32_t transfer = 0;
  net::SmallRequest request;
};
/// Say what the order's address offers: Resolve, Resolved, Renewed, Kept, Stop and Finished as for a probe,
/// and Offered before a Finished that is no failure.
struct Browse {
  std::uint32_t transfer = 0;
  jobs::TransferOrder order;  ///< without a file
};

// ---- worker to server

/// Asked before every hop: the server resolves and judges, and expects connects of this transfer to these
/// addresses. A transfer may have several hops under way, one for each of its parts.
struct Resolve {
  std::uint32_t transfer = 0;
  std::uint32_t hop = 0;
  std::string scheme, host;  ///< host without brackets, as in the URL, lower case
  std::uint16_t port = 0;
  std::uint32_t part = 0;
};
struct Responded {
  std::uint32_t transfer = 0;
  jobs::ResponseFacts facts;
};
struct Progress {
  std::uint32_t transfer = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t bytes_per_s = 0;
  PieceReport pieces = {};  ///< since the one before
  std::vector<SpanReport> apart = {};
  bool held_back = false;  ///< since the one before, more could have come than the pace let through
};
/// New tokens of an oauth credential of the order; used when Kept has come. Secrets.
struct Renewed {
  std::uint32_t transfer = 0;
  jobs::RenewedTokens tokens;
};
struct Finished {
  std::uint32_t transfer = 0;
  jobs::TransferResult result;
};
/// The end of a small request: the answer, or why there is none.
struct Answered {
  std::uint32_t transfer = 0;
  std::optional<net::SmallAnswer> answer;
  std::optional<Error> failure;
};
/// What was found, in parts that fit into packets (worker/offered.hpp).
struct Offered {
  std::uint32_t transfer = 0;
  jobs::Offers offers;
};
/// Sent once, when the locks are on: which are ("seccomp", "landlock", "namespaces", "rlimits"), so that the
/// log says it.
struct Ready {
  std::vector<std::string> locks;
};

using ToWorker = std::variant<Start, Resolved, Stop, Pace, Kept, Ask, Browse>;
using ToServer = std::variant<Ready, Resolve, Responded, Progress, Renewed, Finished, Answered, Offered>;

std::string encode(const ToWorker& message);
std::string encode(const ToServer& message);
Result<ToWorker> decode_to_worker(std::string_view packet);  ///< strict: the other side is not trusted
Result<ToServer> decode_to_server(std::string_view packet);

// ---- connector channel: fixed-size packets, one request and one answer at a time

struct ConnectRequest {
  std::uint32_t sequence = 0;
  std::uint32_t transfer = 0;
  std::uint32_t part = 0;
  std::int32_t family = 0, socktype = 0;
  std::uint32_t address_length = 0;
  unsigned char address[128] = {};  ///< struct sockaddr_storage
};
struct ConnectAnswer {
  std::uint32_t sequence = 0;
  std::int32_t error = 0;  ///< errno; 0: a connecting descriptor travels with it
};

}  // namespace restante::worker
