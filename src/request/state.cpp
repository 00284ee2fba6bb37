// SPDX-License-Identifier: Apache-2.0
#include "request/state.hpp"

#include "base/crypto.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::request {
namespace {

constexpr std::size_t file_limit = 64u << 20;
constexpr std::string_view unfinished = ".new-";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string folder_of(const std::string& name) {
  const auto slash = name.rfind('/');
  return slash == name.npos ? "." : name.substr(0, slash);
}

}  // namespace

Result<Home> Home::open() {
  std::string path = environment("RESTANTE_HOME");
  if (path.empty()) {
    std::string base = environment("XDG_CONFIG_HOME");
    if (base.empty() && !environment("HOME").empty()) base = environment("HOME") + "/.config";
    if (base.empty())
      return fail(Reason::storage, "there is no home folder to keep the places in",
                  "set RESTANTE_HOME to a folder");
    path = base + "/restante";
  }
  return open_at(std::move(path));
}

Result<Home> Home::open_at(std::string path) {
  constexpr const char* hint = "RESTANTE_HOME names the folder that this device keeps its places in";
  std::error_code ignored;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, ignored);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(Reason::storage, "make the folder " + path, errno, hint);
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail_errno(Reason::storage, "open the folder " + path, errno, hint);
  return Home(std::move(path), std::move(folder));
}

tl::unexpected<Error> Home::fault(const std::string& what, int error_number) const {
  return fail_errno(Reason::storage, what + " in " + path_, error_number,
                    "the folder must be writable and have room");
}

Result<std::optional<std::string>> Home::read(const std::string& name) const {
  UniqueFd file(::openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return std::optional<std::string>();
  if (!file) return fault("read " + name, errno);
  std::string out;
  char buffer[65536];
  while (true) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fault("read " + name, errno);
    if (got == 0) return std::optional<std::string>(std::move(out));
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > file_limit)
      return fail(Reason::too_large, name + " in " + path_ + " is larger than 64 MiB");
  }
}

Result<void> Home::write(const std::string& name, std::string_view bytes) const {
  const std::string folder = folder_of(name);
  if (folder != "." && ::mkdirat(folder_.get(), folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fault("make " + folder, errno);
  const std::string beside = folder + "/" + std::string(unfinished) + random_token().substr(0, 16);
  UniqueFd file(::openat(folder_.get(), beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return fault("write " + name, errno);
  const auto undo = [&](int error_number) {
    ::unlinkat(folder_.get(), beside.c_str(), 0);
    return fault("write " + name, error_number);
  };
  while (!bytes.empty()) {
    const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return undo(errno);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(file.get()) != 0) return undo(errno);
  if (::renameat(folder_.get(), beside.c_str(), folder_.get(), name.c_str()) != 0) return undo(errno);
  UniqueFd holder(::openat(folder_.get(), folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!holder || ::fsync(holder.get()) != 0) return fault("sync " + name, errno);
  return {};
}

Result<void> Home::remove(const std::string& name) const {
  if (::unlinkat(folder_.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return fault("remove " + name, errno);
  return {};
}

Result<std::vector<std::string>> Home::list(const std::string& folder) const {
  std::vector<std::string> out;
  UniqueFd opened(::openat(folder_.get(), folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened && errno == ENOENT) return out;
  if (!opened) return fault("list " + folder, errno);
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(opened.get()), ::closedir);
  if (!entries) return fault("list " + folder, errno);
  opened.release();
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with('.')) out.emplace_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<UniqueFd> Home::lock(const std::string& name, Wait wait) const {
  UniqueFd file(::openat(folder_.get(), name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fault("lock " + name, errno);
  while (::flock(file.get(), wait == Wait::yes ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return UniqueFd();
    if (errno != EINTR) return fault("lock " + name, errno);
  }
  return file;
}

}  // namespace restante::request
