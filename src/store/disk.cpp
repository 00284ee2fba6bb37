// SPDX-License-Identifier: Apache-2.0
#include "store/disk.hpp"

#include "base/fd.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace restante::store {

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> sync_directory_of(const std::string& path) {
  const std::string folder = directory_of(path);
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno(Reason::storage, "cannot open the folder " + folder, errno);
  // Some file systems know no fsync of a directory and say EINVAL.
  if (::fsync(fd.get()) != 0 && errno != EINVAL)
    return fail_errno(Reason::storage, "cannot sync the folder " + folder, errno);
  return {};
}

}  // namespace restante::store
