// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/schema.hpp"

#include "base/fd.hpp"
#include "store/disk.hpp"

#include <SQLiteCpp/Column.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::store::sqlite {
namespace {

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
