// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "proxy/keys.hpp"

#include <string>
#include <vector>

namespace restante::daemon {

/// --data, else RESTANTE_DATA, else /var/lib/restante for root and $XDG_DATA_HOME/restante or
/// ~/.local/share/restante for others; absolute.
std::string choose_data_dir(const std::string& option);

/// All of a small file. The error's number is errno.
tl::expected<std::string, int> read_whole(const std::string& path);

/// Writes a small file with mode 0600: all of it, synced, or what was there before. Error storage.
Result<void> write_secret(const std::string& path, std::string_view content);

/// Makes DATA (0700) and DATA/keys where missing. Error storage: a file in its place, not permitted,
/// read-only, full; each with what to do.
Result<void> make_data_dir(const std::string& dir);

/// DATA/lock, held for as long as this lives; whoever holds it owns the store.
class DataLock {
public:
  /// Error in-use with the holder's process id; storage.
  static Result<DataLock> take(const std::string& dir);

private:
  explicit DataLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// DATA/keys/identity.pem (0600), made where missing. Error storage.
Result<proxy::PrivateKey> load_identity(const std::string& dir);

/// A path to a socket in DATA that fits into a socket address (107 bytes); keeps DATA open for it.
class SocketPath {
public:
  SocketPath(const std::string& dir, const std::string& name);
  const std::string& path() const { return path_; }

private:
  UniqueFd dir_;
  std::string path_;
};

}  // namespace restante::daemon
