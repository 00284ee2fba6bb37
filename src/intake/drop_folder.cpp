// SPDX-License-Identifier: Apache-2.0
#include "intake/drop_folder.hpp"

#include "base/log.hpp"
#include "base/unicode.hpp"

#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::intake {

namespace {

constexpr const char* refused_folder = "refused";
constexpr std::string_view reason_suffix = ".reason.txt";

tl::unexpected<Error> cannot(const std::string& what, const std::string& path) {
  return fail_errno(errno == ENOSPC ? Reason::disk_full : Reason::storage, "cannot " + what + " " + path,
                    errno);
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

/// What changes when another file takes the name, or this one is written again.
std::string version_of(const struct stat& status) {
  return fmt::format("{}-{}.{}-{}", status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                     status.st_size);
}

/// Names of regular files, with their status.
std::vector<std::pair<std::string, struct stat>> files_in(int folder, std::size_t most) {
  std::vector<std::pair<std::string, struct stat>> out;
  UniqueFd again(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again) return out;
  const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(again.get()));
  if (!dir) return out;
  static_cast<void>(again.release());
  for (std::size_t seen = 0; seen < most; ++seen) {
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    struct stat status{};
    if (::fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
      continue;
    out.emplace_back(entry->d_name, status);
  }
  return out;
}

std::int64_t age_ms(const struct stat& status) {
  struct timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return (now.tv_sec - status.st_mtim.tv_sec) * 1000 + (now.tv_nsec - status.st_mtim.tv_nsec) / 1'000'000;
}

/// For whoever looks why a file lies there; no part of the document.
std::string words_of(const Error& why) {
  return fmt::format("{}\n{}\nreason: {}\n", why.message, why.remedy(), code(why.reason));
}

}  // namespace

Result<std::unique_ptr<DropFolder>> DropFolder::open(std::string path, Executor loop, DropLimits limits) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return cannot("make the folder", path);
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return cannot("open the folder", path);
  UniqueFd events(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!events ||
      ::inotify_add_watch(events.get(), path.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0)
    log::warn(
        "the drop folder is looked at every minute only: the kernel does not tell what is put there ({})",
        errno_text(errno));
  return std::unique_ptr<DropFolder>(
      new DropFolder(std::move(path), std::move(folder), std::move(events), std::move(loop), limits));
}

DropFolder::DropFolder(std::string path, UniqueFd folder, UniqueFd events, Executor loop, DropLimits limits)
    : path_(std::move(path)), folder_(std::move(folder)), events_(loop), timer_(loop), limits_(limits) {
  if (events) events_.assign(events.release());
}

Result<std::vector<Letter>> DropFolder::list(std::size_t most) {
  auto files = files_in(folder_.get(), limits_.entries_looked_at);
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second.st_mtim.tv_sec, a.second.st_mtim.tv_nsec) <
           std::pair(b.second.st_mtim.tv_sec, b.second.st_mtim.tv_nsec);
  });
  std::vector<Letter> out;
  some_unfinished_ = false;
  const auto settles_ms = std::chrono::milliseconds(limits_.settles).count();
  for (const auto& [name, status] : files) {
    if (name.starts_with('.') || name.ends_with(".part")) continue;
    const std::int64_t age = age_ms(status);
    // From the future: another machine's clock, or ours; then only what was seen to be closed is believed.
    const bool whole = closed_.contains(name) || age >= settles_ms || age < -settles_ms;
    if (!whole) some_unfinished_ = true;
    if (whole && out.size() < most)
      out.push_back({name, version_of(status), static_cast<std::uint64_t>(status.st_size)});
  }
  std::erase_if(closed_, [&](const std::string& name) {
    return std::none_of(files.begin(), files.end(), [&](const auto& one) { return one.first == name; });
  });
  return out;
}

Result<UniqueFd> DropFolder::open_same(const Letter& letter) const {
  UniqueFd file(::openat(folder_.get(), letter.id.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return cannot("open", path_ + "/" + letter.id);
  if (!S_ISREG(status.st_mode) || version_of(status) != letter.version)
    return fail(Reason::busy, letter.id + " is being written");
  return file;
}

Result<std::string> DropFolder::fetch(const Letter& letter, std::size_t most_bytes) {
  auto file = open_same(letter);
  if (!file) return fail(std::move(file.error()));
  std::string out;
  char buffer[65536];
  for (;;) {
    const auto got = ::read(file->get(), buffer, sizeof buffer);
    if (got < 0) return cannot("read", path_ + "/" + letter.id);
    if (got == 0) return out;
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > most_bytes) return fail(Reason::too_large, letter.id + " is too large");
  }
}

Result<void> DropFolder::settle(const Letter& letter, Fate fate, const Error& why) {
  auto same = open_same(letter);
  // Gone already, or written anew: what is there now is looked at in its turn.
  if (!same)
    return same.error().reason == Reason::busy || errno == ENOENT ? Result<void>() : fail(same.error());
  closed_.erase(letter.id);
  if (fate == Fate::refused) return set_aside(letter, why);
  if (::unlinkat(folder_.get(), letter.id.c_str(), 0) != 0 && errno != ENOENT)
    return cannot("remove", path_ + "/" + letter.id);
  return {};
}

Result<void> DropFolder::set_aside(const Letter& letter, const Error& why) const {
  if (::mkdirat(folder_.get(), refused_folder, 0700) != 0 && errno != EEXIST)
    return cannot("make the folder", path_ + "/" + refused_folder);
  const UniqueFd aside(
      ::openat(folder_.get(), refused_folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!aside) return cannot("open the folder", path_ + "/" + refused_folder);
  std::string name = letter.id;
  for (int i = 1;
       ::renameat2(folder_.get(), letter.id.c_str(), aside.get(), name.c_str(), RENAME_NOREPLACE) != 0; ++i) {
    if (errno == ENOENT) return {};
    if (errno != EEXIST || i > 1000) return cannot("set aside", path_ + "/" + letter.id);
    name = fmt::format("{}.{}", letter.id, i);
  }
  const std::string beside = name + std::string(reason_suffix);
  const UniqueFd reason(
      ::openat(aside.get(), beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  const std::string words = words_of(why);
  if (!reason || ::write(reason.get(), words.data(), words.size()) != static_cast<ssize_t>(words.size()))
    log::warn("drop folder: the reason for {} cannot be written: {}", printable(name), errno_text(errno));
  forget_old();
  return {};
}

void DropFolder::forget_old() const {
  const UniqueFd aside(
      ::openat(folder_.get(), refused_folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!aside) return;
  auto files = files_in(aside.get(), limits_.entries_looked_at);
  if (files.size() <= 2 * limits_.refused_kept) return;
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.second.st_ctim.tv_sec < b.second.st_ctim.tv_sec; });
  for (std::size_t i = 0; i + 2 * limits_.refused_kept < files.size(); ++i)
    ::unlinkat(aside.get(), files[i].first.c_str(), 0);
}

void DropFolder::read_events() {
  alignas(inotify_event) char buffer[16 << 10];
  for (;;) {
    const ssize_t got = ::read(events_.native_handle(), buffer, sizeof buffer);
    if (got <= 0) return;
    for (ssize_t at = 0; at < got;) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof event);
      const char* name = buffer + at + sizeof event;
      // After an overflow files count as whole when they are old enough.
      if (event.len > 0 && closed_.size() < limits_.entries_looked_at) closed_.emplace(name);
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
}

Task<void> DropFolder::wait(std::chrono::steady_clock::duration longest) {
  timer_.expires_after(
      some_unfinished_ ? std::min<std::chrono::steady_clock::duration>(longest, limits_.settles) : longest);
  if (events_.is_open())
    events_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                         if (!error) timer_.cancel();
                       });
  boost::system::error_code ended;
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  if (!events_.is_open()) co_return;
  events_.cancel();
  read_events();
}

}  // namespace restante::intake
