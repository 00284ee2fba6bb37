// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/records.hpp"

#include <sqlite3.h>

namespace restante::store::sqlite {
namespace {

using accounts::Account;
using accounts::Device;
using accounts::Pairing;
using accounts::Role;
using accounts::Session;
using accounts::Token;

// The words of the column; accounts::name() speaks to people.
std::string role_to_column(Role role) {
  switch (role) {
    case Role::admin:
      return "admin";
    case Role::user:
      return "user";
    case Role::guest:
      return "guest";
  }
  return "guest";
}

Role role_from(const std::string& column) {
  if (column == "admin") return Role::admin;
  if (column == "user") return Role::user;
  if (column == "guest") return Role::guest;
  throw_damaged("a role is not known");
}

Token::Kind token_kind_from(const std::string& column) {
  for (const auto kind : {Token::Kind::app_password, Token::Kind::submit})
    if (column == accounts::name(kind)) return kind;
  throw_damaged("a kind of token is not known");
}

class SqliteAccountRecords final : public accounts::AccountRecords {
public:
  explicit SqliteAccountRecords(Connection& connection) : connection_(connection) {}

  Result<AccountId> insert(const Account& account) override {
    return naming(account, [&]() -> Result<AccountId> {
      const std::string role = role_to_column(account.role);
      Query query(connection_, insert_);
      query.text(account.name)
          .text(role)
          .text_or_null(account.password_hash)
          .number(account.quota_bytes)
          .number(account.lan)
          .number(to_column(account.created))
          .text_or_null(account.label)
          .number(to_column(account.valid_from))
          .number(to_column(account.valid_until))
          .number(account.traffic_bytes)
          .number(to_column(account.told_of_end))
          .number(account.rate_bytes_per_s)
          .run();
      return AccountId{connection_.db().getLastInsertRowid()};
    });
  }

  Result<void> update(const Account& account) override {
    return naming(account, [&]() -> Result<void> {
      const std::string role = role_to_column(account.role);
      Query query(connection_, update_);
      query.text(account.name)
          .text(role)
          .text_or_null(account.password_hash)
          .number(account.quota_bytes)
          .number(account.lan)
          .text_or_null(account.label)
          .number(to_column(account.valid_from))
          .number(to_column(account.valid_until))
          .number(account.traffic_bytes)
          .number(to_column(account.told_of_end))
          .number(account.rate_bytes_per_s)
          .number(account.id.value)
          .run();
      if (connection_.db().getChanges() == 0)
        return fail(Reason::not_found, "there is no account " + account.name);
      return {};
    });
  }

  Result<void> remove(AccountId id) override {
    return attempt(connection_, [&]() -> Result<void> {
      // Devices, pairings and sessions go with the account; history and job files with the jobs.
      for (Sql* sql : {&forget_origins_, &remove_intents_, &remove_files_, &remove_jobs_, &remove_}) {
        Query query(connection_, *sql);
        query.number(id.value).run();
      }
      connection_.rolled_back();  // numbers that are remembered of `origins` are of other devices now
      return {};
    });
  }

  Result<std::vector<Account>> accounts() override {
    return attempt(connection_, [&]() -> Result<std::vector<Account>> {
      std::vector<Account> found;
      Query query(connection_, accounts_);
      while (query.step()) {
        Account& account = found.emplace_back();
        account.id.value = query.number_at(0);
        account.name = query.text_at(1);
        account.role = role_from(query.text_at(2));
        account.password_hash = query.text_at(3);
        account.quota_bytes = optional_number_at<std::uint64_t>(query, 4);
        account.lan = query.number_at(5) != 0;
        account.created = instant_from(query.number_at(6));
        account.label = query.text_at(7);
        account.valid_from = optional_instant_at(query, 8);
        account.valid_until = optional_instant_at(query, 9);
        account.traffic_bytes = optional_number_at<std::uint64_t>(query, 10);
        account.told_of_end = optional_instant_at(query, 11);
        account.rate_bytes_per_s = optional_number_at<std::uint64_t>(query, 12);
      }
      return found;
    });
  }

  Result<void> save_device(const Device& device) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, save_device_);
      query.text(device.id.value)
          .number(device.account.value)
          .text(device.label)
          .text(device.jwk)
          .blob(device.token_digest.data(), device.token_digest.size())
          .number(to_column(device.created))
          .number(to_column(device.last_seen));
      if (device.session)
        query.blob(device.session->data(), device.session->size());
      else
        query.null();
      query.run();
      return {};
    });
  }

  Result<void> remove_device(const DeviceId& id) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, remove_device_);
      query.text(id.value).run();
      return {};
    });
  }

  Result<std::vector<Device>> devices() override {
    return attempt(connection_, [&]() -> Result<std::vector<Device>> {
      std::vector<Device> found;
      Query query(connection_, devices_);
      while (query.step()) {
        Device& device = found.emplace_back();
        device.id.value = query.text_at(0);
        device.account.value = query.number_at(1);
        device.label = query.text_at(2);
        device.jwk = query.text_at(3);
        query.blob_at(4, device.token_digest.data(), device.token_digest.size());
        device.created = instant_from(query.number_at(5));
        device.last_seen = instant_from(query.number_at(6));
        if (!query.is_null(7)) query.blob_at(7, device.session.emplace().data(), Digest256().size());
      }
      return found;
    });
  }

  Result<void> saw_device(const DeviceId& id, Instant at) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, saw_device_);
      query.number(to_column(at)).text(id.value).run();
      return {};
    });
  }

  Result<void> insert_pairing(const Pairing& pairing) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, insert_pairing_);
      query.blob(pairing.code_digest.data(), pairing.code_digest.size())
          .number(pairing.account.value)
          .number(to_column(pairing.expires))
          .run();
      return {};
    });
  }

  Result<std::optional<Pairing>> take_pairing(const Digest256& code) override {
    return attempt(connection_, [&]() -> Result<std::optional<Pairing>> {
      Query query(connection_, take_pairing_);
      query.blob(code.data(), code.size());
      if (!query.step()) return std::optional<Pairing>();
      Pairing pairing;
      pairing.code_digest = code;
      pairing.account.value = query.number_at(0);
      pairing.expires = instant_from(query.number_at(1));
      query.run();
      return std::optional<Pairing>(pairing);
    });
  }

  Result<void> insert_session(const Session& session) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, insert_session_);
      query.blob(session.token_digest.data(), session.token_digest.size())
          .number(session.account.value)
          .number(to_column(session.created))
          .number(to_column(session.expires))
          .text_or_null(session.label)
          .number(to_column(session.last_seen))
          .run();
      return {};
    });
  }

  Result<void> saw_session(const Digest256& token, Instant at) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, saw_session_);
      query.number(to_column(at)).blob(token.data(), token.size()).run();
      return {};
    });
  }

  Result<void> remove_session(const Digest256& token) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, remove_session_);
      query.blob(token.data(), token.size()).run();
      return {};
    });
  }

  Result<void> end_session(const Digest256& token) override {
    return attempt(connection_, [&]() -> Result<void> {
      for (Sql* sql : {&remove_devices_of_session_, &remove_session_}) {
        Query query(connection_, *sql);
        query.blob(token.data(), token.size()).run();
      }
      return {};
    });
  }

  Result<bool> has_session(const Digest256& token) override {
    return attempt(connection_, [&]() -> Result<bool> {
      Query query(connection_, has_session_);
      query.blob(token.data(), token.size());
      return query.step();
    });
  }

  Result<std::vector<Session>> sessions() override {
    return attempt(connection_, [&]() -> Result<std::vector<Session>> {
      std::vector<Session> found;
      Query query(connection_, sessions_);
      while (query.step()) {
        Session& session = found.emplace_back();
        query.blob_at(0, session.token_digest.data(), session.token_digest.size());
        session.account.value = query.number_at(1);
        session.created = instant_from(query.number_at(2));
        session.expires = instant_from(query.number_at(3));
        session.label = query.text_at(4);
        session.last_seen = optional_instant_at(query, 5).value_or(session.created);
      }
      return found;
    });
  }

  Result<void> save_token(const Token& token) override {
    return attempt(connection_, [&]() -> Result<void> {
      const std::string kind(accounts::name(token.kind));
      Query query(connection_, save_token_);
      query.text(token.id)
          .number(token.account.value)
          .text(kind)
          .text(token.label)
          .blob(token.token_digest.data(), token.token_digest.size())
          .number(to_column(token.created))
          .number(to_column(token.last_seen))
          .run();
      return {};
    });
  }

  Result<void> saw_token(const std::string& id, Instant at) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, saw_token_);
      query.number(to_column(at)).text(id).run();
      return {};
    });
  }

  Result<void> remove_token(const std::string& id) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, remove_token_);
      query.text(id).run();
      return {};
    });
  }

  Result<std::vector<Token>> tokens() override {
    return attempt(connection_, [&]() -> Result<std::vector<Token>> {
      std::vector<Token> found;
      Query query(connection_, tokens_);
      while (query.step()) {
        Token& token = found.emplace_back();
        token.id = query.text_at(0);
        token.account.value = query.number_at(1);
        token.kind = token_kind_from(query.text_at(2));
        token.label = query.text_at(3);
        query.blob_at(4, token.token_digest.data(), token.token_digest.size());
        token.created = instant_from(query.number_at(5));
        token.last_seen = instant_from(query.number_at(6));
      }
      return found;
    });
  }

  Result<std::optional<std::string>> setting(std::string_view name) override {
    return attempt(connection_, [&]() -> Result<std::optional<std::string>> {
      Query query(connection_, setting_);
      query.text_view(name);
      return query.step() ? std::optional<std::string>(query.text_at(0)) : std::nullopt;
    });
  }

  Result<void> save_setting(std::string_view name, std::string_view value) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, save_setting_);
      // An empty view may have no address, and that would be NULL.
      query.text_view(name).blob(value.empty() ? "" : value.data(), value.size()).run();
      return {};
    });
  }

private:
  template <class F>
  auto naming(const Account& account, F&& work) -> decltype(work()) {
    try {
      return work();
    } catch (const SQLite::Exception& error) {
      if (error.getExtendedErrorCode() == SQLITE_CONSTRAINT_UNIQUE)
        return fail(Reason::conflict, "the name " + account.name + " is taken", "choose another name");
      return tl::unexpected<Error>(connection_.translate(error));
    }
  }

  Connection& connection_;

  Sql insert_{
      "INSERT INTO accounts (name, role, password_hash, quota_bytes, lan, created, label, valid_from, "
      "valid_until, traffic_bytes, told_of_end, rate) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
  Sql update_{
      "UPDATE accounts SET name = ?, role = ?, password_hash = ?, quota_bytes = ?, lan = ?, label = ?, "
      "valid_from = ?, valid_until = ?, traffic_bytes = ?, told_of_end = ?, rate = ? WHERE id = ?"};
  // The rows stay, nameless: to remove them SQLite would look for others that refer to them in all jobs.
  Sql forget_origins_{
      "UPDATE origins SET device = 'erased-' || id WHERE (id IN (SELECT origin FROM jobs WHERE account = ?1) "
      "OR "
      "device IN (SELECT id FROM devices WHERE account = ?1)) AND device NOT IN (SELECT id FROM devices "
      "WHERE "
      "account <> ?1)"};
  Sql remove_intents_{"DELETE FROM intents WHERE account = ?"};
  Sql remove_files_{"DELETE FROM files WHERE account = ?"};
  Sql remove_jobs_{"DELETE FROM jobs WHERE account = ?"};
  Sql remove_{"DELETE FROM accounts WHERE id = ?"};
  Sql accounts_{
      "SELECT id, name, role, password_hash, quota_bytes, lan, created, label, valid_from, valid_until, "
      "traffic_bytes, told_of_end, rate FROM accounts ORDER BY id"};
  Sql save_device_{
      "INSERT OR REPLACE INTO devices (id, account, label, jwk, token_digest, created, last_seen, session) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"};
  Sql saw_device_{"UPDATE devices SET last_seen = ? WHERE id = ?"};
  Sql remove_device_{"DELETE FROM devices WHERE id = ?"};
  Sql remove_devices_of_session_{"DELETE FROM devices WHERE session = ?"};
  Sql devices_{
      "SELECT id, account, label, jwk, token_digest, created, last_seen, session FROM devices "
      "ORDER BY created, id"};
  Sql insert_pairing_{"INSERT INTO pairings (code_digest, account, expires) VALUES (?, ?, ?)"};
  Sql take_pairing_{"DELETE FROM pairings WHERE code_digest = ? RETURNING account, expires"};
  Sql insert_session_{
      "INSERT OR REPLACE INTO sessions (token_digest, account, created, expires, label, last_seen) "
      "VALUES (?, ?, ?, ?, ?, ?)"};
  Sql saw_session_{"UPDATE sessions SET last_seen = ? WHERE token_digest = ?"};
  Sql remove_session_{"DELETE FROM sessions WHERE token_digest = ?"};
  Sql has_session_{"SELECT 1 FROM sessions WHERE token_digest = ?"};
  Sql sessions_{
      "SELECT token_digest, account, created, expires, label, last_seen FROM sessions ORDER BY created"};
  Sql save_token_{
      "INSERT OR REPLACE INTO tokens (id, account, kind, label, token_digest, created, last_seen) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)"};
  Sql saw_token_{"UPDATE tokens SET last_seen = ? WHERE id = ?"};
  Sql remove_token_{"DELETE FROM tokens WHERE id = ?"};
  Sql tokens_{
      "SELECT id, account, kind, label, token_digest, created, last_seen FROM tokens ORDER BY created, id"};
  Sql setting_{"SELECT value FROM settings WHERE name = ?"};
  Sql save_setting_{"INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)"};
};

}  // namespace

std::unique_ptr<accounts::AccountRecords> make_account_records(Connection& connection) {
  return std::make_unique<SqliteAccountRecords>(connection);
}

}  // namespace restante::store::sqlite
