// SPDX-License-Identifier: Apache-2.0
#include "files/walk.hpp"

#include "base/unicode.hpp"
#include "files/names.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::files {

namespace {

constexpr std::uint32_t watched_events =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR;

/// Characters that join others are part of words and of pictures of people.
constexpr std::uint32_t zero_width_non_joiner = 0x200c, zero_width_joiner = 0x200d;

}  // namespace

bool is_listable(const std::string& segment) {
  if (segment.empty() || segment.front() == '.' || segment.size() > NameLimits{}.segment_bytes) return false;
  for (std::string_view rest = segment; !rest.empty();) {
    const auto point = take_point(rest);
    if (!point) return false;
    if (*point == zero_width_joiner || *point == zero_width_non_joiner) continue;
    if (is_unprintable(*point)) return false;
  }
  return true;
}

void Walk::Closer::operator()(void* stream) const {
  ::closedir(static_cast<DIR*>(stream));
}

Walk::Walk(UniqueFd root, int watch, std::size_t watches_left, WalkLimits limits)
    : root_(std::move(root)), watch_(watch), watches_left_(watches_left), limits_(limits) {
  FileFacts facts;
  if (file_facts(root_.get(), facts) == 0) device_ = facts.device;
}

Walk::~Walk() = default;

void Walk::watch_folder(int folder) {
  if (watch_ < 0) return;
  if (watches.size() >= watches_left_) {
    all_watched = false;
    return;
  }
  // The handle names the folder, whatever stands at its path by now.
  const std::string handle = "/proc/self/fd/" + std::to_string(folder);
  const int id = ::inotify_add_watch(watch_, handle.c_str(), watched_events);
  if (id >= 0)
    watches.insert(id);
  else
    all_watched = false;
}

bool Walk::next_folder() {
  while (!pending_.empty()) {
    folder_ = std::move(pending_.back());
    pending_.pop_back();
    UniqueFd folder =
        open_beneath(root_.get(), folder_.empty() ? "." : folder_, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
    if (!folder) {
      // Gone, or a link by now: another program is at work. What may not be read is told.
      passed_over.shut += errno == EACCES || errno == EPERM ? 1 : 0;
      continue;
    }
    FileFacts facts;
    if (file_facts(folder.get(), facts) != 0) continue;
    if (facts.device != device_) {
      ++passed_over.mounts;
      continue;
    }
    watch_folder(folder.get());
    DIR* stream = ::fdopendir(folder.get());
    if (stream == nullptr) continue;
    folder.release();
    stream_.reset(stream);
    depth_ = folder_.empty() ? 0 : 1 + static_cast<int>(std::count(folder_.begin(), folder_.end(), '/'));
    return true;
  }
  return false;
}

void Walk::take(const char* raw, unsigned char type) {
  std::string name = raw;
  if (name.front() == '.') return;
  if (!is_listable(name)) {
    if (passed_over.names++ == 0) passed_over.example_name = printable(name);
    return;
  }
  if (type == DT_LNK) {
    ++passed_over.links;
    return;
  }
  if (type != DT_DIR && type != DT_REG && type != DT_UNKNOWN) {
    ++passed_over.special;
    return;
  }
  struct stat is{};
  if (type != DT_DIR &&
      ::fstatat(::dirfd(static_cast<DIR*>(stream_.get())), raw, &is, AT_SYMLINK_NOFOLLOW) != 0)
    return;
  std::string path = folder_.empty() ? std::move(name) : folder_ + "/" + name;
  if (path.size() > NameLimits{}.path_bytes) {
    ++passed_over.names;
    return;
  }
  if (type == DT_DIR || S_ISDIR(is.st_mode)) {
    if (depth_ + 1 < limits_.depth)
      pending_.push_back(std::move(path));
    else
      ++passed_over.deep;
    return;
  }
  if (S_ISLNK(is.st_mode)) {
    ++passed_over.links;
  } else if (!S_ISREG(is.st_mode)) {
    ++passed_over.special;
  } else if (is.st_dev != device_) {
    ++passed_over.mounts;
  } else if (files.size() >= limits_.files) {
    passed_over.too_many = true;
  } else {
    files.push_back({std::move(path), is.st_ino, static_cast<std::uint64_t>(is.st_size), is.st_nlink,
                     static_cast<std::int64_t>(is.st_mtim.tv_sec) * 1'000'000'000 + is.st_mtim.tv_nsec});
  }
}

bool Walk::step() {
  for (std::size_t i = 0; i < limits_.slice;) {
    if (!stream_ && !next_folder()) return false;
    const dirent* entry = ::readdir(static_cast<DIR*>(stream_.get()));
    if (entry == nullptr) {
      stream_.reset();
      ++i;  // folders cost something too
      continue;
    }
    take(entry->d_name, entry->d_type);
    ++i;
  }
  return true;
}

}  // namespace restante::files
