// SPDX-License-Identifier: Apache-2.0
// What is counted over all downloads of a store.
#include "jobs/overview_records.hpp"
#include "store/sqlite/schema.hpp"
#include "store/test_support.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace restante::store {
namespace {

using jobs::OverviewRecords;
using jobs::State;

constexpr Instant noon{std::chrono::hours(24 * 20000 + 12)};

struct OverviewOfStore : testing::Test {
  jobs::Job add(int number, State state, std::optional<Instant> next_run = std::nullopt,
                std::optional<std::uint64_t> size = std::nullopt) {
    jobs::Job job = test::some_job(number, account);
    job.state = state;
    job.next_run = next_run;
    if (size) {
      job.probe.emplace();
      job.probe->size_bytes = size;
    }
    const auto done = test::write(*store, [&](Tx& tx) -> Result<void> {
      auto inserted = test::jobs_of(tx).insert(job);
      return inserted ? Result<void>() : fail(inserted.error());
    });
    EXPECT_TRUE(done) << done.error().message;
    return job;
  }
  void fail_at(const jobs::Job& job, Instant at, Reason reason = Reason::dns) {
    jobs::HistoryRow row;
    row.job = job.id;
    row.at = at;
    row.from = State::running;
    row.to = State::failed;
    row.cause = "test";
    row.reason = reason;
    const auto done = test::write(*store, [&](Tx& tx) -> Result<void> {
      auto seq = test::jobs_of(tx).append_history(row);
      return seq ? Result<void>() : fail(seq.error());
    });
    EXPECT_TRUE(done) << done.error().message;
  }
  template <class T>
  T ask(std::function<Result<T>(OverviewRecords&)> look) {
    return test::get<T>(*store, [&](Tx& tx) { return look(tx.repo<OverviewRecords>()); });
  }
  std::vector<OverviewRecords::Failures> failures(Instant since) {
    return ask<std::vector<OverviewRecords::Failures>>(
        [since](OverviewRecords& records) { return records.failures(since); });
  }

  test::Folder folder;
  std::unique_ptr<Store> store = test::open_in(folder);
  AccountId account = test::make_account(*store, "ada");
};

TEST_F(OverviewOfStore, FailuresAreCountedByQuarterOfAnHourAndReason) {
  const auto job = add(1, State::failed);
  fail_at(job, noon);
  fail_at(job, noon + std::chrono::minutes(14));
  fail_at(job, noon, Reason::tls);
  fail_at(job, noon + std::chrono::minutes(15));

  const auto found = failures(noon);

  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].slot, noon);
  EXPECT_EQ(found[0].reason, Reason::dns);
  EXPECT_EQ(found[0].count, 2);
  EXPECT_EQ(found[1].reason, Reason::tls);
  EXPECT_EQ(found[2].slot, noon + std::chrono::minutes(15));
}

TEST_F(OverviewOfStore, WhatWasCountedTooLongAgoIsForgotten) {
  const auto job = add(1, State::failed);
  fail_at(job, noon - jobs::failures_kept - std::chrono::minutes(15));
  fail_at(job, noon - jobs::failures_kept);
  ASSERT_EQ(failures(Instant{}).size(), 2u);

  fail_at(job, noon);

  EXPECT_EQ(failures(Instant{}).size(), 2u);
}

TEST_F(OverviewOfStore, EveryStateThatHasNotEndedIsCounted) {
  int number = 0;
  for (const State state :
       {State::scheduled, State::waiting, State::waiting, State::running, State::verifying, State::paused,
        State::held, State::done, State::failed, State::cancelled})
    add(++number, state);

  const auto found =
      ask<OverviewRecords::Unended>([](OverviewRecords& records) { return records.unended(); });

  EXPECT_EQ(found.scheduled, 1);
  EXPECT_EQ(found.waiting, 2);
  EXPECT_EQ(found.running, 2);
  EXPECT_EQ(found.paused, 1);
  EXPECT_EQ(found.held, 1);
}

TEST_F(OverviewOfStore, ThePlanAddsUpWhatIsToComeByTime) {
  add(1, State::scheduled, noon + std::chrono::hours(1), 1000);
  add(2, State::scheduled, noon + std::chrono::minutes(65), 500);
  add(3, State::scheduled, noon + std::chrono::hours(30));
  add(4, State::waiting, noon - std::chrono::hours(1), 7);  // late
  add(5, State::scheduled, noon + std::chrono::hours(400), 9);
  add(6, State::paused, noon + std::chrono::hours(1), 11);
  const auto until = noon + std::chrono::hours(168);

  const auto planned = ask<std::vector<OverviewRecords::Planned>>(
      [until](OverviewRecords& records) { return records.planned(noon, until); });
  const auto later =
      ask<jobs::Amount>([until](OverviewRecords& records) { return records.planned_from(until); });

  ASSERT_EQ(planned.size(), 3u);
  EXPECT_EQ(planned[0].slot, noon);
  EXPECT_EQ(planned[0].amount.bytes, 7u);
  EXPECT_EQ(planned[1].amount.downloads, 2);
  EXPECT_EQ(planned[1].amount.bytes, 1500u);
  EXPECT_EQ(planned[1].amount.unknown, 0);
  EXPECT_EQ(planned[2].amount.unknown, 1);
  EXPECT_EQ(later.downloads, 1);
  EXPECT_EQ(later.bytes, 9u);
}

TEST_F(OverviewOfStore, OfWhatRunsOnlyTheRestIsToCome) {
  const auto job = add(1, State::running, std::nullopt, 1000);
  jobs::FileRow file;
  file.state = jobs::FileState::receiving;
  file.checkpoint.total_bytes = 1000;
  file.checkpoint.written_bytes = 400;
  ASSERT_TRUE(test::write(*store, [&](Tx& tx) { return test::jobs_of(tx).save_file(job.id, file); }));

  const auto running = ask<jobs::Amount>([](OverviewRecords& records) { return records.running(); });

  EXPECT_EQ(running.downloads, 1);
  EXPECT_EQ(running.bytes, 600u);
}

TEST(OverviewMigration, WhatFailedBeforeIsCounted) {
  test::Folder folder;
  std::ofstream(folder / "restante.db").close();
  {
    sqlite::Connection connection(folder / "restante.db", sqlite::Connection::Mode::read_write, 1024);
    ASSERT_TRUE(sqlite::migrate(connection, sqlite::migrations().first(9)));
    connection.execute(
        "INSERT INTO accounts (id, name, role, lan, created) VALUES (1, 'ada', 'user', 0, 0);"
        "INSERT INTO origins VALUES (1, 'device');"
        "INSERT INTO jobs (seq, id, account, origin, state, waiting_for, attempt, created, changed, rev, "
        "version, "
        "file_count, proxy_id, name, document_digest, document) VALUES (1, "
        "x'00112233445566778899aabbccddeeff', 1, "
        "1, 8, 0, 1, 0, 0, 1, 1, 1, 'p', 'n', zeroblob(32), '{}');"
        "INSERT INTO history (job, account, at, from_state, to_state, cause, reason) VALUES "
        "(1, 1, 1800000, 2, 8, 'failed', 'dns'), (1, 1, 1900000, 2, 8, 'failed', 'dns'), "
        "(1, 1, 1900000, 1, 2, 'due', NULL), (1, 1, 1900000, 8, 8, 'renamed', 'dns');");
  }

  const auto store = test::open_in(folder);
  const auto found = test::get<std::vector<OverviewRecords::Failures>>(
      *store, [](Tx& tx) { return tx.repo<OverviewRecords>().failures(Instant{}); });

  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].count, 2);
  EXPECT_EQ(found[0].reason, Reason::dns);
}

}  // namespace
}  // namespace restante::store
