// SPDX-License-Identifier: Apache-2.0
#include "installation.hpp"

#include <cerrno>
#include <filesystem>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace restante::daemon {

namespace {

namespace fs = std::filesystem;

std::string own_folder() {
  char path[4096];
  const auto size = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string program(path, size > 0 ? static_cast<std::size_t>(size) : 0);
  return program.substr(0, program.rfind('/'));
}

bool is_program(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

struct Owner {
  uid_t user;
  gid_t group;
};

/// Whom root has to act as: nobody (false) if this is not root, the folder is not there, or it is root's.
bool owner_of(const std::string& dir, Owner& owner) {
  struct stat status{};
  if (::geteuid() != 0 || ::stat(dir.c_str(), &status) != 0 || status.st_uid == 0) return false;
  owner = {status.st_uid, status.st_gid};
  return true;
}

}  // namespace

Result<std::string> find_worker_program(const std::string& configured) {
  if (!configured.empty()) {
    if (is_program(configured)) return configured;
    return fail(Reason::invalid, "[worker] program " + configured + " cannot be run",
                "name the program restante-transfer, or leave the key out");
  }
  const std::string folder = own_folder();
  const std::string beside = folder + "/restante-transfer";
  const std::string installed =
      fs::path(folder + "/../libexec/restante/restante-transfer").lexically_normal();
  for (const auto& candidate : {beside, installed})
    if (is_program(candidate)) return candidate;
  return fail(Reason::not_found, "the program that fetches is neither " + beside + " nor " + installed,
              "install Restante again, or name it as [worker] program");
}

FoundConfig find_config(const std::string& dir, const std::string& system_dir,
                        const std::string& system_file) {
  const auto there = [](const std::string& file) { return ::access(file.c_str(), F_OK) == 0; };
  const std::string own = dir + "/restante.toml";
  if (dir == system_dir && there(system_file)) return {system_file, there(own) ? own : ""};
  return {there(own) ? own : "", ""};
}

Result<OwnerRights> OwnerRights::take(const std::string& dir, Until until) {
  Owner owner{};
  if (!owner_of(dir, owner)) return OwnerRights(false);
  const bool forever = until == Until::forever;
  const uid_t kept_user = forever ? owner.user : static_cast<uid_t>(-1);
  const gid_t kept_group = forever ? owner.group : static_cast<gid_t>(-1);
  const passwd* entry = ::getpwuid(owner.user);
  const bool groups =
      entry != nullptr ? ::initgroups(entry->pw_name, owner.group) == 0 : ::setgroups(1, &owner.group) == 0;
  if (!groups || ::setresgid(kept_group, owner.group, kept_group) != 0 ||
      ::setresuid(kept_user, owner.user, kept_user) != 0)
    return fail_errno(Reason::storage, "cannot act as the owner of " + dir, errno,
                      "run it as that user: sudo -u USER restanted ...");
  return OwnerRights(!forever);
}

OwnerRights::OwnerRights(OwnerRights&& other) noexcept : changed_(std::exchange(other.changed_, false)) {
}

OwnerRights::~OwnerRights() {
  if (!changed_) return;
  const gid_t root = 0;
  static_cast<void>(!::setresuid(0, 0, 0));
  static_cast<void>(!::setresgid(0, 0, 0));
  static_cast<void>(!::setgroups(1, &root));
}

Result<void> give_to_owner(const std::string& dir) {
  Owner owner{};
  if (!owner_of(dir, owner)) return {};
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(dir, error))
    if (::lchown(entry.path().c_str(), owner.user, owner.group) != 0)
      return fail_errno(Reason::storage, "cannot give " + entry.path().string() + " to its folder's owner",
                        errno);
  if (error) return fail_errno(Reason::storage, "cannot read " + dir, error.value());
  return {};
}

}  // namespace restante::daemon
