// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/schema.hpp"

#include "base/fd.hpp"
#include "store/disk.hpp"

#include <SQLiteCpp/Column.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::store::sqlite {
namespace {

// Instants are milliseconds since 1970 in UTC; ids and digests are raw bytes; reasons are their codes; states
// are the numbers of jobs::State and jobs::FileState. NULL means "not known" or "none".
//
// A job costs four b-trees at acceptance, three of which grow at their end: `jobs`, `jobs_of_account` (covers
// lists, filters and counts), `jobs_due`. Only the unique id (a hash) is inserted at random places.
constexpr const char* version_1 = R"sql(
CREATE TABLE accounts (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  name          TEXT NOT NULL UNIQUE,
  role          TEXT NOT NULL,
  password_hash TEXT,
  quota_bytes   INTEGER,
  lan           INTEGER NOT NULL,
  created       INTEGER NOT NULL
) STRICT;

CREATE TABLE devices (
  id           TEXT PRIMARY KEY,
  account      INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  label        TEXT NOT NULL,
  jwk          TEXT NOT NULL,
  token_digest BLOB NOT NULL UNIQUE,
  created      INTEGER NOT NULL,
  last_seen    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_of_account ON devices (account);

CREATE TABLE pairings (
  code_digest BLOB PRIMARY KEY,
  account     INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  expires     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  token_digest BLOB PRIMARY KEY,
  account      INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  created      INTEGER NOT NULL,
  expires      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Devices as jobs remember them, also after they were removed.
CREATE TABLE origins (
  id     INTEGER PRIMARY KEY,
  device TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE jobs (
  seq             INTEGER PRIMARY KEY,
  id              BLOB NOT NULL UNIQUE,
  account         INTEGER NOT NULL REFERENCES accounts (id),
  origin          INTEGER NOT NULL REFERENCES origins (id),
  state           INTEGER NOT NULL,
  waiting_for     INTEGER NOT NULL,
  attempt         INTEGER NOT NULL,
  created         INTEGER NOT NULL,
  changed         INTEGER NOT NULL,
  next_run        INTEGER,
  start           INTEGER,
  rev             INTEGER NOT NULL,
  version         INTEGER NOT NULL,
  file_count      INTEGER NOT NULL,
  reason          TEXT,
  message         TEXT,
  probe           TEXT,
  proxy_id        TEXT NOT NULL,
  name            TEXT NOT NULL,
  document_digest BLOB NOT NULL,
  document        TEXT NOT NULL,
  secrets         BLOB
) STRICT;
CREATE INDEX jobs_of_account ON jobs (account, seq, state);
CREATE INDEX jobs_due ON jobs (next_run) WHERE state IN (0, 1) AND next_run IS NOT NULL;
CREATE INDEX jobs_active ON jobs (state) WHERE state IN (2, 3, 4);

CREATE TABLE job_files (
  job           INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  file          INTEGER NOT NULL,
  state         INTEGER NOT NULL,
  reason        TEXT,
  name          TEXT,
  media_type    TEXT,
  size_bytes    INTEGER,
  source        INTEGER NOT NULL,
  generation    INTEGER NOT NULL,
  written_bytes INTEGER NOT NULL,
  synced_bytes  INTEGER NOT NULL,
  boot_id       TEXT,
  etag          TEXT,
  last_modified TEXT,
  total_bytes   INTEGER,
  ranges        INTEGER NOT NULL,
  sha256        TEXT,
  verified      INTEGER NOT NULL,
  published     BLOB,
  PRIMARY KEY (job, file)
) STRICT, WITHOUT ROWID;

-- seq is the event id that watchers remember: never given twice.
CREATE TABLE history (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  job        INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  account    INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  from_state INTEGER NOT NULL,
  to_state   INTEGER NOT NULL,
  cause      TEXT NOT NULL,
  reason     TEXT
) STRICT;
CREATE INDEX history_of_job ON history (job);
CREATE INDEX history_of_account ON history (account);

CREATE TABLE files (
  seq        INTEGER PRIMARY KEY,
  id         BLOB NOT NULL UNIQUE,
  account    INTEGER NOT NULL REFERENCES accounts (id),
  name       TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  published  INTEGER NOT NULL,
  keep_until INTEGER,
  job        BLOB NOT NULL,
  job_file   INTEGER NOT NULL,
  media_type TEXT,
  sha256     TEXT,
  verified   INTEGER NOT NULL,
  flags      TEXT,
  version    INTEGER NOT NULL,
  inode      INTEGER NOT NULL,
  mtime_ns   INTEGER NOT NULL,
  UNIQUE (account, name)
) STRICT;
CREATE INDEX files_of_account ON files (account, published, seq, size_bytes);
CREATE INDEX files_without_digest ON files (seq) WHERE sha256 IS NULL;

CREATE TABLE intents (
  job         BLOB NOT NULL,
  file        INTEGER NOT NULL,
  id          BLOB NOT NULL,
  chosen_name TEXT NOT NULL,
  account     INTEGER NOT NULL REFERENCES accounts (id),
  generation  INTEGER NOT NULL,
  wanted_name TEXT NOT NULL,
  media_type  TEXT,
  size_bytes  INTEGER NOT NULL,
  sha256      TEXT,
  verified    INTEGER NOT NULL,
  flags       TEXT,
  keep_s      INTEGER,
  PRIMARY KEY (job, file)
) STRICT, WITHOUT ROWID;
)sql";

// Digests of partial files, so many a row that a checkpoint writes one or two rows and not all of them; `old`
// is JSON (columns.cpp).
constexpr const char* version_2 = R"sql(
ALTER TABLE job_files ADD COLUMN relinked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_files ADD COLUMN wasted_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_files ADD COLUMN old TEXT;

CREATE TABLE job_pieces (
  job        INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  file       INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  part       INTEGER NOT NULL,
  end_bytes  INTEGER NOT NULL,
  digests    BLOB NOT NULL,
  PRIMARY KEY (job, file, generation, part)
) STRICT, WITHOUT ROWID;
)sql";

// files::name_key of the name: the same for two names that some file systems take for one. NULL in rows of
// older versions, which have no twins then.
constexpr const char* version_3 = R"sql(
ALTER TABLE files ADD COLUMN name_key TEXT;
CREATE INDEX files_twins ON files (account, name_key);
)sql";

// What row_sum says of a row's values, when they were written: `body_sum` of what stays, `control_sum` of
// what changes with the job's state, `sum` of a whole row. A row whose sum is another one is damaged.
constexpr const char* version_4 = R"sql(
ALTER TABLE jobs ADD COLUMN control_sum INTEGER;
ALTER TABLE jobs ADD COLUMN body_sum INTEGER;
ALTER TABLE job_files ADD COLUMN sum INTEGER;
UPDATE jobs SET
  control_sum = row_sum(id, state, waiting_for, attempt, changed, next_run, start, rev, version, file_count,
                        reason, message, probe, name),
  body_sum = row_sum(id, account, origin, created, proxy_id, document_digest, document);
UPDATE job_files SET
  sum = row_sum(job, file, state, reason, name, media_type, size_bytes, source, generation, written_bytes,
                synced_bytes, boot_id, etag, last_modified, total_bytes, ranges, sha256, verified, published,
                relinked, wasted_bytes, old);
)sql";

// Failed jobs with secrets, oldest first: these are erased after a while.
constexpr const char* version_5 = R"sql(
CREATE INDEX jobs_failed_secrets ON jobs (changed) WHERE state = 8 AND secrets IS NOT NULL;
)sql";

constexpr std::array<const char*, 5> steps_of_this_program{version_1, version_2, version_3, version_4,
                                                           version_5};

std::int64_t pragma(Connection& connection, const char* text) {
  return connection.db().execAndGet(text).getInt64();
}

Result<void> back_up(Connection& connection, std::size_t to_version) {
  const std::string target = connection.path() + ".before-v" + std::to_string(to_version);
  const std::string unfinished = target + ".unfinished";
  ::unlink(unfinished.c_str());
  if (auto copied = copy_database(connection, unfinished); !copied) return copied;
  if (::rename(unfinished.c_str(), target.c_str()) != 0)
    return fail_errno(Reason::storage, "cannot keep the copy " + target, errno,
                      "the store was left as it is; make room or make the folder writable");
  return sync_directory_of(target);
}

}  // namespace

std::span<const char* const> migrations() {
  return steps_of_this_program;
}

Result<void> migrate(Connection& connection, std::span<const char* const> steps) {
  return attempt(connection, [&]() -> Result<void> {
    const std::int64_t tables = pragma(connection, "SELECT count(*) FROM sqlite_schema");
    const std::int64_t owner = pragma(connection, "PRAGMA application_id");
    const std::int64_t version = pragma(connection, "PRAGMA user_version");
    const auto newest = static_cast<std::int64_t>(steps.size());
    if ((tables != 0 || version != 0 || owner != 0) && owner != application_id)
      return fail(Reason::storage,
                  "the store " + connection.path() + ": it is the database of another program",
                  "give another --data folder");
    if (version > newest)
      return fail(Reason::storage,
                  "the store " + connection.path() + " is of version " + std::to_string(version) +
                      "; this program knows versions up to " + std::to_string(newest),
                  "install the newer Restante again, or go back to the copy " + connection.path() +
                      ".before-v" + std::to_string(newest + 1) +
                      " if there is one (what came later is not in it)");
    if (version == newest) return {};
    if (version > 0)
      if (auto kept = back_up(connection, static_cast<std::size_t>(newest)); !kept) return kept;
    try {
      connection.execute("BEGIN IMMEDIATE");
      for (std::int64_t step = version; step < newest; ++step)
        connection.execute(steps[static_cast<std::size_t>(step)]);
      connection.db().exec("PRAGMA application_id = " + std::to_string(application_id));
      connection.db().exec("PRAGMA user_version = " + std::to_string(newest));
      connection.execute("COMMIT");
    } catch (const SQLite::Exception&) {
      if (connection.in_transaction()) connection.db().tryExec("ROLLBACK");
      throw;
    }
    return {};
  });
}

Result<void> copy_database(Connection& connection, const std::string& path) {
  UniqueFd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!made)
    return fail_errno(Reason::storage, "cannot make the copy " + path, errno,
                      "choose a file that does not exist yet, in a folder that may be written");
  auto copied = attempt(connection, [&]() -> Result<void> {
    SQLite::Statement vacuum(connection.db(), "VACUUM INTO ?");
    vacuum.bind(1, path);
    vacuum.exec();
    return {};
  });
  if (copied && ::fsync(made.get()) != 0)
    copied = fail_errno(Reason::storage, "cannot sync the copy " + path, errno);
  if (copied) copied = sync_directory_of(path);
  if (!copied) ::unlink(path.c_str());
  return copied;
}

}  // namespace restante::store::sqlite
