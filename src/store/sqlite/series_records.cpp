// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"
#include "store/sqlite/records.hpp"

namespace restante::store::sqlite {
namespace {

using jobs::Series;

class SqliteSeriesRecords final : public jobs::SeriesRecords {
public:
  explicit SqliteSeriesRecords(Connection& connection) : connection_(connection) {}

  Result<std::optional<Series>> find(JobId id) override { return one(find_, id); }
  Result<std::optional<Series>> find_by_head(JobId head) override { return one(find_by_head_, head); }

  Result<bool> has(JobId id) override {
    return attempt(connection_, [&]() -> Result<bool> {
      Query query(connection_, has_);
      query.blob(id.bytes.data(), id.bytes.size());
      return query.step();
    });
  }

  Result<void> save(const Series& series) override {
    return attempt(connection_, [&]() -> Result<void> {
      const JobId before = series.before.value_or(JobId{});
      Query query(connection_, save_);
      query.blob(series.id.bytes.data(), series.id.bytes.size())
          .number(series.account.value)
          .text(series.device.value)
          .number(series.rev)
          .blob(series.document_digest.data(), series.document_digest.size())
          .number(to_column(series.start))
          .number(to_column(series.last))
          .blob(series.head.bytes.data(), series.head.bytes.size())
          .blob(before.bytes.data(), before.bytes.size())
          .number(series.over ? 1 : 0)
          .text(series.document)
          .blob_or_null(series.secrets)
          .run();
      return {};
    });
  }

  Result<void> erase(JobId id) override {
    return attempt(connection_, [&]() -> Result<void> {
      Query query(connection_, erase_);
      query.blob(id.bytes.data(), id.bytes.size()).run();
      return {};
    });
  }

private:
  Result<std::optional<Series>> one(Sql& sql, JobId id) {
    return attempt(connection_, [&]() -> Result<std::optional<Series>> {
      Query query(connection_, sql);
      query.blob(id.bytes.data(), id.bytes.size());
      if (!query.step()) return std::optional<Series>();
      if (query.number_at(12) == 0) {
        log::error("the record of a repetition ({}) is damaged on the disk; it does not go on", id.text());
        return std::optional<Series>();
      }
      Series out;
      JobId before;
      query.blob_at(0, out.id.bytes.data(), out.id.bytes.size());
      out.account.value = query.number_at(1);
      out.device.value = query.text_at(2);
      out.rev = query.number_at(3);
      query.blob_at(4, out.document_digest.data(), out.document_digest.size());
      out.start = instant_from(query.number_at(5));
      out.last = instant_from(query.number_at(6));
      query.blob_at(7, out.head.bytes.data(), out.head.bytes.size());
      query.blob_at(8, before.bytes.data(), before.bytes.size());
      if (before != JobId{}) out.before = before;
      out.over = query.number_at(9) != 0;
      out.document = query.text_at(10);
      out.secrets = query.text_at(11);
      return std::optional<Series>(std::move(out));
    });
  }

#define RESTANTE_SERIES                                                                                    \
  "SELECT id, account, device, rev, document_digest, start, last, head, before, over, document, secrets, " \
  "coalesce(sum = row_sum(id, account, device, rev, document_digest, start, last, head, before, over, "    \
  "document, secrets), 0) FROM series "

  Connection& connection_;
  Sql find_{RESTANTE_SERIES "WHERE id = ?"};
  Sql find_by_head_{RESTANTE_SERIES "WHERE head = ?"};
  Sql has_{"SELECT 1 FROM series WHERE id = ?"};
  Sql save_{
      "INSERT OR REPLACE INTO series (id, account, device, rev, document_digest, start, last, head, before, "
      "over, "
      "document, secrets, sum) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,"
      "row_sum(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12))"};
  Sql erase_{"DELETE FROM series WHERE id = ?"};

#undef RESTANTE_SERIES
};

}  // namespace

std::unique_ptr<jobs::SeriesRecords> make_series_records(Connection& connection) {
  return std::make_unique<SqliteSeriesRecords>(connection);
}

}  // namespace restante::store::sqlite
