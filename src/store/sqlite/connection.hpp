// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace restante::store::sqlite {

/// One connection to the database file, used by one thread at a time. The constructor throws
/// SQLite::Exception.
class Connection {
public:
  enum class Mode { read_write, read_only };

  /// `cache_kib` bounds the page cache.
  Connection(const std::string& path, Mode mode, int cache_kib);

  SQLite::Database& db() { return db_; }
  const std::string& path() const { return path_; }

  bool in_transaction();
  void execute(const char* sql) { db_.exec(sql); }

  /// Undoes what was done since `BEGIN` or the savepoint; views that cache row numbers watch `rollbacks`.
  void rolled_back() { ++rollbacks_; }
  std::uint64_t rollbacks() const { return rollbacks_; }

  /// What went wrong, where, and how to mend it; disk-full or storage.
  Error translate(const SQLite::Exception& error);

private:
  std::string path_;
  SQLite::Database db_;
  std::uint64_t rollbacks_ = 0;
};

/// The same for an error without a connection: `system_error` is an errno value, or 0.
Error translate_error(const std::string& path, int extended_code, std::string_view text, int system_error);

/// SQLITE_FULL: a write found no room. Not so a failed sync, even one for want of room.
bool refused_for_room(int code);

/// A row holds what no version of this program writes; translated like damage found by SQLite.
[[noreturn]] void throw_damaged(const char* what);

/// SQL text (a literal), prepared at its first use and kept. Belongs to one connection.
class Sql {
public:
  explicit Sql(const char* text) : text_(text) {}
  SQLite::Statement& prepared(Connection& connection);

private:
  const char* text_;
  std::optional<SQLite::Statement> statement_;
};

/// One use of a prepared statement: bind in order, then `run` or `step`; reset at the end of the scope. Bound
/// strings and blobs are not copied: they must live until then. Throws SQLite::Exception.
class Query {
public:
  Query(Connection& connection, Sql& sql) : statement_(sql.prepared(connection)) {}
  ~Query() { statement_.tryReset(); }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& null();
  Query& number(std::int64_t value);
  Query& text(const std::string& value);
  Query& text_or_null(const std::string& value);  ///< empty: NULL
  Query& text_view(std::string_view value);       ///< copied
  Query& blob(const void* data, std::size_t size);
  Query& blob_or_null(const std::string& value);  ///< empty: NULL

  template <class T>
  Query& number(const std::optional<T>& value) {
    return value ? number(static_cast<std::int64_t>(*value)) : null();
  }

  bool step();  ///< true: there is a row
  void run() {
    while (step()) {
    }
  }  ///< to the end

  // Columns of the row, counted from 0.
  bool is_null(int column) { return statement_.isColumnNull(column); }
  std::int64_t number_at(int column) { return statement_.getColumn(column).getInt64(); }
  std::string text_at(int column);                        ///< NULL: empty
  void blob_at(int column, void* out, std::size_t size);  ///< damaged if its size is another

private:
  SQLite::Statement& statement_;
  int bound_ = 0;
};

/// Runs `work` (which returns a Result) and translates what SQLite throws.
template <class F>
auto attempt(Connection& connection, F&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const SQLite::Exception& error) {
    return tl::unexpected<Error>(connection.translate(error));
  }
}

}  // namespace restante::store::sqlite
