// SPDX-License-Identifier: Apache-2.0
// What each version of the store adds to the one before. A step that was released is never changed.
#include "store/sqlite/schema.hpp"

#include <array>

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

// Guests stay from one day to another; `label` is what the operator calls them; `traffic_bytes` is of a
// calendar month, in UTC. `label` of a session is the browser. A token belongs to a program: an app password,
// or one that may only submit.
constexpr const char* version_6 = R"sql(
ALTER TABLE accounts ADD COLUMN label TEXT;
ALTER TABLE accounts ADD COLUMN valid_from INTEGER;
ALTER TABLE accounts ADD COLUMN valid_until INTEGER;
ALTER TABLE accounts ADD COLUMN traffic_bytes INTEGER;
ALTER TABLE accounts ADD COLUMN told_of_end INTEGER;

ALTER TABLE sessions ADD COLUMN label TEXT;
ALTER TABLE sessions ADD COLUMN last_seen INTEGER;

CREATE TABLE tokens (
  id           TEXT PRIMARY KEY,
  account      INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  kind         TEXT NOT NULL,
  label        TEXT NOT NULL,
  token_digest BLOB NOT NULL UNIQUE,
  created      INTEGER NOT NULL,
  last_seen    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_of_account ON tokens (account);
)sql";

// What an account fetched and was served in a month (year * 12 + month, counted from 0), in UTC. `trash` has
// the rows of files that were deleted and can be had back; its ids are those that the files had. A file that
// another program put into an area has the job of zeros, and no digest is computed for it.
constexpr const char* version_7 = R"sql(
DROP INDEX files_without_digest;
CREATE INDEX files_without_digest ON files (seq)
  WHERE sha256 IS NULL AND job <> x'00000000000000000000000000000000';
CREATE INDEX files_expiring ON files (keep_until) WHERE keep_until IS NOT NULL;

CREATE TABLE trash (
  id         BLOB PRIMARY KEY,
  account    INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
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
  removed    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX trash_of_account ON trash (account, removed, size_bytes);
CREATE INDEX trash_by_age ON trash (removed);

CREATE TABLE traffic (
  account       INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  month         INTEGER NOT NULL,
  fetched_bytes INTEGER NOT NULL,
  served_bytes  INTEGER NOT NULL,
  PRIMARY KEY (account, month)
) STRICT, WITHOUT ROWID;
)sql";

// A link leads to one file or to one folder; the token itself is never stored.
constexpr const char* version_8 = R"sql(
CREATE TABLE links (
  id            BLOB PRIMARY KEY,
  account       INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  file          BLOB,
  folder        TEXT,
  token_digest  BLOB NOT NULL UNIQUE,
  created       INTEGER NOT NULL,
  expires       INTEGER,
  password_hash TEXT,
  login         INTEGER NOT NULL,
  uses          INTEGER NOT NULL,
  most_uses     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX links_of_account ON links (account);
)sql";

// Where a person is told; `address` and what belongs to it are sealed under the master key. A notice is one
// event for one contact: it is written in the transaction of what it tells, and goes when it was sent or
// given up. `data` is sealed, too: it has names of files and tokens of links.
constexpr const char* version_9 = R"sql(
CREATE TABLE contacts (
  id           BLOB PRIMARY KEY,
  account      INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  kind         TEXT NOT NULL,
  address      BLOB NOT NULL,
  code_digest  BLOB,
  created      INTEGER NOT NULL,
  confirmed    INTEGER,
  disabled     INTEGER NOT NULL,
  error        TEXT,
  error_at     INTEGER,
  recent       INTEGER NOT NULL,
  recent_since INTEGER NOT NULL,
  quota_told   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX contacts_of_account ON contacts (account);

CREATE TABLE notices (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  id       BLOB NOT NULL UNIQUE,
  account  INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  contact  BLOB NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
  event    TEXT NOT NULL,
  job      BLOB,
  data     BLOB NOT NULL,
  created  INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_try INTEGER NOT NULL,
  gathers  INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_due ON notices (next_try);
CREATE INDEX notices_of_account ON notices (account);
CREATE INDEX notices_of_contact ON notices (contact, seq);
)sql";

// `started`: when a download first ran since it was asked for; `occurrence`: which turn of a series a job is.
// Both belong to the job's `control_sum` from here on; a row that was damaged before stays so.
// `failures` counts how often downloads came to need somebody, failed or expired, a quarter of an hour (since
// 1970) and reason; it names no account, and outlives the downloads.
constexpr const char* version_10 = R"sql(
ALTER TABLE jobs ADD COLUMN started INTEGER;
ALTER TABLE jobs ADD COLUMN occurrence INTEGER;
UPDATE jobs SET started = (SELECT min(at) FROM history WHERE history.job = jobs.seq AND to_state = 2)
  WHERE attempt > 0;
UPDATE jobs SET
  control_sum = row_sum(id, state, waiting_for, attempt, changed, next_run, start, rev, version, file_count,
                        reason, message, probe, name, started, occurrence)
  WHERE control_sum = row_sum(id, state, waiting_for, attempt, changed, next_run, start, rev, version,
                              file_count, reason, message, probe, name);

CREATE TABLE failures (
  slot   INTEGER NOT NULL,
  reason TEXT NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (slot, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO failures (slot, reason, count)
  SELECT at / 900000, coalesce(reason, 'internal'), count(*) FROM history
  WHERE to_state IN (7, 8, 10) AND from_state <> to_state GROUP BY 1, 2;
CREATE INDEX jobs_unended ON jobs (state) WHERE state IN (0, 1, 2, 3, 4, 6, 7);

-- Documents that repeat, and how far they have come; `sum` as in version 4.
CREATE TABLE series (
  id              BLOB PRIMARY KEY,
  account         INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  device          TEXT NOT NULL,
  rev             INTEGER NOT NULL,
  document_digest BLOB NOT NULL,
  start           INTEGER NOT NULL,
  last            INTEGER NOT NULL,
  head            BLOB NOT NULL,
  before          BLOB NOT NULL,
  over            INTEGER NOT NULL,
  document        TEXT NOT NULL,
  secrets         BLOB,
  sum             INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX series_of_account ON series (account);
CREATE INDEX series_by_head ON series (head);

-- Stored logins, one an account and origin; `secret` is sealed.
CREATE TABLE logins (
  id      TEXT PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  origin  TEXT NOT NULL,
  kind    TEXT NOT NULL,
  label   TEXT NOT NULL,
  created INTEGER NOT NULL,
  secret  BLOB NOT NULL,
  UNIQUE (account, origin)
) STRICT, WITHOUT ROWID;
)sql";

// Documents whose job is not here any more, until nobody can hand them in again; `sum` as in version 4.
constexpr const char* version_11 = R"sql(
CREATE TABLE replays (
  id              BLOB PRIMARY KEY,
  account         INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  rev             INTEGER NOT NULL,
  document_digest BLOB NOT NULL,
  state           INTEGER NOT NULL,
  created         INTEGER NOT NULL,
  until           INTEGER NOT NULL,
  sum             INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX replays_of_account ON replays (account, state);
CREATE INDEX replays_by_age ON replays (until);
ALTER TABLE devices ADD COLUMN session BLOB;
CREATE INDEX devices_of_session ON devices (session) WHERE session IS NOT NULL;
)sql";

// How fast all downloads of an account together may be, in bytes a second.
constexpr const char* version_12 = R"sql(
ALTER TABLE accounts ADD COLUMN rate INTEGER;
)sql";

// What of a partial file lies behind its beginning (JSON, columns.cpp); a damaged row stays one.
constexpr const char* version_13 = R"sql(
ALTER TABLE job_files ADD COLUMN apart TEXT;
UPDATE job_files SET
  sum = row_sum(job, file, state, reason, name, media_type, size_bytes, source, generation, written_bytes,
                synced_bytes, boot_id, etag, last_modified, total_bytes, ranges, sha256, verified, published,
                relinked, wasted_bytes, old, apart)
WHERE
  sum = row_sum(job, file, state, reason, name, media_type, size_bytes, source, generation, written_bytes,
                synced_bytes, boot_id, etag, last_modified, total_bytes, ranges, sha256, verified, published,
                relinked, wasted_bytes, old);
)sql";

// The same rows; but a list of more than two is a table of its own, which SQLite builds anew each time that a
// row is written.
constexpr const char* version_14 = R"sql(
DROP INDEX jobs_active;
DROP INDEX jobs_unended;
CREATE INDEX jobs_active ON jobs (state) WHERE state BETWEEN 2 AND 4;
CREATE INDEX jobs_unended ON jobs (state) WHERE state < 5 OR state = 6 OR state = 7;
)sql";

constexpr std::array<const char*, 14> steps_of_this_program{
    version_1, version_2, version_3,  version_4,  version_5,  version_6,  version_7,
    version_8, version_9, version_10, version_11, version_12, version_13, version_14};

}  // namespace

std::span<const char* const> migrations() {
  return steps_of_this_program;
}

}  // namespace restante::store::sqlite
