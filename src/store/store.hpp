// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/database.hpp"
#include "jobs/records.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace restante::store {

struct StoreLimits {
  std::size_t waiting_writes = 16384;  ///< beyond: busy
  std::size_t waiting_reads = 16384;   ///< beyond: busy
  std::size_t works_per_commit = 256;
  Millis shared_every{5};       ///< groups of shared writes alone begin so long after the commit before
  int writer_cache_kib = 4096;  ///< holds the index of ids that a large batch touches at random
  int reader_cache_kib = 1024;
  int log_pages = 1000;                         ///< of 4 KiB: beyond, the log is moved into the database file
  int longest_log_pages = 16384;                ///< beyond, writes wait for that
  std::uint64_t rewritten_bytes = 64ull << 20;  ///< larger databases are not rewritten by scrub()
};

struct StoreOptions {
  std::string path;        ///< DATA/restante.db
  std::string master_key;  ///< 32 raw bytes (DATA/keys/master.key, see load_master_key)
  StoreLimits limits;
};

/// The SQLite store (DESIGN.md §8): one writer thread, each `write` in a SAVEPOINT, one COMMIT when the queue
/// is empty or at 256, for shared writes alone every 5 ms at most; results only after COMMIT; a failed COMMIT
/// fails all of its group and every later write (stop acknowledging). Reads run on a thread of their own.
/// `Tx::repo` knows jobs::JobRecords, files::FileRecords, accounts::AccountRecords. The loops of its callers
/// must outlive `close`: a store thread may still be handing over a result when the caller has it already.
class Store : public Database, public jobs::Vault {
public:
  /// A consistent copy of the database file, made while in use (VACUUM INTO or the backup API). Blocking.
  virtual Result<void> copy_to(const std::string& path) = 0;
  /// PRAGMA integrity_check and foreign keys; one line for each fault. Blocking.
  virtual std::vector<std::string> check() = 0;
  /// Leaves no bytes of removed rows in the files: the database is rewritten, unless it is too large for that
  /// (then freed pages and cells are overwritten with zeros all the same, but copies of cells that moved
  /// between pages may stay), and the write-ahead log is cut to nothing. Control loop. Errors: storage,
  /// disk-full.
  virtual Task<Result<void>> scrub() = 0;
  /// How many transactions were committed since it was opened. Any thread.
  virtual std::uint64_t commits() const = 0;
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
