// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace restante::transfer {

/// Everything in the worker that queues, waits, repeats or grows.
struct Limits {
  int redirects = 10;
  int rounds = 16;  ///< requests for the rest of a content that comes in pieces (M11, M15)
  std::size_t addresses = 8;
  std::size_t header_bytes =
      300 * 1024;  ///< of all headers of one request, interim answers and trailers included
  std::size_t header_lines = 1000;
  int interim_answers = 100;
  std::size_t transfers = 256;
  std::size_t requests = 8;  ///< small ones, beside the transfers
  std::size_t idle_domains = 8;
  int per_file_server = 2;  ///< at once: such servers count their guests (M63)
  std::chrono::milliseconds connect_time{20000};
  std::chrono::milliseconds connector_answer{5000};
  std::chrono::milliseconds resolve_answer{60000};
  std::chrono::milliseconds progress_every{250};
  std::size_t chatty_transfers = 64;            ///< with so many more at once, each tells so much more rarely
  std::chrono::milliseconds flush_after{1500};  ///< received bytes stay in memory at most so long
  std::chrono::milliseconds rate_burst{250};    ///< a rate-limited transfer may be ahead by so much
  std::chrono::seconds retry_after{24 * 3600};
  std::size_t buffer_bytes = 64 * 1024 * 1024;  ///< of all gather buffers together
  std::size_t fast_transfers = 16;              ///< up to so many at once, libcurl reads with a large buffer
  /// So long the loop waits for excess behind a content of several packets that nothing else proves (M2).
  std::chrono::milliseconds excess_patience{2};
  std::size_t remembered_nonces = 256;    ///< of Digest sign-ins (RFC 7616)
  std::size_t remembered_versions = 256;  ///< servers that want HTTP/2
  std::size_t doubted_sources = 256;      ///< that did not prove right beside others
  /// For a sign-in to be renewed and the new tokens to be stored.
  std::chrono::milliseconds renewal_time{90000};
  std::size_t overlap_bytes = 4096;              ///< asked for again at each resume, and compared (M18)
  std::chrono::milliseconds folder_time{30000};  ///< for a folder of a file server to be listed
  std::size_t page_bytes = 2 * 1024 * 1024;      ///< of a page or Metalink that is looked at
  std::size_t evidence_bytes = 64 * 1024;        ///< of an answer's body that is not the content
};

}  // namespace restante::transfer
