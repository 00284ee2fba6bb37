// SPDX-License-Identifier: Apache-2.0
#include "data_dir.hpp"

#include "base/crypto.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace restante::daemon {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t socket_path_limit = 107;
/// A child that a killed server was just making holds its lock until it is a program of its own.
constexpr std::chrono::seconds longest_orphan{2};
constexpr std::chrono::milliseconds orphan_asked_again{10};

tl::unexpected<Error> cannot(const std::string& what, const std::string& path, int error) {
  std::string hint = "choose another folder with --data DIR or RESTANTE_DATA";
  if (error == EACCES || error == EPERM)
    hint = "run it as the owner of the folder, or choose another one with --data DIR";
  if (error == EROFS) hint = "make its file system writable, or choose another folder with --data DIR";
  if (error == ENOSPC || error == EDQUOT) hint = "make room on its disk";
  return fail_errno(Reason::storage, what + " " + path, error, hint);
}

Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return cannot("cannot make the folder", path, errno);
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return cannot("cannot look at", path, errno);
  if (!S_ISDIR(status.st_mode))
    return fail(Reason::storage, path + " is not a folder",
                "move that file away, or choose another folder with --data DIR");
  return {};
}

std::string read_pid(int fd) {
  char text[32] = {};
  const auto got = ::pread(fd, text, sizeof text - 1, 0);
  std::string pid(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid.empty() ? "?" : pid;
}

bool is_gone(const std::string& pid) {
  const int number = std::atoi(pid.c_str());
  return number > 0 && ::kill(number, 0) != 0 && errno == ESRCH;
}

}  // namespace

Result<void> write_secret(const std::string& path, std::string_view content) {
  const std::string beside = path + ".new";
  const UniqueFd out(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out) return cannot("cannot make", path, errno);
  const auto written = ::write(out.get(), content.data(), content.size());
  if (written != static_cast<ssize_t>(content.size()) || ::fsync(out.get()) != 0)
    return cannot("cannot write", path,
                  written < 0 || written == static_cast<ssize_t>(content.size()) ? errno : ENOSPC);
  if (::rename(beside.c_str(), path.c_str()) != 0) return cannot("cannot name", path, errno);
  const UniqueFd folder(::open(fs::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return cannot("cannot sync", path, errno);
  return {};
}

std::string choose_data_dir(const std::string& option) {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  std::string dir = !option.empty() ? option : variable("RESTANTE_DATA");
  if (dir.empty() && ::geteuid() == 0) dir = "/var/lib/restante";
  if (dir.empty()) {
    const std::string base = variable("XDG_DATA_HOME");
    dir = (base.empty() ? variable("HOME") + "/.local/share" : base) + "/restante";
  }
  std::error_code error;
  const auto absolute = fs::absolute(dir, error).lexically_normal();
  std::string out = error ? dir : absolute.string();
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}

tl::expected<std::string, int> read_whole(const std::string& path) {
  const UniqueFd in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return tl::unexpected<int>(errno);
  std::string content;
  char buffer[16384];
  for (;;) {
    const auto got = ::read(in.get(), buffer, sizeof buffer);
    if (got == 0) return content;
    if (got > 0) content.append(buffer, static_cast<std::size_t>(got));
    if (got < 0 && errno != EINTR) return tl::unexpected<int>(errno);
  }
}

Result<void> make_data_dir(const std::string& dir) {
  const auto parent = fs::path(dir).parent_path();
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) return cannot("cannot make the folder", parent.string(), error.value());
  if (auto done = make_folder(dir); !done) return done;
  return make_folder(dir + "/keys");
}

Result<DataLock> DataLock::take(const std::string& dir) {
  const std::string path = dir + "/lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return cannot("cannot open", path, errno);
  const auto until = std::chrono::steady_clock::now() + longest_orphan;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return cannot("cannot lock", path, errno);
    if (is_gone(read_pid(fd.get())) && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(orphan_asked_again);
      continue;
    }
    return fail(Reason::in_use, fmt::format("{} is in use by process {}", dir, read_pid(fd.get())),
                "stop that process, or choose another folder with --data DIR");
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  // The number is for people only: on a full disk the lock is held all the same.
  if (::ftruncate(fd.get(), 0) == 0) static_cast<void>(!::pwrite(fd.get(), pid.data(), pid.size(), 0));
  return DataLock(std::move(fd));
}

Result<proxy::PrivateKey> load_identity(const std::string& dir) {
  const std::string path = dir + "/keys/identity.pem";
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
    auto key = proxy::PrivateKey::generate();
    if (auto done = write_secret(path, key.pem()); !done) return fail(done.error());
    return key;
  }
  auto content = read_whole(path);
  if (!content) return cannot("cannot read", path, content.error());
  auto key = proxy::PrivateKey::from_pem(*content);
  wipe(*content);
  if (!key)
    return fail(Reason::storage, path + " is damaged: " + key.error().message,
                "put it back from a backup; a new key means that every device has to be connected anew");
  return key;
}

SocketPath::SocketPath(const std::string& dir, const std::string& name) : path_(dir + "/" + name) {
  if (path_.size() <= socket_path_limit) return;
  dir_.reset(::open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (dir_) path_ = fmt::format("/proc/self/fd/{}/{}", dir_.get(), name);
}

}  // namespace restante::daemon
