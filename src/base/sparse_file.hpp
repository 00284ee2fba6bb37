// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <vector>

/// Partial files that grow in several places at once. What was never written is a hole of the file (lseek(2),
/// SEEK_HOLE), so the file itself says what is there, also when nobody could note it down any more.
namespace restante {

/// Bytes [begin, end) of a file.
struct Span {
  std::uint64_t begin = 0, end = 0;

  std::uint64_t bytes() const { return end - begin; }
};

/// Where stretches of a file may begin, in bytes: file systems tell holes in smaller blocks.
inline constexpr std::uint64_t stretch_align_bytes = 64 * 1024;

/// Whether files in this folder tell exactly where they have holes, and take new ones.
bool tells_holes(int folder);

/// Makes the file longer than `total_bytes`, and holes in those places, where nothing was written so far:
/// what is written into them afterwards shows. Errors: storage.
Result<void> spread(int fd, std::uint64_t total_bytes, const std::vector<Span>& holes);

struct FileLayout {
  std::uint64_t beginning = 0;  ///< up to here all was written
  std::vector<Span> apart;      ///< written, too, in order, none touching another
  bool sparse = false;          ///< there are holes: each end is up to a block earlier than it was written

  std::uint64_t held_bytes() const;
};

/// What was written, of at most so many places. An open file; its position is not kept. A file that cannot
/// be asked is its beginning only, of its length.
FileLayout layout_of(int fd, std::size_t most_apart);

/// Bytes of the file that are no holes.
std::uint64_t data_bytes(int fd);

/// Throws away what is neither the beginning nor `apart`; if that cannot be, all but the beginning, and
/// empties `apart`. Errors: storage.
Result<void> keep_only(int fd, std::uint64_t beginning, std::vector<Span>& apart);

}  // namespace restante
