// SPDX-License-Identifier: Apache-2.0
#include "base/sparse_file.hpp"

#include "base/fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace restante {
namespace {

/// More places of data are not looked at: a worker could make any number of them.
constexpr std::size_t most_places = 256;

struct Places {
  std::vector<Span> data;
  std::uint64_t size = 0, block = 4096;
  bool all = true;  ///< there are no more
};

Result<Places> places_of(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno(Reason::storage, "look at a partial file", errno);
  Places out;
  out.size = static_cast<std::uint64_t>(status.st_size);
  // Pages are what the cache knows of; a file system may know less.
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  out.block = std::max<std::uint64_t>(page, static_cast<std::uint64_t>(status.st_blksize));
  for (off_t at = 0; static_cast<std::uint64_t>(at) < out.size;) {
    if (out.data.size() == most_places) {
      out.all = false;
      break;
    }
    const off_t begin = ::lseek(fd, at, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) break;
    const off_t end = begin < 0 ? -1 : ::lseek(fd, begin, SEEK_HOLE);
    if (end < 0) return fail_errno(Reason::storage, "look for the holes of a partial file", errno);
    out.data.push_back({static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(end)});
    at = end;
  }
  return out;
}

Result<void> punch(int fd, Span hole) {
  if (hole.begin >= hole.end) return {};
  const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  const auto begin = static_cast<off_t>(hole.begin), bytes = static_cast<off_t>(hole.bytes());
  while (::fallocate(fd, mode, begin, bytes) != 0)
    if (errno != EINTR) return fail_errno(Reason::storage, "make a hole in a partial file", errno);
  return {};
}

Result<void> set_length(int fd, std::uint64_t bytes) {
  while (::ftruncate(fd, static_cast<off_t>(bytes)) != 0)
    if (errno != EINTR) return fail_errno(Reason::storage, "change the length of a partial file", errno);
  return {};
}

}  // namespace

bool tells_holes(int folder) {
  const UniqueFd file(::openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) return false;
  constexpr std::uint64_t align = stretch_align_bytes;
  const std::array<char, 4096> some{1};
  // As a download does it: the beginning, then a stretch that begins in the middle of nothing.
  const auto write_at = [&](std::uint64_t at) {
    return ::pwrite(file.get(), some.data(), some.size(), static_cast<off_t>(at)) ==
           static_cast<ssize_t>(some.size());
  };
  if (!write_at(0) || !spread(file.get(), 4 * align, {{some.size(), 4 * align}}) || !write_at(2 * align))
    return false;
  const auto found = places_of(file.get());
  if (!found || found->data.size() != 3) return false;
  const Span &first = found->data[0], &second = found->data[1];
  return first.begin == 0 && first.end <= align && second.begin == 2 * align && second.end <= 3 * align;
}

Result<void> spread(int fd, std::uint64_t total_bytes, const std::vector<Span>& holes) {
  const std::uint64_t length = (total_bytes / stretch_align_bytes + 2) * stretch_align_bytes;
  while (::pwrite(fd, "", 1, static_cast<off_t>(length - 1)) != 1)
    if (errno != EINTR) return fail_errno(Reason::storage, "make a partial file longer", errno);
  // A file system may have put blocks aside behind what was the end: they would pass for data.
  for (const Span& hole : holes)
    if (auto done = punch(fd, hole); !done) return done;
  return {};
}

std::uint64_t FileLayout::held_bytes() const {
  std::uint64_t bytes = beginning;
  for (const Span& span : apart) bytes += span.bytes();
  return bytes;
}

FileLayout layout_of(int fd, std::size_t most_apart) {
  FileLayout out;
  const auto found = places_of(fd);
  if (!found) {
    struct stat status{};
    if (::fstat(fd, &status) == 0) out.beginning = static_cast<std::uint64_t>(status.st_size);
    return out;
  }
  const auto& data = found->data;
  const bool whole = data.size() == 1 && data[0].begin == 0 && data[0].end == found->size;
  if (whole || found->size == 0) {
    out.beginning = found->size;
    return out;
  }
  out.sparse = true;
  for (const Span& place : data) {
    // Of the last block an unknown part was written.
    const std::uint64_t end = (place.end - 1) / found->block * found->block;
    if (place.begin == 0)
      out.beginning = end;
    else if (end > place.begin)
      out.apart.push_back({place.begin, end});
  }
  while (out.apart.size() > most_apart) {
    const auto shorter = [](const Span& a, const Span& b) { return a.bytes() < b.bytes(); };
    out.apart.erase(std::min_element(out.apart.begin(), out.apart.end(), shorter));
  }
  return out;
}

std::uint64_t data_bytes(int fd) {
  const auto found = places_of(fd);
  if (!found) return 0;
  std::uint64_t bytes = 0, end = 0;
  for (const Span& place : found->data) {
    bytes += place.bytes();
    end = place.end;
  }
  return found->all ? bytes : bytes + (found->size - end);
}

Result<void> keep_only(int fd, std::uint64_t beginning, std::vector<Span>& apart) {
  Result<void> done = set_length(fd, apart.empty() ? beginning : apart.back().end);
  std::uint64_t from = beginning;
  for (const Span& span : apart) {
    if (done) done = punch(fd, {from, span.begin});
    from = span.end;
  }
  if (done || apart.empty()) return done;
  apart.clear();
  return set_length(fd, beginning);
}

}  // namespace restante
