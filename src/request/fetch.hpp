// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "request/calls.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace restante::request {

struct FetchLimits {
  int cuts_without_progress = 5;  ///< connections in a row that bring no byte
  std::chrono::milliseconds pause{1000};
};

struct Fetch {
  std::string file_id;
  std::string path;  ///< where it ends up; written as PATH.part, its ETag as PATH.part.etag
  enum class Existing { refused, replaced } existing = Existing::refused;
  std::function<void(std::uint64_t have, std::optional<std::uint64_t> size)> progress;  ///< may be empty
  FetchLimits limits{};
};

/// How far the bytes were proven.
struct Fetched {
  std::uint64_t size_bytes = 0;
  std::uint64_t resumed_at = 0;  ///< bytes that an earlier run had brought
  std::string sha256;            ///< of the bytes, hexadecimal
  bool proven = false;           ///< by the place's Repr-Digest; else only length and ETag fit
};

/// Takes a file from the place: goes on where an earlier run stopped if the ETag still fits, checks SHA-256,
/// syncs, renames. An existing `path` is refused before anything is asked. Errors: in-use (exists, or another
/// process is at it), storage, disk-full, digest-mismatch (nothing is kept), what the place says, and after
/// cuts without progress the cut (PATH.part stays for the next run).
Result<Fetched> fetch_file(Calls& calls, const Fetch& fetch);

/// The same onto a descriptor that cannot be read back, such as a pipe; nothing can be taken back there, so a
/// changed file or a wrong digest is only told.
Result<Fetched> fetch_to(Calls& calls, const std::string& file_id, int fd, FetchLimits limits = {});

}  // namespace restante::request
