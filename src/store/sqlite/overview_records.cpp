// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/records.hpp"

#include <algorithm>

namespace restante::store::sqlite {
namespace {

using jobs::Amount;
using jobs::State;

constexpr std::int64_t slot_ms = Millis(jobs::overview_slot).count();

// What is to come of one row of jobs, NULL if nobody knows: of the files that have begun the rest, else what
// the probe saw.
#define RESTANTE_REST                                                                               \
  "coalesce((SELECT sum(max(coalesce(total_bytes, size_bytes) - written_bytes, 0)) FROM job_files " \
  "WHERE job = jobs.seq), CASE WHEN json_valid(probe) THEN json_extract(probe, '$.size_bytes') END)"

class SqliteOverviewRecords final : public jobs::OverviewRecords {
public:
  explicit SqliteOverviewRecords(Connection& connection) : connection_(connection) {}

  Result<std::vector<Failures>> failures(Instant since) override {
    return attempt(connection_, [&]() -> Result<std::vector<Failures>> {
      std::vector<Failures> found;
      Query query(connection_, failures_);
      query.number(to_column(since) / slot_ms);
      while (query.step()) {
        Failures& one = found.emplace_back();
        one.slot = instant_from(query.number_at(0) * slot_ms);
        one.reason = reason_at(query, 1).value_or(Reason::internal);
        one.count = query.number_at(2);
      }
      return found;
    });
  }

  Result<Unended> unended() override {
    return attempt(connection_, [&]() -> Result<Unended> {
      Unended out;
      Query query(connection_, unended_);
      while (query.step()) {
        const auto state = enum_at<State>(query, 0, 11);
        const std::int64_t count = query.number_at(1);
        if (state == State::scheduled) out.scheduled = count;
        if (state == State::waiting) out.waiting = count;
        if (state == State::running || state == State::verifying || state == State::publishing)
          out.running += count;
        if (state == State::paused) out.paused = count;
        if (state == State::held) out.held = count;
      }
      return out;
    });
  }

  Result<std::vector<Planned>> planned(Instant now, Instant until) override {
    return attempt(connection_, [&]() -> Result<std::vector<Planned>> {
      std::vector<Planned> found;
      Query query(connection_, planned_);
      query.number(to_column(now)).number(slot_ms).number(to_column(until));
      while (query.step()) found.push_back({instant_from(query.number_at(0) * slot_ms), amount_at(query, 1)});
      return found;
    });
  }

  Result<Amount> running() override {
    return attempt(connection_, [&]() -> Result<Amount> {
      Query query(connection_, running_);
      query.step();
      return amount_at(query, 0);
    });
  }

  Result<Amount> planned_from(Instant from) override {
    return attempt(connection_, [&]() -> Result<Amount> {
      Query query(connection_, planned_from_);
      query.number(to_column(from)).step();
      return amount_at(query, 0);
    });
  }

private:
  static Amount amount_at(Query& query, int column) {
    Amount out;
    out.downloads = query.number_at(column);
    out.bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(query.number_at(column + 1), 0));
    out.unknown = query.number_at(column + 2);
    return out;
  }

  Connection& connection_;

  Sql failures_{"SELECT slot, reason, count FROM failures WHERE slot >= ? ORDER BY slot, reason"};
  Sql unended_{
      "SELECT state, count(*) FROM jobs INDEXED BY jobs_unended "
      "WHERE state < 5 OR state = 6 OR state = 7 GROUP BY state"};
  Sql planned_{
      "SELECT slot, count(*), coalesce(sum(rest), 0), sum(rest IS NULL) FROM ("
      "SELECT max(next_run, ?1) / ?2 AS slot, " RESTANTE_REST
      " AS rest FROM jobs INDEXED BY jobs_due "
      "WHERE state IN (0, 1) AND next_run IS NOT NULL AND next_run < ?3) GROUP BY slot ORDER BY slot"};
  Sql running_{
      "SELECT count(*), coalesce(sum(rest), 0), coalesce(sum(rest IS NULL), 0) FROM (SELECT " RESTANTE_REST
      " AS rest FROM jobs INDEXED BY jobs_active WHERE state BETWEEN 2 AND 4)"};
  Sql planned_from_{
      "SELECT count(*), coalesce(sum(rest), 0), coalesce(sum(rest IS NULL), 0) FROM (SELECT " RESTANTE_REST
      " AS rest FROM jobs INDEXED BY jobs_due "
      "WHERE state IN (0, 1) AND next_run IS NOT NULL AND next_run >= ?)"};
};

#undef RESTANTE_REST

}  // namespace

std::unique_ptr<jobs::OverviewRecords> make_overview_records(Connection& connection) {
  return std::make_unique<SqliteOverviewRecords>(connection);
}

}  // namespace restante::store::sqlite
