// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/records.hpp"

namespace restante::store::sqlite {
namespace {

using jobs::StoredLogin;

class SqliteLoginRecords final : public jobs::LoginRecords {
public:
  explicit SqliteLoginRecords(Connection& connection) : connection_(connection) {}

  Result<void> save(const StoredLogin& login) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, save_);
      query.text(login.id)
          .number(login.account.value)
          .text(login.origin)
          .text(login.kind)
          .text(login.label)
          .number(to_column(login.created))
          .blob(login.secret.data(), login.secret.size())
          .run();
      return {};
    });
  }

  Result<bool> remove(AccountId account, const std::string& id) override {
    return attempt(connection_, [&]() -> Result<bool> {
      Query query(connection_, remove_);
      query.text(id).number(account.value);
      return query.step();
    });
  }

  Result<std::vector<StoredLogin>> of(AccountId account) override {
    return attempt(connection_, [&]() -> Result<std::vector<StoredLogin>> {
      std::vector<StoredLogin> found;
      Query query(connection_, of_);
      query.number(account.value);
      while (query.step()) {
        StoredLogin& login = found.emplace_back();
        login.account = account;
        login.id = query.text_at(0);
        login.origin = query.text_at(1);
        login.kind = query.text_at(2);
        login.label = query.text_at(3);
        login.created = instant_from(query.number_at(4));
        login.secret = query.text_at(5);
      }
      return found;
    });
  }

  Result<std::vector<AccountId>> accounts() override {
    return attempt(connection_, [&]() -> Result<std::vector<AccountId>> {
      std::vector<AccountId> found;
      Query query(connection_, accounts_);
      while (query.step()) found.emplace_back().value = query.number_at(0);
      return found;
    });
  }

private:
  Connection& connection_;
  Sql save_{
      "INSERT OR REPLACE INTO logins (id, account, origin, kind, label, created, secret) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)"};
  Sql remove_{"DELETE FROM logins WHERE id = ? AND account = ? RETURNING id"};
  Sql of_{"SELECT id, origin, kind, label, created, secret FROM logins WHERE account = ? ORDER BY origin"};
  Sql accounts_{"SELECT DISTINCT account FROM logins"};
};

}  // namespace

std::unique_ptr<jobs::LoginRecords> make_login_records(Connection& connection) {
  return std::make_unique<SqliteLoginRecords>(connection);
}

}  // namespace restante::store::sqlite
