// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "jobs/ports.hpp"
#include "transfer/header_block.hpp"

#include <cstdint>
#include <optional>
#include <string>

// Judges every answer of a content server (CONTENT_SERVERS.md, rows M*). Pure: values in, values out.
namespace restante::transfer {

/// What was asked, and what is known about the content.
struct Asked {
  std::string host;                ///< for messages
  std::uint64_t offset = 0;        ///< of the first byte that is wanted; > 0: a Range was sent
  std::uint64_t held_bytes = 0;    ///< that are here; those behind `offset` are compared when they come again
  std::string if_range;            ///< sent, or known from an earlier piece; may be empty
  std::string last_modified;       ///< of what is here, if it is strong; may be empty
  bool relinked = false;           ///< see jobs::TransferOrder
  bool digest_given = false;       ///< what comes is proven in the end
  bool without_validator = false;  ///< no If-Range was sent although there is one (M22)
  std::optional<std::uint64_t> known_size, max_bytes;
  bool first_request = true;  ///< of this transfer: `offset` came with the order
  bool allow_empty = false;
  bool credentials_sent = false;
  bool without_cache = false;  ///< Cache-Control: no-cache was sent
  bool names_gzip = false;     ///< the URL's path, or the name that is wanted, ends in .gz, .tgz, ...
  bool file_wanted = false;    ///< a web page would not be what is wanted, and was not there before
  Instant now{};
  Seconds retry_after_cap{24 * 3600};
};

/// A final word about the transfer, as it goes into jobs::TransferResult.
struct Verdict {
  jobs::Outcome outcome = jobs::Outcome::failed;
  Reason reason = Reason::internal;
  std::string message;
  bool transient = false;
  std::optional<Seconds> retry_after;
};

enum class Framing {
  length,
  chunked,
  stream,  ///< HTTP/2: the end of its stream
  close
};

/// How the body is to be taken.
struct BodyPlan {
  Framing framing = Framing::close;
  std::uint64_t offset = 0;                   ///< where its first byte belongs
  std::optional<std::uint64_t> expect_bytes;  ///< of this answer's body
  std::optional<std::uint64_t> total_bytes;   ///< of the whole content
  bool part = false;                          ///< a 206: its end is not the content's end
  bool close_after = false;                   ///< the connection may be out of step (M5)
  bool we_count = false;                      ///< libcurl does not go by the length; we end it there
  /// A content coding to be taken off (M28); then expect_bytes counts coded, total_bytes decoded bytes.
  std::string coding;
};

struct HeadVerdict {
  enum class Next { body, redirect, again_without_cache, again_without_validator, finish };
  Next next = Next::finish;
  BodyPlan body;       ///< next == body
  Verdict verdict;     ///< next == finish
  std::string target;  ///< next == redirect: the Location as sent
};

/// Outcome::restart, transient.
Verdict restart(Reason reason, std::string message);

HeadVerdict judge_head(const Asked& asked, const HeaderBlock& head);

/// How the body ended.
enum class BodyEnd {
  finished,   ///< as its framing says; for Framing::close: the connection was closed
  cut,        ///< the connection was lost before that
  malformed,  ///< a chunk could not be understood
  stalled     ///< no byte for too long
};
enum class DigestState { not_asked, later, agrees, differs };

struct EndFacts {
  BodyPlan plan;
  std::uint64_t received_bytes = 0;  ///< of this answer's body
  BodyEnd end = BodyEnd::finished;
  bool tls = false, clean_tls_close = false;
  bool excess = false;              ///< bytes behind the announced end
  std::uint64_t decoded_bytes = 0;  ///< if plan.coding is to be taken off
  bool coding_ended = true;         ///< it came to its own end, with the right check sums
  bool part_differs = false;        ///< the digest of this one answer (Content-Digest) does not agree
  DigestState digest = DigestState::not_asked;
};

struct EndVerdict {
  bool ask_for_rest = false;
  Verdict verdict;
};

EndVerdict judge_end(const Asked& asked, const EndFacts& facts);

/// The words and class of a status that is no content (M36 to M42); also used by probes.
Verdict judge_status(const Asked& asked, const HeaderBlock& head);

}  // namespace restante::transfer
