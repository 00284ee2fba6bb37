// SPDX-License-Identifier: Apache-2.0
#include "files/names.hpp"
#include "store/sqlite/records.hpp"

#include <algorithm>

namespace restante::store::sqlite {
namespace {

using files::FileRecord;
using files::Intent;
using files::TrashedFile;

#define RESTANTE_FILE_COLUMNS                                                                           \
  "id, account, name, size_bytes, published, keep_until, job, job_file, media_type, sha256, verified, " \
  "flags, version, inode, mtime_ns"

// Unsigned 64-bit numbers (sizes, inodes) lie in signed columns, bit by bit.
std::int64_t signed_bits(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

FileRecord file_record(Query& row) {
  FileRecord file;
  row.blob_at(0, file.id.bytes.data(), file.id.bytes.size());
  file.account.value = row.number_at(1);
  file.name = row.text_at(2);
  file.size_bytes = static_cast<std::uint64_t>(row.number_at(3));
  file.published = instant_from(row.number_at(4));
  file.keep_until = optional_instant_at(row, 5);
  row.blob_at(6, file.job.bytes.data(), file.job.bytes.size());
  file.job_file = static_cast<int>(row.number_at(7));
  file.media_type = row.text_at(8);
  file.sha256 = row.text_at(9);
  file.verified = row.number_at(10) != 0;
  file.flags = flags_from(row.text_at(11));
  file.version = row.number_at(12);
  file.inode = static_cast<std::uint64_t>(row.number_at(13));
  file.mtime_ns = row.number_at(14);
  return file;
}

/// What `files` and `trash` have in common, from the account on; `flags` outlives the query.
Query& bind_file(Query& query, const FileRecord& file, const std::string& flags) {
  return query.number(file.account.value)
      .text(file.name)
      .number(signed_bits(file.size_bytes))
      .number(to_column(file.published))
      .number(to_column(file.keep_until))
      .blob(file.job.bytes.data(), file.job.bytes.size())
      .number(file.job_file)
      .text_or_null(file.media_type)
      .text_or_null(file.sha256)
      .number(file.verified)
      .text_or_null(flags)
      .number(file.version)
      .number(signed_bits(file.inode))
      .number(file.mtime_ns);
}

class SqliteTrashRecords final : public files::TrashRecords {
public:
  explicit SqliteTrashRecords(Connection& connection) : connection_(connection) {}

  Result<void> insert(const TrashedFile& trashed) override {
    return attempt(connection_, [&]() -> Result<void> {
      const FileRecord& file = trashed.file;
      const std::string flags = flags_to_column(file.flags);
      Query query(connection_, insert_);
      query.blob(file.id.bytes.data(), file.id.bytes.size());
      bind_file(query, file, flags).number(to_column(trashed.removed)).run();
      return {};
    });
  }

  Result<void> remove(FileId id) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, remove_);
      query.blob(id.bytes.data(), id.bytes.size()).run();
      return {};
    });
  }

  Result<std::optional<TrashedFile>> find(FileId id) override {
    return attempt(connection_, [&]() -> Result<std::optional<TrashedFile>> {
      Query query(connection_, find_);
      query.blob(id.bytes.data(), id.bytes.size());
      return query.step() ? std::optional<TrashedFile>(trashed_file(query)) : std::nullopt;
    });
  }

  Result<std::vector<TrashedFile>> list(AccountId account) override {
    return attempt(connection_, [&]() -> Result<std::vector<TrashedFile>> {
      Query query(connection_, list_);
      query.number(account.value);
      return rows(query);
    });
  }

  Result<std::vector<TrashedFile>> oldest(std::optional<AccountId> account, Instant before,
                                          int limit) override {
    return attempt(connection_, [&]() -> Result<std::vector<TrashedFile>> {
      Query query(connection_, account ? oldest_of_account_ : oldest_);
      if (account) query.number(account->value);
      query.number(to_column(before)).number(std::max(limit, 0));
      return rows(query);
    });
  }

  Result<std::uint64_t> used_bytes(AccountId account) override {
    return attempt(connection_, [&]() -> Result<std::uint64_t> {
      Query query(connection_, used_bytes_);
      query.number(account.value).step();
      return static_cast<std::uint64_t>(query.number_at(0));
    });
  }

private:
  static TrashedFile trashed_file(Query& row) { return {file_record(row), instant_from(row.number_at(15))}; }
  static std::vector<TrashedFile> rows(Query& query) {
    std::vector<TrashedFile> found;
    while (query.step()) found.push_back(trashed_file(query));
    return found;
  }

  Connection& connection_;

  Sql insert_{"INSERT INTO trash (" RESTANTE_FILE_COLUMNS
              ", removed) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"};
  Sql remove_{"DELETE FROM trash WHERE id = ?"};
  Sql find_{"SELECT " RESTANTE_FILE_COLUMNS ", removed FROM trash WHERE id = ?"};
  Sql list_{"SELECT " RESTANTE_FILE_COLUMNS
            ", removed FROM trash INDEXED BY trash_of_account WHERE account = ? ORDER BY removed DESC, id"};
  Sql oldest_{"SELECT " RESTANTE_FILE_COLUMNS
              ", removed FROM trash INDEXED BY trash_by_age WHERE removed < ? ORDER BY removed, id LIMIT ?"};
  Sql oldest_of_account_{"SELECT " RESTANTE_FILE_COLUMNS
                         ", removed FROM trash INDEXED BY trash_of_account WHERE account = ? AND removed < ? "
                         "ORDER BY removed, id LIMIT ?"};
  Sql used_bytes_{
      "SELECT coalesce(sum(size_bytes), 0) FROM trash INDEXED BY trash_of_account WHERE account = ?"};
};

class SqliteFileRecords final : public files::FileRecords {
public:
  explicit SqliteFileRecords(Connection& connection) : connection_(connection) {}

  Result<void> insert(const FileRecord& file) override { return save(insert_, file); }

  Result<void> update(const FileRecord& file) override {
    auto saved = save(update_, file);
    if (saved && connection_.db().getChanges() == 0)
      return fail(Reason::not_found, "there is no file " + file.id.text());
    return saved;
  }

  Result<void> remove(FileId id) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, remove_);
      query.blob(id.bytes.data(), id.bytes.size()).run();
      return {};
    });
  }

  Result<std::optional<FileRecord>> find(FileId id) override {
    return attempt(connection_, [&]() -> Result<std::optional<FileRecord>> {
      Query query(connection_, find_);
      query.blob(id.bytes.data(), id.bytes.size());
      return query.step() ? std::optional<FileRecord>(file_record(query)) : std::nullopt;
    });
  }

  Result<std::optional<FileRecord>> find_by_name(AccountId account, std::string_view name) override {
    return attempt(connection_, [&]() -> Result<std::optional<FileRecord>> {
      Query query(connection_, find_by_name_);
      query.number(account.value).text_view(name);
      return query.step() ? std::optional<FileRecord>(file_record(query)) : std::nullopt;
    });
  }

  Result<bool> has_twin(AccountId account, std::string_view name, FileId self) override {
    return attempt(connection_, [&]() -> Result<bool> {
      const std::string key = files::name_key(name);
      Query query(connection_, has_twin_);
      query.number(account.value).text(key).text_view(name).blob(self.bytes.data(), self.bytes.size());
      return query.step();
    });
  }

  Result<std::vector<FileRecord>> list(AccountId account) override {
    return attempt(connection_, [&]() -> Result<std::vector<FileRecord>> {
      Query query(connection_, list_);
      query.number(account.value);
      return rows(query);
    });
  }

  Result<std::vector<FileRecord>> below(AccountId account, std::string_view folder) override {
    return attempt(connection_, [&]() -> Result<std::vector<FileRecord>> {
      // "/" is followed by "0": all names that begin with "FOLDER/" lie in between.
      const std::string first = std::string(folder) + "/", end = std::string(folder) + "0";
      Query query(connection_, below_);
      query.number(account.value).text(first).text(end);
      return rows(query);
    });
  }

  Result<std::vector<FileRecord>> inside(AccountId account, std::string_view folder) override {
    return attempt(connection_, [&]() -> Result<std::vector<FileRecord>> {
      const std::string first = std::string(folder) + "/", end = std::string(folder) + "0";
      Query query(connection_, folder.empty() ? at_top_ : inside_);
      query.number(account.value);
      if (!folder.empty()) query.text(first).text(end).text(first);
      return rows(query);
    });
  }

  Result<std::vector<FileRecord>> matching(AccountId account, std::string_view part, int limit) override {
    return attempt(connection_, [&]() -> Result<std::vector<FileRecord>> {
      const std::string key = files::name_key(part);
      Query query(connection_, matching_);
      query.number(account.value).text(key).number(std::max(limit, 0));
      return rows(query);
    });
  }

  Result<std::vector<FileRecord>> expired(Instant now, int limit) override {
    return attempt(connection_, [&]() -> Result<std::vector<FileRecord>> {
      Query query(connection_, expired_);
      query.number(to_column(now)).number(std::max(limit, 0));
      return rows(query);
    });
  }

  Result<std::vector<FileRecord>> all() override {
    return attempt(connection_, [&]() -> Result<std::vector<FileRecord>> {
      Query query(connection_, all_);
      return rows(query);
    });
  }

  Result<std::vector<FileRecord>> without_digest(int limit) override {
    return attempt(connection_, [&]() -> Result<std::vector<FileRecord>> {
      Query query(connection_, without_digest_);
      query.number(std::max(limit, 0));
      return rows(query);
    });
  }

  Result<std::uint64_t> used_bytes(AccountId account) override {
    return attempt(connection_, [&]() -> Result<std::uint64_t> {
      Query query(connection_, used_bytes_);
      query.number(account.value).number(account.value).step();
      return static_cast<std::uint64_t>(query.number_at(0));
    });
  }

  Result<void> save_intent(const Intent& intent) override {
    return attempt(connection_, [&]() -> Result<void> {
      const jobs::Publication& what = intent.what;
      const std::string flags = flags_to_column(what.flags);
      const auto keep_s = what.keep ? std::optional<std::int64_t>(what.keep->count()) : std::nullopt;
      Query query(connection_, save_intent_);
      query.blob(what.job.bytes.data(), what.job.bytes.size())
          .number(what.file)
          .blob(intent.id.bytes.data(), intent.id.bytes.size())
          .text(intent.chosen_name)
          .number(what.account.value)
          .number(what.generation)
          .text(what.wanted_name)
          .text_or_null(what.media_type)
          .number(signed_bits(what.size_bytes))
          .text_or_null(what.sha256)
          .number(what.verified)
          .text_or_null(flags)
          .number(keep_s)
          .run();
      return {};
    });
  }

  Result<void> remove_intent(JobId job, int file) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, remove_intent_);
      query.blob(job.bytes.data(), job.bytes.size()).number(file).run();
      return {};
    });
  }

  Result<std::vector<Intent>> intents() override {
    return attempt(connection_, [&]() -> Result<std::vector<Intent>> {
      std::vector<Intent> found;
      Query query(connection_, intents_);
      while (query.step()) {
        Intent& intent = found.emplace_back();
        jobs::Publication& what = intent.what;
        query.blob_at(0, what.job.bytes.data(), what.job.bytes.size());
        what.file = static_cast<int>(query.number_at(1));
        query.blob_at(2, intent.id.bytes.data(), intent.id.bytes.size());
        intent.chosen_name = query.text_at(3);
        what.account.value = query.number_at(4);
        what.generation = static_cast<int>(query.number_at(5));
        what.wanted_name = query.text_at(6);
        what.media_type = query.text_at(7);
        what.size_bytes = static_cast<std::uint64_t>(query.number_at(8));
        what.sha256 = query.text_at(9);
        what.verified = query.number_at(10) != 0;
        what.flags = flags_from(query.text_at(11));
        if (!query.is_null(12)) what.keep = Seconds(query.number_at(12));
      }
      return found;
    });
  }

private:
  /// `insert_` and `update_` bind the same values in the same order; the id is the last.
  Result<void> save(Sql& sql, const FileRecord& file) {
    return attempt(connection_, [&]() -> Result<void> {
      const std::string flags = flags_to_column(file.flags), key = files::name_key(file.name);
      Query query(connection_, sql);
      bind_file(query, file, flags).text(key).blob(file.id.bytes.data(), file.id.bytes.size()).run();
      return {};
    });
  }

  static std::vector<FileRecord> rows(Query& query) {
    std::vector<FileRecord> found;
    while (query.step()) found.push_back(file_record(query));
    return found;
  }

  Connection& connection_;

  Sql insert_{
      "INSERT INTO files (account, name, size_bytes, published, keep_until, job, job_file, media_type, "
      "sha256, verified, "
      "flags, version, inode, mtime_ns, name_key, id) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"};
  Sql update_{
      "UPDATE files SET account = ?, name = ?, size_bytes = ?, published = ?, keep_until = ?, job = ?, "
      "job_file = ?, "
      "media_type = ?, sha256 = ?, verified = ?, flags = ?, version = ?, inode = ?, mtime_ns = ?, name_key = "
      "? WHERE id = "
      "?"};
  Sql remove_{"DELETE FROM files WHERE id = ?"};
  Sql find_{"SELECT " RESTANTE_FILE_COLUMNS " FROM files WHERE id = ?"};
  Sql find_by_name_{"SELECT " RESTANTE_FILE_COLUMNS " FROM files WHERE account = ? AND name = ?"};
  Sql has_twin_{
      "SELECT 1 FROM files INDEXED BY files_twins WHERE account = ? AND name_key = ? AND name <> ? AND id <> "
      "?"};
  Sql list_{"SELECT " RESTANTE_FILE_COLUMNS
            " FROM files INDEXED BY files_of_account WHERE account = ? ORDER BY published DESC, seq DESC"};
  Sql all_{"SELECT " RESTANTE_FILE_COLUMNS " FROM files ORDER BY account, published DESC, seq DESC"};
  Sql below_{"SELECT " RESTANTE_FILE_COLUMNS
             " FROM files WHERE account = ? AND name >= ? AND name < ? ORDER BY name"};
  // Rows of before version 3 have no key.
  Sql matching_{
      "SELECT " RESTANTE_FILE_COLUMNS
      " FROM files WHERE account = ? AND instr(coalesce(name_key, name), ?) > 0 ORDER BY name LIMIT ?"};
  Sql inside_{
      "SELECT " RESTANTE_FILE_COLUMNS
      " FROM files WHERE account = ? AND name >= ? AND name < ? AND instr(substr(name, length(?) + 1), "
      "'/') = 0 ORDER BY name"};
  Sql at_top_{"SELECT " RESTANTE_FILE_COLUMNS
              " FROM files WHERE account = ? AND instr(name, '/') = 0 ORDER BY name"};
  Sql expired_{"SELECT " RESTANTE_FILE_COLUMNS
               " FROM files INDEXED BY files_expiring WHERE keep_until <= ? ORDER BY keep_until LIMIT ?"};
  Sql without_digest_{"SELECT " RESTANTE_FILE_COLUMNS
                      " FROM files INDEXED BY files_without_digest WHERE sha256 IS NULL AND job <> "
                      "x'00000000000000000000000000000000' ORDER BY seq LIMIT ?"};
  Sql used_bytes_{
      "SELECT (SELECT coalesce(sum(size_bytes), 0) FROM files INDEXED BY files_of_account WHERE account = ?) "
      "+ (SELECT coalesce(sum(size_bytes), 0) FROM trash INDEXED BY trash_of_account WHERE account = ?)"};
  Sql save_intent_{
      "INSERT OR REPLACE INTO intents (job, file, id, chosen_name, account, generation, wanted_name, "
      "media_type, "
      "size_bytes, sha256, verified, flags, keep_s) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"};
  Sql remove_intent_{"DELETE FROM intents WHERE job = ? AND file = ?"};
  Sql intents_{
      "SELECT job, file, id, chosen_name, account, generation, wanted_name, media_type, size_bytes, sha256, "
      "verified, "
      "flags, keep_s FROM intents ORDER BY job, file"};
};

#undef RESTANTE_FILE_COLUMNS

}  // namespace

std::unique_ptr<files::FileRecords> make_file_records(Connection& connection) {
  return std::make_unique<SqliteFileRecords>(connection);
}

std::unique_ptr<files::TrashRecords> make_trash_records(Connection& connection) {
  return std::make_unique<SqliteTrashRecords>(connection);
}

}  // namespace restante::store::sqlite
