// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/records.hpp"

namespace restante::store::sqlite {
namespace {

using files::Link;
using files::LinkId;

#define RESTANTE_LINK_COLUMNS \
  "id, account, file, folder, token_digest, created, expires, password_hash, login, uses, most_uses"

Link link_record(Query& row) {
  Link link;
  row.blob_at(0, link.id.bytes.data(), link.id.bytes.size());
  link.account.value = row.number_at(1);
  if (!row.is_null(2)) row.blob_at(2, link.file.emplace().bytes.data(), link.file->bytes.size());
  link.folder = row.text_at(3);
  row.blob_at(4, link.token_digest.data(), link.token_digest.size());
  link.created = instant_from(row.number_at(5));
  link.expires = optional_instant_at(row, 6);
  link.password_hash = row.text_at(7);
  link.login = row.number_at(8) != 0;
  link.uses = row.number_at(9);
  link.most_uses = optional_number_at<std::int64_t>(row, 10);
  if (!link.file && link.folder.empty()) throw_damaged("a link leads nowhere");
  return link;
}

class SqliteLinkRecords final : public files::LinkRecords {
public:
  explicit SqliteLinkRecords(Connection& connection) : connection_(connection) {}

  Result<void> insert(const Link& link) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, insert_);
      query.blob(link.id.bytes.data(), link.id.bytes.size()).number(link.account.value);
      if (link.file)
        query.blob(link.file->bytes.data(), link.file->bytes.size());
      else
        query.null();
      query.text_or_null(link.folder)
          .blob(link.token_digest.data(), link.token_digest.size())
          .number(to_column(link.created))
          .number(to_column(link.expires))
          .text_or_null(link.password_hash)
          .number(link.login)
          .number(link.uses)
          .number(link.most_uses)
          .run();
      return {};
    });
  }

  Result<std::optional<Link>> find(LinkId id) override {
    return attempt(connection_, [&]() -> Result<std::optional<Link>> {
      Query query(connection_, find_);
      query.blob(id.bytes.data(), id.bytes.size());
      return query.step() ? std::optional<Link>(link_record(query)) : std::nullopt;
    });
  }

  Result<std::optional<Link>> find_by_token(const Digest256& token) override {
    return attempt(connection_, [&]() -> Result<std::optional<Link>> {
      Query query(connection_, find_by_token_);
      query.blob(token.data(), token.size());
      return query.step() ? std::optional<Link>(link_record(query)) : std::nullopt;
    });
  }

  Result<std::vector<Link>> list(AccountId account) override {
    return attempt(connection_, [&]() -> Result<std::vector<Link>> {
      std::vector<Link> found;
      Query query(connection_, list_);
      query.number(account.value);
      while (query.step()) found.push_back(link_record(query));
      return found;
    });
  }

  Result<int> count(AccountId account) override {
    return attempt(connection_, [&]() -> Result<int> {
      Query query(connection_, count_);
      query.number(account.value).step();
      return static_cast<int>(query.number_at(0));
    });
  }

  Result<bool> remove(AccountId account, LinkId id) override {
    return attempt(connection_, [&]() -> Result<bool> {
      Query query(connection_, remove_);
      query.number(account.value).blob(id.bytes.data(), id.bytes.size()).run();
      return connection_.db().getChanges() > 0;
    });
  }

  Result<bool> use(LinkId id) override {
    return attempt(connection_, [&]() -> Result<bool> {
      Query query(connection_, use_);
      query.blob(id.bytes.data(), id.bytes.size()).run();
      return connection_.db().getChanges() > 0;
    });
  }

  Result<void> move_folder(AccountId account, std::string_view from, std::string_view to) override {
    return attempt(connection_, [&]() -> Result<void> {
      // "/" is followed by "0": all names that begin with "FROM/" lie in between.
      const std::string first = std::string(from) + "/", end = std::string(from) + "0";
      Query query(connection_, move_folder_);
      query.text_view(to).text_view(from).number(account.value).text_view(from).text(first).text(end).run();
      return {};
    });
  }

  Result<void> sweep(Instant now) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query over(connection_, sweep_over_);
      over.number(to_column(now)).run();
      Query gone(connection_, sweep_gone_);
      gone.run();
      return {};
    });
  }

  Result<std::vector<LinkId>> ids() override {
    return attempt(connection_, [&]() -> Result<std::vector<LinkId>> {
      std::vector<LinkId> found;
      Query query(connection_, ids_);
      while (query.step()) query.blob_at(0, found.emplace_back().bytes.data(), LinkId{}.bytes.size());
      return found;
    });
  }

  Result<bool> holds_files(AccountId account, std::string_view folder) override {
    return attempt(connection_, [&]() -> Result<bool> {
      const std::string first = std::string(folder) + "/", end = std::string(folder) + "0";
      Query query(connection_, holds_files_);
      query.number(account.value).text(first).text(end);
      return query.step();
    });
  }

private:
  Connection& connection_;

  Sql insert_{"INSERT INTO links (" RESTANTE_LINK_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?)"};
  Sql find_{"SELECT " RESTANTE_LINK_COLUMNS " FROM links WHERE id = ?"};
  Sql find_by_token_{"SELECT " RESTANTE_LINK_COLUMNS " FROM links WHERE token_digest = ?"};
  Sql list_{"SELECT " RESTANTE_LINK_COLUMNS
            " FROM links INDEXED BY links_of_account WHERE account = ? ORDER BY created DESC, id"};
  Sql count_{"SELECT count(*) FROM links INDEXED BY links_of_account WHERE account = ?"};
  Sql remove_{"DELETE FROM links WHERE account = ? AND id = ?"};
  Sql use_{"UPDATE links SET uses = uses + 1 WHERE id = ? AND (most_uses IS NULL OR uses < most_uses)"};
  Sql move_folder_{
      "UPDATE links SET folder = ? || substr(folder, length(?) + 1) WHERE account = ? AND (folder = ? OR "
      "(folder >= ? "
      "AND folder < ?))"};
  Sql sweep_over_{"DELETE FROM links WHERE expires <= ?"};
  Sql sweep_gone_{
      "DELETE FROM links WHERE file IS NOT NULL AND file NOT IN (SELECT id FROM files) AND file "
      "NOT IN (SELECT id FROM trash)"};
  Sql ids_{"SELECT id FROM links"};
  Sql holds_files_{"SELECT 1 FROM files WHERE account = ? AND name >= ? AND name < ? LIMIT 1"};
};

#undef RESTANTE_LINK_COLUMNS

}  // namespace

std::unique_ptr<files::LinkRecords> make_link_records(Connection& connection) {
  return std::make_unique<SqliteLinkRecords>(connection);
}

}  // namespace restante::store::sqlite
