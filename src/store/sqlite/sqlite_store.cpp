// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "store/disk.hpp"
#include "store/sqlite/checkpointer.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/writer.hpp"
#include "store/store.hpp"
#include "store/vault.hpp"

#include <SQLiteCpp/Column.h>

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace restante::store {
namespace sqlite {
namespace {

/// Signals stay with the threads of the program; a store thread is never interrupted in a sync.
std::thread start_thread(const char* name, std::function<void()> body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

/// The jobs of rows whose values are not those that were written (migrations.cpp, versions 4 and 10). The bit
/// may have been one of the id, so the request is named too, if that can be read.
#define RESTANTE_WHICH_JOB \
  "SELECT lower(hex(jobs.id)), iif(jobs.proxy_id GLOB '*[^0-9a-f-]*', '?', jobs.proxy_id) "
constexpr const char* damaged_rows[] = {
    RESTANTE_WHICH_JOB
    "FROM jobs WHERE control_sum IS NOT row_sum(id, state, waiting_for, attempt, "
    "changed, next_run, start, rev, version, file_count, reason, message, probe, name, "
    "started, occurrence) OR body_sum IS NOT row_sum(id, account, origin, created, proxy_id, "
    "document_digest, "
    "document) LIMIT 100",
    RESTANTE_WHICH_JOB
    "FROM job_files CROSS JOIN jobs ON jobs.seq = job_files.job WHERE sum IS NOT "
    "row_sum(job, file, job_files.state, job_files.reason, job_files.name, media_type, size_bytes, source, "
    "generation, written_bytes, synced_bytes, boot_id, etag, last_modified, total_bytes, ranges, sha256, "
    "verified, published, relinked, wasted_bytes, old, apart) LIMIT 100"};

#undef RESTANTE_WHICH_JOB

int remember_log_length(void* pages, sqlite3*, const char*, int log_pages) {
  *static_cast<int*>(pages) = log_pages;
  return SQLITE_OK;
}

class SqliteStore final : public Store {
public:
  SqliteStore(const StoreOptions& options, std::unique_ptr<Connection> connection)
      : vault_(options.master_key),
        connection_(std::move(connection)),
        read_connection_(std::make_unique<Connection>(connection_->path(), Connection::Mode::read_only,
                                                      options.limits.reader_cache_kib)),
        checkpoint_connection_(
            std::make_unique<Connection>(connection_->path(), Connection::Mode::read_write, 64)),
        writes_(options.limits.waiting_writes),
        reads_(options.limits.waiting_reads),
        checkpointer_(*checkpoint_connection_, acknowledging_, options.limits.log_pages,
                      options.limits.longest_log_pages),
        rewritten_bytes_(options.limits.rewritten_bytes),
        writer_(std::make_unique<Writer>(*connection_, writes_, acknowledging_,
                                         options.limits.works_per_commit, options.limits.shared_every)) {
    sqlite3_wal_hook(connection_->db().getHandle(), &remember_log_length, &log_pages_);
    writer_thread_ = start_thread("store-write", [this] {
      writer_->run([this] {
        checkpointer_.log_has(std::exchange(log_pages_, 0));
        if (scrub_wanted_.exchange(false)) scrubbed_ = scrub_now();
      });
    });
    reader_thread_ = start_thread("store-read", [this] { run_reads(*read_connection_, reads_); });
    checkpoint_thread_ = start_thread("store-log", [this] { checkpointer_.run(); });
  }

  ~SqliteStore() override { close(); }

  using Database::write;
  Task<Result<void>> write(Work work, Commit commit) override {
    if (acknowledging_.stopped()) {
      Result<void> refused = fail(acknowledging_.error());
      co_return refused;
    }
    co_return co_await pass_through(&writes_, std::move(work), commit);
  }

  Task<Result<void>> read(Work work) override {
    co_return co_await pass_through(&reads_, std::move(work), Commit::at_once);
  }

  std::string seal(std::string_view plain, std::string_view context) const override {
    return vault_.seal(plain, context);
  }

  Result<std::string> open(std::string_view sealed, std::string_view context) const override {
    return vault_.open(sealed, context);
  }

  Result<void> copy_to(const std::string& path) override {
    try {
      Connection connection(connection_path(), Connection::Mode::read_only, own_cache_kib);
      return copy_database(connection, path);
    } catch (const SQLite::Exception& error) {
      return fail(translate_error(connection_path(), error.getExtendedErrorCode(), error.what(), 0));
    }
  }

  std::vector<std::string> check() override {
    std::vector<std::string> faults;
    try {
      Connection connection(connection_path(), Connection::Mode::read_only, own_cache_kib);
      SQLite::Statement integrity(connection.db(), "PRAGMA integrity_check(100)");
      while (integrity.executeStep()) {
        std::string line = integrity.getColumn(0).getString();
        if (line != "ok") faults.push_back(connection_path() + ": " + std::move(line));
      }
      SQLite::Statement references(connection.db(), "PRAGMA foreign_key_check");
      while (references.executeStep())
        faults.push_back(connection_path() + ": a row of " + references.getColumn(0).getString() +
                         " belongs to one of " + references.getColumn(2).getString() +
                         " that does not exist");
      for (const char* sums : damaged_rows) {
        SQLite::Statement damaged(connection.db(), sums);
        while (damaged.executeStep())
          faults.push_back(connection_path() + ": the record of job " + damaged.getColumn(0).getString() +
                           " (request " + damaged.getColumn(1).getString() +
                           ") is damaged; the job does not run (send it once more, or restore a backup)");
      }
    } catch (const SQLite::Exception& error) {
      faults.push_back(
          translate_error(connection_path(), error.getExtendedErrorCode(), error.what(), 0).message);
    }
    return faults;
  }

  Task<Result<void>> scrub() override {
    scrub_wanted_ = true;
    // It is done behind the first of these, on the writer's thread, so the second one ends after it.
    const Work nothing = [](Tx&) { return Result<void>(); };
    auto begun = co_await write(nothing);
    if (!begun) co_return begun;
    Result<void> outcome;
    const Work look = [this, &outcome](Tx&) {
      outcome = scrubbed_;
      return Result<void>();
    };
    auto ended = co_await write(look);
    co_return ended ? outcome : ended;
  }

  std::uint64_t commits() const override { return writer_->commits(); }

  void close() override {
    if (!writer_thread_.joinable()) return;
    writes_.close();
    reads_.close();
    writer_thread_.join();
    reader_thread_.join();
    checkpointer_.stop();
    checkpoint_thread_.join();
    if (acknowledging_.stopped()) {
      // The log stays as it is: the next start reads it by its checksums.
      for (Connection* one : {connection_.get(), checkpoint_connection_.get()})
        sqlite3_db_config(one->db().getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    } else if (connection_->db().tryExec("PRAGMA wal_checkpoint(TRUNCATE)") != SQLITE_OK) {
      log::warn("{}: the log stays beside it until the next start", connection_->path());
    }
  }

private:
  static constexpr int own_cache_kib = 1024;

  /// On the writer's thread, between two transactions.
  Result<void> scrub_now() {
    try {
      SQLite::Statement size(connection_->db(),
                             "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
      const bool small = size.executeStep() && size.getColumn(0).getInt64() <= rewritten_bytes_;
      size.reset();
      if (small) connection_->execute("VACUUM");
      SQLite::Statement truncate(connection_->db(), "PRAGMA wal_checkpoint(TRUNCATE)");
      const bool busy = truncate.executeStep() && truncate.getColumn(0).getInt() != 0;
      if (busy)
        return fail(Reason::storage, "the store " + connection_path() + ": its log is being read", "", "");
      return {};
    } catch (const SQLite::Exception& error) {
      return fail(connection_->translate(error));
    }
  }

  const std::string& connection_path() const { return connection_->path(); }

  MasterKeyVault vault_;
  // Connections outlive the statements of the parts below them.
  std::unique_ptr<Connection> connection_, read_connection_, checkpoint_connection_;
  Lane writes_, reads_;
  Acknowledging acknowledging_;
  Checkpointer checkpointer_;
  int log_pages_ = 0;  ///< writer's thread
  const std::int64_t rewritten_bytes_;
  std::atomic<bool> scrub_wanted_{false};
  Result<void> scrubbed_;  ///< writer's thread
  std::unique_ptr<Writer> writer_;
  std::thread writer_thread_, reader_thread_, checkpoint_thread_;
};

/// What SQLite would say in a way that helps nobody: folders and permissions. Makes the file if there is
/// none.
Result<void> prepare_file(const std::string& path) {
  const std::string folder = directory_of(path);
  struct stat facts{};
  if (::stat(folder.c_str(), &facts) != 0)
    return fail_errno(Reason::storage, "cannot reach the data folder " + folder, errno,
                      "make the folder, or give another one with --data");
  if (!S_ISDIR(facts.st_mode))
    return fail(Reason::storage, folder + " is not a folder",
                "move it away, or give another folder with --data");
  if (::faccessat(AT_FDCWD, folder.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0)
    return fail_errno(Reason::storage, "cannot write in the data folder " + folder, errno,
                      "make it writable for the user that runs restanted, or give another one with --data");
  if (::stat(path.c_str(), &facts) == 0) {
    if (!S_ISREG(facts.st_mode))
      return fail(Reason::storage, "the store " + path + " is not a file",
                  "move away what stands in its place");
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) != 0)
      return fail_errno(Reason::storage, "cannot write the store " + path, errno,
                        "make the file belong to the user that runs restanted");
    return {};
  }
  if (errno != ENOENT) return fail_errno(Reason::storage, "cannot reach the store " + path, errno);
  UniqueFd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!made)
    return fail_errno(Reason::storage, "cannot make the store " + path, errno,
                      "make the folder writable for the user that runs restanted");
  return sync_directory_of(path);
}

/// The store remembers its master key by a sealed word, so that a wrong one is refused at once.
Result<void> check_master_key(Connection& connection, const std::string& key) {
  constexpr std::string_view word = "restante", context = "vault-check";
  const MasterKeyVault vault(key);
  const auto records = make_account_records(connection);
  auto known = records->setting(context);
  if (!known) return fail(std::move(known.error()));
  if (!*known) return records->save_setting(context, vault.seal(word, context));
  auto opened = vault.open(**known, context);
  if (opened && *opened == word) return {};
  return fail(Reason::storage, "the master key does not belong to the store " + connection.path(),
              "put the key file back that belongs to it (keys/master.key in its backup)");
}

Result<std::unique_ptr<Connection>> open_and_migrate(const StoreOptions& options) {
  auto connection = std::make_unique<Connection>(options.path, Connection::Mode::read_write,
                                                 options.limits.writer_cache_kib);
  connection->execute("PRAGMA synchronous = FULL");
  if (auto migrated = migrate(*connection, migrations()); !migrated) return fail(std::move(migrated.error()));
  if (connection->db().execAndGet("PRAGMA journal_mode = WAL").getString() != "wal")
    return fail(Reason::storage, "the store " + options.path + ": its file system allows no write-ahead log",
                "put the data folder on a local file system");
  // Overwritten rows leave no bytes behind; the log is cut back to this size after a burst.
  connection->execute("PRAGMA secure_delete = ON; PRAGMA journal_size_limit = 4194304;");
  if (auto right = check_master_key(*connection, options.master_key); !right)
    return fail(std::move(right.error()));
  return connection;
}

}  // namespace
}  // namespace sqlite

Result<std::unique_ptr<Store>> open_store(StoreOptions options) {
  // Nobody asks SQLite how much memory it uses, and counting costs a lock at each allocation.
  [[maybe_unused]] static const int once = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  if (options.master_key.size() != 32)
    return fail(Reason::storage, "the master key has a wrong size: it must be exactly 32 bytes");
  try {
    if (auto ready = sqlite::prepare_file(options.path); !ready) return fail(std::move(ready.error()));
    auto connection = sqlite::open_and_migrate(options);
    if (!connection) return fail(std::move(connection.error()));
    std::unique_ptr<Store> store = std::make_unique<sqlite::SqliteStore>(options, std::move(*connection));
    wipe(options.master_key);
    return store;
  } catch (const SQLite::Exception& error) {
    return fail(sqlite::translate_error(options.path, error.getExtendedErrorCode(), error.what(), errno));
  }
}

}  // namespace restante::store
