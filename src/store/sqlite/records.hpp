// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/records.hpp"
#include "base/clock.hpp"
#include "files/link_records.hpp"
#include "files/records.hpp"
#include "jobs/login_records.hpp"
#include "jobs/overview_records.hpp"
#include "jobs/records.hpp"
#include "jobs/replay_records.hpp"
#include "jobs/series_records.hpp"
#include "notify/records.hpp"
#include "store/sqlite/connection.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace restante::store::sqlite {

// Views over one connection; they live as long as it does and are used on its thread only.
std::unique_ptr<jobs::JobRecords> make_job_records(Connection& connection);
std::unique_ptr<jobs::SeriesRecords> make_series_records(Connection& connection);
std::unique_ptr<jobs::ReplayRecords> make_replay_records(Connection& connection);
std::unique_ptr<files::FileRecords> make_file_records(Connection& connection);
std::unique_ptr<files::TrashRecords> make_trash_records(Connection& connection);
std::unique_ptr<files::TrafficRecords> make_traffic_records(Connection& connection);
std::unique_ptr<files::LinkRecords> make_link_records(Connection& connection);
std::unique_ptr<accounts::AccountRecords> make_account_records(Connection& connection);
std::unique_ptr<notify::NoticeRecords> make_notice_records(Connection& connection);
std::unique_ptr<jobs::OverviewRecords> make_overview_records(Connection& connection);
std::unique_ptr<jobs::LoginRecords> make_login_records(Connection& connection);

// How values lie in columns.
inline std::int64_t to_column(Instant at) {
  return at.time_since_epoch().count();
}
inline Instant instant_from(std::int64_t column) {
  return Instant(Millis(column));
}
inline std::optional<std::int64_t> to_column(const std::optional<Instant>& at) {
  return at ? std::optional<std::int64_t>(to_column(*at)) : std::nullopt;
}

/// NULL: none. A code that this program does not know counts as `internal`.
Query& bind_reason(Query& query, const std::optional<Reason>& reason);
std::optional<Reason> reason_at(Query& query, int column);

template <class T>
std::optional<T> optional_number_at(Query& query, int column) {
  if (query.is_null(column)) return std::nullopt;
  return static_cast<T>(query.number_at(column));
}
std::optional<Instant> optional_instant_at(Query& query, int column);

/// A number below `count`, as an enumeration; else damaged.
template <class Enum>
Enum enum_at(Query& query, int column, int count) {
  const std::int64_t value = query.number_at(column);
  if (value < 0 || value >= count) throw_damaged("a state is out of range");
  return static_cast<Enum>(value);
}

/// Strings as a JSON array; empty when there are none.
std::string flags_to_column(const std::vector<std::string>& flags);
std::vector<std::string> flags_from(const std::string& column);

/// A probe as a JSON object; empty when there is none.
std::string probe_to_column(const std::optional<jobs::Probe>& probe);
std::optional<jobs::Probe> probe_from(const std::string& column);

/// An old partial file as a JSON object; empty when there is none.
std::string old_to_column(const std::optional<jobs::OldPartial>& old);
std::optional<jobs::OldPartial> old_from(const std::string& column);
std::string apart_to_column(const std::vector<Stretch>& apart);
std::vector<Stretch> apart_from(const std::string& column);

}  // namespace restante::store::sqlite
