// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/connection.hpp"

#include "store/sqlite/row_sum.hpp"

#include <SQLiteCpp/Column.h>

#include <cerrno>
#include <cstring>
#include <sqlite3.h>

namespace restante::store::sqlite {
namespace {

constexpr int busy_timeout_ms = 5000;

int flags_of(Connection::Mode mode) {
  // No mutex: a connection belongs to one thread at a time.
  return (mode == Connection::Mode::read_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
         SQLITE_OPEN_NOMUTEX;
}

struct Words {
  const char* what;
  const char* hint;
};

Words words_for(int primary_code) {
  switch (primary_code) {
    case SQLITE_NOTADB:
      return {"it is not a database",
              "give another --data folder, or restore a backup: restanted restore FILE"};
    case SQLITE_CORRUPT:
      return {"it is damaged",
              "stop the server, keep a copy of the file, look with `restanted check`, restore a backup: "
              "restanted restore FILE"};
    case SQLITE_READONLY:
      return {"it may not be written",
              "make the folder and the file writable for the user that runs restanted"};
    case SQLITE_CANTOPEN:
      return {"it cannot be opened",
              "check that the folder exists and belongs to the user that runs restanted"};
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {"access is not permitted", "make the file belong to the user that runs restanted"};
    case SQLITE_IOERR:
      return {"the disk reported an error", "check the disk and the system's log, then restart restanted"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {"another program holds it", "close the other program that has the file open"};
    case SQLITE_NOMEM:
      return {"there is not enough memory", "give the server more memory"};
    case SQLITE_CONSTRAINT:
      return {"a row does not fit the others", ""};
    default:
      return {"the database reported an error", ""};
  }
}

}  // namespace

Error translate_error(const std::string& path, int extended_code, std::string_view text, int system_error) {
  const int primary = extended_code & 0xff;
  const bool full = primary == SQLITE_FULL || system_error == ENOSPC || system_error == EDQUOT;
  if (full)
    return fail(Reason::disk_full, "the store " + path + ": the disk is full",
                "make room on its file system; nothing that was confirmed is lost")
        .value();
  const Words words = words_for(primary);
  std::string message = "the store " + path + ": " + words.what + " (" + std::string(text);
  const bool system_matters =
      primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY;
  if (system_matters && system_error != 0) message += "; " + errno_text(system_error);
  message += ")";
  return fail(Reason::storage, std::move(message), words.hint).value();
}

bool refused_for_room(int code) {
  return (code & 0xff) == SQLITE_FULL;
}

void throw_damaged(const char* what) {
  throw SQLite::Exception(what, SQLITE_CORRUPT);
}

Connection::Connection(const std::string& path, Mode mode, int cache_kib)
    : path_(path), db_(path, flags_of(mode), busy_timeout_ms) {
  sqlite3_extended_result_codes(db_.getHandle(), 1);
  sqlite3_db_config(db_.getHandle(), SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
  sqlite3_db_config(db_.getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_.getHandle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (const int code = add_row_sum(db_.getHandle()); code != SQLITE_OK)
    throw SQLite::Exception(db_.getHandle(), code);
  // Negative: KiB. The sub-journals of savepoints stay in memory, never in a temporary folder.
  db_.exec("PRAGMA cache_size = " + std::to_string(-cache_kib));
  db_.exec("PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;");
}

bool Connection::in_transaction() {
  return sqlite3_get_autocommit(db_.getHandle()) == 0;
}

Error Connection::translate(const SQLite::Exception& error) {
  return translate_error(
      path_, error.getExtendedErrorCode() > 0 ? error.getExtendedErrorCode() : error.getErrorCode(),
      error.what(), sqlite3_system_errno(db_.getHandle()));
}

SQLite::Statement& Sql::prepared(Connection& connection) {
  if (!statement_) statement_.emplace(connection.db(), text_);
  return *statement_;
}

Query& Query::null() {
  statement_.bind(++bound_);
  return *this;
}

Query& Query::number(std::int64_t value) {
  statement_.bind(++bound_, value);
  return *this;
}

Query& Query::text(const std::string& value) {
  statement_.bindNoCopy(++bound_, value);
  return *this;
}

Query& Query::text_or_null(const std::string& value) {
  return value.empty() ? null() : text(value);
}

Query& Query::text_view(std::string_view value) {
  statement_.bind(++bound_, std::string(value));
  return *this;
}

Query& Query::blob(const void* data, std::size_t size) {
  statement_.bindNoCopy(++bound_, data, static_cast<int>(size));
  return *this;
}

Query& Query::blob_or_null(const std::string& value) {
  return value.empty() ? null() : blob(value.data(), value.size());
}

bool Query::step() {
  RESTANTE_REQUIRE(bound_ == statement_.getBindParameterCount());
  return !statement_.isDone() && statement_.executeStep();
}

std::string Query::text_at(int column) {
  const SQLite::Column value = statement_.getColumn(column);
  const void* data = value.getBlob();
  const int size = value.getBytes();
  return data == nullptr ? std::string()
                         : std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

void Query::blob_at(int column, void* out, std::size_t size) {
  const SQLite::Column value = statement_.getColumn(column);
  const void* data = value.getBlob();
  if (data == nullptr || static_cast<std::size_t>(value.getBytes()) != size)
    throw_damaged("a value has a wrong size");
  std::memcpy(out, data, size);
}

}  // namespace restante::store::sqlite
