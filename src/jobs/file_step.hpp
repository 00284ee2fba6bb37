// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/model.hpp"
#include "jobs/ports.hpp"
#include "jobs/step.hpp"
#include "proxy/document.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What becomes of one file after each thing that was tried, as plain decisions.
namespace restante::jobs {

/// What the document says of one file.
struct FileTerms {
  int sources = 1;
  std::optional<std::uint64_t> size_bytes, max_bytes;
  std::string algorithm, digest;  ///< the strongest that was given; empty: none
  bool allow_empty = false;
};
/// Sources are counted in the order of their priority, see source_order().
FileTerms terms_of(const proxy::Document& document, int file);

/// Positions in File::sources, the ones to be tried first first.
std::vector<int> source_order(const proxy::File& file);

/// What this round has learnt; forgotten when it ends.
struct Tries {
  std::vector<int> broken;  ///< sources that will not give it
  int mismatches = 0;       ///< complete, but not what the checksum says
  int restarts = 0;
  std::optional<Trouble> first;   ///< of the source tried first
  std::optional<Trouble> person;  ///< one that a person could mend
};

/// A content server that changes its mind all the time is left alone until the next attempt.
inline constexpr int restarts_a_round = 3;

enum class Next {
  transfer,  ///< at once, from row.source into row.generation
  verify,    ///< hash what lies on the disk
  publish,
  later,   ///< in another round
  person,  ///< a person must do something first
  broken,  ///< it will not come
};

struct FileStep {
  FileRow row;
  Tries tries;
  Next next = Next::transfer;
  Trouble trouble;                      ///< for later, person and broken
  std::optional<Trouble> started_over;  ///< why the content server made us begin a new partial file
};

/// The partial file is of no use for what comes: the next transfer begins a new one at 0 (CONTENT_SERVERS.md
/// M12). The old one stays until the new one is longer.
void start_over(FileRow& row);

/// The same where the bytes that are here are still good: the content server only would not go on with them.
void set_aside(FileRow& row);

/// At the start of an attempt: goes back to what was set aside if more is there than in the `length` bytes of
/// the present partial file, which is of no use then.
bool take_back(FileRow& row, std::uint64_t length);

/// After a transfer that began at `offset`; not for Outcome::stopped.
FileStep after_transfer(FileRow row, Tries tries, const FileTerms& terms, const TransferResult& result,
                        std::uint64_t offset);

/// After the whole content was hashed with terms.algorithm.
FileStep after_digest(FileRow row, Tries tries, const FileTerms& terms, const std::string& digest_hex);

/// Content is often there a little later than its `start` said: what is not found is asked for again so long
/// after the start, then it will not come (CONTENT_SERVERS.md M40).
inline constexpr std::array<Seconds, 2> release_asked_after{Seconds(120), Seconds(480)};

/// What is not found although its `start` has just come is tried later; everything else stays as it is.
/// `start`: of the document; without one it fails at once.
FileStep wait_for_release(FileStep at, std::optional<Instant> start, Instant now);

/// After something of our own went wrong: opening, hashing or publishing.
FileStep after_error(FileRow row, Tries tries, const Error& error);

}  // namespace restante::jobs
