// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/records.hpp"

namespace restante::store::sqlite {
namespace {

using files::MonthTraffic;

class SqliteTrafficRecords final : public files::TrafficRecords {
public:
  explicit SqliteTrafficRecords(Connection& connection) : connection_(connection) {}

  Result<void> add(AccountId account, const MonthTraffic& traffic) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, add_);
      query.number(traffic.month)
          .number(static_cast<std::int64_t>(traffic.fetched_bytes))
          .number(static_cast<std::int64_t>(traffic.served_bytes))
          .number(account.value)
          .run();
      return {};
    });
  }

  Result<std::vector<std::pair<AccountId, MonthTraffic>>> of_month(std::int64_t month) override {
    return attempt(connection_, [&]() -> Result<std::vector<std::pair<AccountId, MonthTraffic>>> {
      std::vector<std::pair<AccountId, MonthTraffic>> found;
      Query query(connection_, of_month_);
      query.number(month);
      while (query.step())
        found.push_back({AccountId{query.number_at(0)},
                         {month, static_cast<std::uint64_t>(query.number_at(1)),
                          static_cast<std::uint64_t>(query.number_at(2))}});
      return found;
    });
  }

private:
  Connection& connection_;

  Sql add_{
      "INSERT INTO traffic (account, month, fetched_bytes, served_bytes) SELECT id, ?, ?, ? FROM accounts "
      "WHERE id = ? ON CONFLICT (account, month) DO UPDATE SET fetched_bytes = fetched_bytes + "
      "excluded.fetched_bytes, served_bytes = served_bytes + excluded.served_bytes"};
  Sql of_month_{"SELECT account, fetched_bytes, served_bytes FROM traffic WHERE month = ? ORDER BY account"};
};

}  // namespace

std::unique_ptr<files::TrafficRecords> make_traffic_records(Connection& connection) {
  return std::make_unique<SqliteTrafficRecords>(connection);
}

}  // namespace restante::store::sqlite
