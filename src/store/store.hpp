// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/database.hpp"
#include "jobs/records.hpp"

#include <functional>
#include <memory>
#include <string>

namespace restante::store {

struct StoreOptions {
  std::string path;        ///< DATA/restante.db
  std::string master_key;  ///< 32 raw bytes (DATA/keys/master.key, see load_master_key)
};

/// The SQLite store (DESIGN.md §8): one writer thread, each `write` in a SAVEPOINT, one COMMIT when the queue
/// is empty or at 256; results only after COMMIT; a failed COMMIT fails all of its group and every later
/// write (stop acknowledging). Reads run on a thread of their own. `Tx::repo` knows jobs::JobRecords,
/// files::FileRecords, accounts::AccountRecords.
class Store : public Database, public jobs::Vault {
public:
  /// A consistent copy of the database file, made while in use (VACUUM INTO or the backup API). Blocking.
  virtual Result<void> copy_to(const std::string& path) = 0;
  /// PRAGMA integrity_check and foreign keys; one line for each fault. Blocking.
  virtual std::vector<std::string> check() = 0;
  /// Ends the threads; what was queued is written first. Nothing may be called afterwards.
  virtual void close() = 0;
};

/// Opens or makes the database and migrates it (backing it up first as restante.db.before-vN). Blocking.
/// Errors: storage with what, where and how to mend it: not a database, damaged, from a newer program (names
/// both versions), read-only, a folder or file in its place, not permitted.
Result<std::unique_ptr<Store>> open_store(StoreOptions options);

/// Reads the master key, making it (0600, synced) where there is none yet and `may_make`. Error: storage.
Result<std::string> load_master_key(const std::string& path, bool may_make);

}  // namespace restante::store
