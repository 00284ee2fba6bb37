// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/records.hpp"

namespace restante::store::sqlite {
namespace {

using notify::ContactId;
using notify::Notice;
using notify::NoticeId;
using notify::StoredContact;

template <class Id>
Id id_at(Query& query, int column) {
  Id id;
  query.blob_at(column, id.bytes.data(), id.bytes.size());
  return id;
}

template <class Id>
Query& bind(Query& query, const Id& id) {
  return query.blob(id.bytes.data(), id.bytes.size());
}

StoredContact contact_from(Query& query) {
  StoredContact found;
  found.open.id = id_at<ContactId>(query, 0);
  found.open.account.value = query.number_at(1);
  const auto kind = notify::kind_from_name(query.text_at(2));
  if (!kind) throw_damaged("a kind of contact is not known");
  found.open.kind = *kind;
  found.sealed = query.text_at(3);
  if (!query.is_null(4)) query.blob_at(4, found.open.code_digest.data(), found.open.code_digest.size());
  found.open.created = instant_from(query.number_at(5));
  found.open.confirmed = optional_instant_at(query, 6);
  found.open.disabled = query.number_at(7) != 0;
  found.open.last_error = query.text_at(8);
  found.open.last_error_at = optional_instant_at(query, 9);
  found.recent = static_cast<int>(query.number_at(10));
  found.recent_since = instant_from(query.number_at(11));
  found.quota_told = optional_instant_at(query, 12);
  return found;
}

Notice notice_from(Query& query) {
  Notice found;
  found.seq = query.number_at(0);
  found.id = id_at<NoticeId>(query, 1);
  found.account.value = query.number_at(2);
  found.contact = id_at<ContactId>(query, 3);
  const auto event = notify::event_from_name(query.text_at(4));
  if (!event) throw_damaged("an event is not known");
  found.event = *event;
  if (!query.is_null(5)) found.job = id_at<JobId>(query, 5);
  found.facts = query.text_at(6);
  found.created = instant_from(query.number_at(7));
  found.attempts = static_cast<int>(query.number_at(8));
  found.next_try = instant_from(query.number_at(9));
  found.gathers = query.number_at(10) != 0;
  return found;
}

class SqliteNoticeRecords final : public notify::NoticeRecords {
public:
  explicit SqliteNoticeRecords(Connection& connection) : connection_(connection) {}

  Result<void> save_contact(const StoredContact& contact) override {
    return attempt(connection_, [&]() -> Result<void> {
      const auto& open = contact.open;
      const std::string kind(notify::name(open.kind));
      Query query(connection_, save_contact_);
      bind(query, open.id).number(open.account.value).text(kind);
      query.blob(contact.sealed.data(), contact.sealed.size());
      if (open.code_digest == Digest256{})
        query.null();
      else
        query.blob(open.code_digest.data(), open.code_digest.size());
      query.number(to_column(open.created))
          .number(to_column(open.confirmed))
          .number(open.disabled)
          .text_or_null(open.last_error)
          .number(to_column(open.last_error_at))
          .number(contact.recent)
          .number(to_column(contact.recent_since))
          .number(to_column(contact.quota_told))
          .run();
      return {};
    });
  }

  Result<void> remove_contact(ContactId id) override { return run_with(remove_contact_, id); }

  Result<std::optional<StoredContact>> contact(ContactId id) override {
    return attempt(connection_, [&]() -> Result<std::optional<StoredContact>> {
      Query query(connection_, contact_);
      bind(query, id);
      if (!query.step()) return std::optional<StoredContact>();
      return std::optional<StoredContact>(contact_from(query));
    });
  }

  Result<std::vector<StoredContact>> contacts(AccountId account) override {
    return attempt(connection_, [&]() -> Result<std::vector<StoredContact>> {
      std::vector<StoredContact> found;
      Query query(connection_, contacts_);
      query.number(account.value);
      while (query.step()) found.push_back(contact_from(query));
      return found;
    });
  }

  Result<void> add(const Notice& notice) override {
    return attempt(connection_, [&]() -> Result<void> {
      const std::string event(notify::name(notice.event));
      Query query(connection_, add_);
      bind(query, notice.id).number(notice.account.value);
      bind(query, notice.contact).text(event);
      if (notice.job)
        bind(query, *notice.job);
      else
        query.null();
      query.blob(notice.facts.data(), notice.facts.size())
          .number(to_column(notice.created))
          .number(notice.attempts)
          .number(to_column(notice.next_try))
          .number(notice.gathers)
          .run();
      return {};
    });
  }

  Result<void> update(const Notice& notice) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, update_);
      query.blob(notice.facts.data(), notice.facts.size())
          .number(notice.attempts)
          .number(to_column(notice.next_try))
          .number(notice.gathers);
      bind(query, notice.id).run();
      return {};
    });
  }

  Result<void> remove(NoticeId id) override { return run_with(remove_, id); }

  Result<std::optional<Notice>> find(NoticeId id) override { return one(find_, id); }

  Result<std::size_t> count(ContactId contact) override {
    return attempt(connection_, [&]() -> Result<std::size_t> {
      Query query(connection_, count_);
      bind(query, contact);
      return query.step() ? static_cast<std::size_t>(query.number_at(0)) : 0;
    });
  }

  Result<std::optional<Notice>> gathering(ContactId contact) override { return one(gathering_, contact); }

  Result<std::vector<Due>> due(Instant now, int limit) override {
    return attempt(connection_, [&]() -> Result<std::vector<Due>> {
      std::vector<Due> found;
      Query query(connection_, due_);
      query.number(to_column(now)).number(limit);
      while (query.step())
        found.push_back({id_at<NoticeId>(query, 0), id_at<ContactId>(query, 1), AccountId{query.number_at(2)},
                         instant_from(query.number_at(3))});
      return found;
    });
  }

  Result<std::optional<Instant>> next_after(Instant now) override {
    return attempt(connection_, [&]() -> Result<std::optional<Instant>> {
      Query query(connection_, next_after_);
      query.number(to_column(now));
      if (!query.step()) return std::optional<Instant>();
      return optional_instant_at(query, 0);
    });
  }

private:
  template <class Id>
  Result<void> run_with(Sql& sql, const Id& id) {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, sql);
      bind(query, id).run();
      return {};
    });
  }

  template <class Id>
  Result<std::optional<Notice>> one(Sql& sql, const Id& id) {
    return attempt(connection_, [&]() -> Result<std::optional<Notice>> {
      Query query(connection_, sql);
      bind(query, id);
      if (!query.step()) return std::optional<Notice>();
      return std::optional<Notice>(notice_from(query));
    });
  }

  Connection& connection_;

  Sql save_contact_{
      "INSERT INTO contacts (id, account, kind, address, code_digest, created, confirmed, disabled, error, "
      "error_at, recent, recent_since, quota_told) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (id) DO UPDATE SET address = excluded.address, code_digest = excluded.code_digest, "
      "created = excluded.created, confirmed = excluded.confirmed, disabled = excluded.disabled, "
      "error = excluded.error, error_at = excluded.error_at, recent = excluded.recent, "
      "recent_since = excluded.recent_since, quota_told = excluded.quota_told"};
  Sql remove_contact_{"DELETE FROM contacts WHERE id = ?"};
  Sql contact_{
      "SELECT id, account, kind, address, code_digest, created, confirmed, disabled, error, error_at, "
      "recent, "
      "recent_since, quota_told FROM contacts WHERE id = ?"};
  Sql contacts_{
      "SELECT id, account, kind, address, code_digest, created, confirmed, disabled, error, error_at, "
      "recent, "
      "recent_since, quota_told FROM contacts WHERE account = ? ORDER BY created, id"};
  Sql add_{
      "INSERT INTO notices (id, account, contact, event, job, data, created, attempts, next_try, gathers) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
  Sql update_{"UPDATE notices SET data = ?, attempts = ?, next_try = ?, gathers = ? WHERE id = ?"};
  Sql remove_{"DELETE FROM notices WHERE id = ?"};
  Sql find_{
      "SELECT seq, id, account, contact, event, job, data, created, attempts, next_try, gathers FROM notices "
      "WHERE id = ?"};
  Sql count_{"SELECT count(*) FROM notices WHERE contact = ?"};
  Sql gathering_{
      "SELECT seq, id, account, contact, event, job, data, created, attempts, next_try, gathers FROM notices "
      "WHERE contact = ? AND gathers = 1 ORDER BY seq LIMIT 1"};
  // The first few of each contact, so that those of one that answers nobody are not all that is seen.
  Sql due_{
      "SELECT id, contact, account, next_try FROM (SELECT id, contact, account, next_try, seq, row_number() "
      "OVER (PARTITION BY contact ORDER BY next_try, seq) AS place FROM notices WHERE next_try <= ?) "
      "WHERE place <= 2 ORDER BY next_try, seq LIMIT ?"};
  Sql next_after_{"SELECT min(next_try) FROM notices WHERE next_try > ?"};
};

}  // namespace

std::unique_ptr<notify::NoticeRecords> make_notice_records(Connection& connection) {
  return std::make_unique<SqliteNoticeRecords>(connection);
}

}  // namespace restante::store::sqlite
