// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::request {

/// The folder of this device's own state: places, keys, outbox. Made at the first use with mode 0700, files
/// with 0600. Names are relative to it and at most one folder deep. One thread; several processes may use it.
class Home {
public:
  /// $RESTANTE_HOME, else $XDG_CONFIG_HOME/restante, else ~/.config/restante. Errors: storage.
  static Result<Home> open();
  static Result<Home> open_at(std::string path);

  const std::string& path() const { return path_; }

  /// nullopt if there is no such file. Errors: storage, too-large (64 MiB).
  Result<std::optional<std::string>> read(const std::string& name) const;

  /// All or nothing, also over a crash: written beside, synced, renamed, folder synced. Errors: storage,
  /// disk-full.
  Result<void> write(const std::string& name, std::string_view bytes) const;

  /// Repeating it is safe: a missing file is removed.
  Result<void> remove(const std::string& name) const;

  /// Names in a folder below, sorted; none if there is no such folder. Half-written files are left out.
  Result<std::vector<std::string>> list(const std::string& folder) const;

  /// Holds the file's lock until the descriptor closes; made if missing. `wait` no: an empty one if another
  /// process holds it. Taken around read-change-write.
  enum class Wait { yes, no };
  Result<UniqueFd> lock(const std::string& name, Wait wait = Wait::yes) const;

private:
  explicit Home(std::string path, UniqueFd folder) : path_(std::move(path)), folder_(std::move(folder)) {}
  tl::unexpected<Error> fault(const std::string& what, int error_number) const;

  std::string path_;
  UniqueFd folder_;
};

}  // namespace restante::request
