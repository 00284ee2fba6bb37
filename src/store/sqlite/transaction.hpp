// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/sqlite/records.hpp"

namespace restante::store::sqlite {

/// The repositories over one connection. Lives as long as the connection: statements stay prepared.
class SqliteTx final : public Tx {
public:
  explicit SqliteTx(Connection& connection)
      : jobs_(make_job_records(connection)),
        series_(make_series_records(connection)),
        replays_(make_replay_records(connection)),
        files_(make_file_records(connection)),
        trash_(make_trash_records(connection)),
        traffic_(make_traffic_records(connection)),
        links_(make_link_records(connection)),
        accounts_(make_account_records(connection)),
        notices_(make_notice_records(connection)),
        overview_(make_overview_records(connection)),
        logins_(make_login_records(connection)) {}

protected:
  void* find(const std::type_info& repository) override {
    if (repository == typeid(jobs::JobRecords)) return jobs_.get();
    if (repository == typeid(jobs::SeriesRecords)) return series_.get();
    if (repository == typeid(jobs::ReplayRecords)) return replays_.get();
    if (repository == typeid(files::FileRecords)) return files_.get();
    if (repository == typeid(files::TrashRecords)) return trash_.get();
    if (repository == typeid(files::TrafficRecords)) return traffic_.get();
    if (repository == typeid(files::LinkRecords)) return links_.get();
    if (repository == typeid(accounts::AccountRecords)) return accounts_.get();
    if (repository == typeid(notify::NoticeRecords)) return notices_.get();
    if (repository == typeid(jobs::OverviewRecords)) return overview_.get();
    if (repository == typeid(jobs::LoginRecords)) return logins_.get();
    return nullptr;
  }

private:
  std::unique_ptr<jobs::JobRecords> jobs_;
  std::unique_ptr<jobs::SeriesRecords> series_;
  std::unique_ptr<jobs::ReplayRecords> replays_;
  std::unique_ptr<files::FileRecords> files_;
  std::unique_ptr<files::TrashRecords> trash_;
  std::unique_ptr<files::TrafficRecords> traffic_;
  std::unique_ptr<files::LinkRecords> links_;
  std::unique_ptr<accounts::AccountRecords> accounts_;
  std::unique_ptr<notify::NoticeRecords> notices_;
  std::unique_ptr<jobs::OverviewRecords> overview_;
  std::unique_ptr<jobs::LoginRecords> logins_;
};

}  // namespace restante::store::sqlite
