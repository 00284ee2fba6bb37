// SPDX-License-Identifier: Apache-2.0
#include "files/areas.hpp"

#include "base/sparse_file.hpp"
#include "files/areas_on_disk.hpp"
#include "files/names.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::files {

namespace {

constexpr std::string_view user_mark = "{user}";

/// A folder by its full name; this one is the operator's, so links in it are followed.
Result<UniqueFd> open_root(const std::string& path, bool may_make) {
  if (may_make && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(Reason::storage, "make the folder " + path, errno,
                      "check that its parent exists and is writable for this user");
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd)
    return fail_errno(Reason::storage, "open the folder " + path, errno,
                      "make it, or name another one under [areas] path");
  if (::faccessat(fd.get(), ".", W_OK | X_OK, AT_EACCESS) != 0)
    return fail_errno(Reason::storage, "write to the folder " + path, errno,
                      "give this user the right to write there");
  return fd;
}

/// Which mount of which file system a descriptor lies on; kernels before 5.8 tell the file system alone.
std::array<std::uint64_t, 3> mount_of(int fd) {
  struct statx facts{};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &facts) != 0) return {};
  const std::uint64_t mount = (facts.stx_mask & STATX_MNT_ID) != 0 ? facts.stx_mnt_id : 0;
  return {facts.stx_dev_major, facts.stx_dev_minor, mount};
}

Result<Roots> open_roots(const AreasOptions& options) {
  Roots roots;
  std::string pattern = options.areas_path;
  if (pattern.empty()) pattern = options.data_dir + "/areas/" + std::string(user_mark);
  const auto mark = pattern.find(user_mark);
  if (mark == std::string::npos || !pattern.starts_with('/') || pattern.find("..") != std::string::npos)
    return fail(Reason::invalid, "[areas] path = \"" + pattern + "\" is not a full path with {user} in it",
                "for instance /srv/media/{user}");
  const auto slash = pattern.rfind('/', mark);
  roots.shown_path = slash == 0 ? "/" : pattern.substr(0, slash);
  roots.user_path = pattern.substr(slash + 1);
  auto areas = open_root(roots.shown_path, options.areas_path.empty());
  if (!areas) return fail(std::move(areas.error()));
  roots.areas = std::move(*areas);

  for (const auto& [name, root] :
       {std::pair("incoming", &roots.incoming), std::pair("trash", &roots.trash)}) {
    auto own = open_root(options.data_dir + "/" + name, true);
    if (!own) return fail(std::move(own.error()));
    if (mount_of(own->get()) != mount_of(roots.areas.get())) {
      // A file can only be renamed within its file system, and within one mount of it (rename(2), EXDEV): two
      // volumes of a container often are one file system.
      own = open_root(roots.shown_path + "/.restante-" + name, true);
      if (!own) return fail(std::move(own.error()));
    }
    *root = std::move(*own);
  }
  return roots;
}

}  // namespace

std::string OpenedFile::etag() const {
  return "\"" + record.id.text() + "-" + std::to_string(record.version) + "\"";
}

std::string incoming_name(JobId job, int file, int generation) {
  std::string name = job.text() + "." + std::to_string(file);
  if (generation != 0) name += ".g" + std::to_string(generation);
  return name;
}

std::pair<std::string, std::string> split_name(const std::string& name) {
  const auto slash = name.rfind('/');
  if (slash == std::string::npos) return {"", name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

AreasOnDisk::AreasOnDisk(Executor loop, Executor disk_pool, Database& database, const Clock& clock,
                         AreasOptions options, Roots roots)
    : loop_(std::move(loop)),
      pool_(std::move(disk_pool)),
      database_(database),
      clock_(clock),
      options_(std::move(options)),
      roots_(std::move(roots)),
      traffic_(loop_, database_, clock_, options_.traffic_bytes),
      gate_(loop_),
      scans_(loop_),
      changed_(loop_),
      new_files_(loop_),
      volume_sync_(roots_.incoming.get()),
      incoming_tells_holes_(tells_holes(roots_.incoming.get())) {
}

std::string AreasOnDisk::clean_name(std::string_view wanted) const {
  return files::clean_name(wanted);
}

Result<std::string> AreasOnDisk::area_path(AccountId account) const {
  const std::string name = options_.account_name(account);
  // Names are judged where accounts are made; here it only counts that each is one folder of its own.
  if (name.empty() || name == "." || name == ".." ||
      name.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
    return fail(Reason::storage,
                "account " + std::to_string(account.value) + " has no name that a folder can have");
  std::string path = roots_.user_path;
  path.replace(path.find(user_mark), user_mark.size(), name);
  return path;
}

Result<UniqueFd> AreasOnDisk::area(AccountId account) const {
  auto path = area_path(account);
  if (!path) return fail(std::move(path.error()));
  auto folder = ensure_folder(roots_.areas.get(), *path, options_.folders, Taken::refuse);
  if (!folder && folder.error().reason == Reason::conflict)
    return fail(Reason::storage, folder.error().message, "an area is a folder, not a link to one");
  if (!folder) return fail(std::move(folder.error()));
  return std::move(folder->handle);
}

Result<UniqueFd> AreasOnDisk::area_if_there(AccountId account) const {
  auto path = area_path(account);
  if (!path) return fail(std::move(path.error()));
  UniqueFd folder = open_beneath(roots_.areas.get(), *path, O_RDONLY | O_DIRECTORY);
  if (!folder && errno != ENOENT) return fail_errno(Reason::storage, "open the area " + *path, errno);
  return folder;
}

namespace {

/// What is given to another owner or group must stay usable for this process.
Result<void> try_terms(const Roots& roots, const AreasOptions& options) {
  const bool asked =
      options.files.owner || options.files.group || options.folders.owner || options.folders.group;
  if (!asked) return {};
  const std::string probe = ".restante-owner-" + std::to_string(::getpid());
  const int root = roots.incoming.get();
  std::string what;
  int error = 0;
  if (::mkdirat(root, probe.c_str(), 0700) != 0) {
    what = "make a folder";
    error = errno;
  }
  const UniqueFd folder = open_beneath(root, probe, O_RDONLY | O_DIRECTORY);
  if (error == 0) {
    what = "give folders to the owner and group of [areas]";
    error = folder ? apply_terms(folder.get(), options.folders, root) : errno;
  }
  UniqueFd file;
  if (error == 0) {
    what = "write into folders that have the owner, group and folder_mode of [areas]";
    file = open_beneath(folder.get(), "file", O_RDWR | O_CREAT, 0600);
    error = file ? 0 : errno;
  }
  if (error == 0) {
    what = "give files to the owner and group of [areas]";
    error = apply_terms(file.get(), options.files, folder.get());
  }
  if (error == 0) {
    what = "read files that have the owner, group and file_mode of [areas]";
    error = open_beneath(folder.get(), "file", O_RDONLY) ? 0 : errno;
  }
  if (folder) ::unlinkat(folder.get(), "file", 0);
  ::unlinkat(root, probe.c_str(), AT_REMOVEDIR);
  if (error == 0) return {};
  return fail(Reason::storage, "this user cannot " + what + ": " + errno_text(error),
              "run restanted as root or with CAP_CHOWN, or choose a group that its user is in and modes "
              "that let the group write; see docs/files.md");
}

}  // namespace

Result<std::unique_ptr<Areas>> make_areas(Executor loop, Executor disk_pool, Database& database,
                                          const Clock& clock, AreasOptions options) {
  if (auto able = require_openat2(); !able) return fail(std::move(able.error()));
  auto roots = open_roots(options);
  if (!roots) return fail(std::move(roots.error()));
  if (auto able = try_terms(*roots, options); !able) return fail(std::move(able.error()));
  return std::make_unique<AreasOnDisk>(std::move(loop), std::move(disk_pool), database, clock,
                                       std::move(options), std::move(*roots));
}

}  // namespace restante::files
