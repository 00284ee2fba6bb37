// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <string>
#include <sys/types.h>

namespace restante::daemon {

/// The program that fetches: `configured`, else restante-transfer beside this program (a build folder), else
/// in
/// ../libexec/restante (an installation). Errors (not_found): none of them can be run.
Result<std::string> find_worker_program(const std::string& configured);

/// The configuration where --config does not say: /etc/restante/restante.toml for the package's data folder,
/// else DIR/restante.toml; empty: there is none. `other` is one that is there as well and is not read.
struct FoundConfig {
  std::string file, other;
};
FoundConfig find_config(const std::string& dir, const std::string& system_dir = "/var/lib/restante",
                        const std::string& system_file = "/etc/restante/restante.toml");

/// While it lives, root acts as the owner of the data folder, so that nothing in there becomes root's: the
/// server would not get at it. Nothing changes for others than root, or where root is the owner or the folder
/// is not there. Users are those of the whole process (setresuid(2)): made and ended where no other thread
/// runs.
class OwnerRights {
public:
  /// `forever`: there is no way back to root, also not for code that took the process over.
  enum class Until { scope_ends, forever };
  static Result<OwnerRights> take(const std::string& dir, Until until);
  OwnerRights(OwnerRights&& other) noexcept;
  OwnerRights& operator=(OwnerRights&&) = delete;
  OwnerRights(const OwnerRights&) = delete;
  OwnerRights& operator=(const OwnerRights&) = delete;
  ~OwnerRights();

private:
  explicit OwnerRights(bool changed) : changed_(changed) {}
  bool changed_;
};

/// Gives everything below `dir` to the owner of `dir`, if root runs this and is not the owner itself.
Result<void> give_to_owner(const std::string& dir);

}  // namespace restante::daemon
