// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/database.hpp"

#include <string>
#include <vector>

// A backup is one file: store, configuration and keys (DESIGN.md §9), not content. Its key comes from a
// passphrase by Argon2id, its stream is crypto_secretstream_xchacha20poly1305 of libsodium:
//   "restante-backup-1\n", salt (16), operations and memory of Argon2id (8 + 8, big-endian), stream header
//   (24), then sealed pieces, each 17 bytes longer than its content: an empty one that also seals what stands
//   before it, then pieces of 64 KiB, the last one marked. Inside: for each file the length of its name (2),
//   its name, its size (8), its bytes.
namespace restante::api {

struct BackupFile {
  std::string name;  ///< inside the backup, "keys/master.key"
  std::string path;  ///< where it is read from
};

/// Writes `path` anew (0600, synced), replacing nothing. Blocking. Errors: conflict (it exists), invalid (no
/// passphrase), storage, disk-full.
Result<void> write_backup(const std::string& path, std::string_view passphrase,
                          const std::vector<BackupFile>& files);

/// Puts the files back below `folder` (made 0700 if need be), which must be empty: all of them or, on an
/// error, none. Blocking. Errors: conflict (not empty), unauthenticated (wrong passphrase), malformed (not a
/// backup, or damaged), storage, disk-full.
Result<void> read_backup(const std::string& path, std::string_view passphrase, const std::string& folder);

/// Holds with one question (held, reason approval) what was due or under way when the backup was made: it may
/// have run since. Returns how many.
Result<int> hold_after_restore(Tx& tx, Instant now);

}  // namespace restante::api
