// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"
#include "store/sqlite/job_files.hpp"
#include "store/sqlite/records.hpp"

namespace restante::store::sqlite {
namespace {

using jobs::Replay;
using jobs::State;

constexpr int state_count = static_cast<int>(State::expired) + 1;

class SqliteReplayRecords final : public jobs::ReplayRecords {
public:
  explicit SqliteReplayRecords(Connection& connection) : connection_(connection) {}

  Result<std::optional<Replay>> find(JobId id) override {
    return attempt(connection_, [&]() -> Result<std::optional<Replay>> {
      Query query(connection_, find_);
      query.blob(id.bytes.data(), id.bytes.size());
      if (!query.step()) return std::optional<Replay>();
      Replay out;
      out.id = id;
      out.account.value = query.number_at(0);
      if (query.number_at(6) == 0) {
        log::error("what is remembered of request {} is damaged on the disk; it is not taken again",
                   id.text());
        return std::optional<Replay>(out);
      }
      out.rev = query.number_at(1);
      query.blob_at(2, out.document_digest.data(), out.document_digest.size());
      out.state = enum_at<State>(query, 3, state_count);
      out.created = instant_from(query.number_at(4));
      out.until = instant_from(query.number_at(5));
      return std::optional<Replay>(out);
    });
  }

  Result<void> save(const Replay& replay) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, save_);
      query.blob(replay.id.bytes.data(), replay.id.bytes.size())
          .number(replay.account.value)
          .number(replay.rev)
          .blob(replay.document_digest.data(), replay.document_digest.size())
          .number(number_of(replay.state))
          .number(to_column(replay.created))
          .number(to_column(replay.until))
          .run();
      return {};
    });
  }

  Result<std::size_t> count_cancelled(AccountId account, std::size_t at_most) override {
    return attempt(connection_, [&]() -> Result<std::size_t> {
      Query query(connection_, count_);
      query.number(account.value).number(number_of(State::cancelled));
      query.number(static_cast<std::int64_t>(at_most)).step();
      return static_cast<std::size_t>(query.number_at(0));
    });
  }

  Result<std::size_t> forget(Instant now, std::size_t limit) override {
    return attempt(connection_, [&]() -> Result<std::size_t> {
      Query query(connection_, forget_);
      query.number(to_column(now)).number(static_cast<std::int64_t>(limit)).run();
      return static_cast<std::size_t>(connection_.db().getChanges());
    });
  }

private:
  Connection& connection_;
  Sql find_{
      "SELECT account, rev, document_digest, state, created, until, "
      "coalesce(sum = row_sum(id, account, rev, document_digest, state, created, until), 0) "
      "FROM replays WHERE id = ?"};
  Sql save_{
      "INSERT OR REPLACE INTO replays (id, account, rev, document_digest, state, created, until, sum) "
      "VALUES (?1,?2,?3,?4,?5,?6,?7,row_sum(?1,?2,?3,?4,?5,?6,?7))"};
  Sql count_{
      "SELECT count(*) FROM (SELECT 1 FROM replays INDEXED BY replays_of_account "
      "WHERE account = ? AND state = ? LIMIT ?)"};
  Sql forget_{
      "DELETE FROM replays WHERE id IN "
      "(SELECT id FROM replays INDEXED BY replays_by_age WHERE until < ? ORDER BY until LIMIT ?)"};
};

}  // namespace

std::unique_ptr<jobs::ReplayRecords> make_replay_records(Connection& connection) {
  return std::make_unique<SqliteReplayRecords>(connection);
}

}  // namespace restante::store::sqlite
