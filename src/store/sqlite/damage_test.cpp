// SPDX-License-Identifier: Apache-2.0
#include "jobs/replay_records.hpp"
#include "store/test_support.hpp"

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>

namespace restante::store {
namespace {

using test::Folder;
using testing::Contains;
using testing::HasSubstr;

/// Three jobs of ada with a file each, in a closed store.
AccountId three_jobs(const Folder& folder) {
  auto store = test::open_in(folder);
  const AccountId ada = test::make_account(*store, "ada");
  auto done = test::write(*store, [&](Tx& tx) -> Result<void> {
    for (int number = 1; number <= 3; ++number) {
      auto made = test::jobs_of(tx).insert(test::some_job(number, ada));
      if (!made) return fail(made.error());
      if (auto saved = test::jobs_of(tx).save_file(test::job_id(number), jobs::FileRow{}); !saved)
        return saved;
    }
    return {};
  });
  EXPECT_TRUE(done);
  store->close();
  return ada;
}

void damage(const Folder& folder, const char* sql) {
  SQLite::Database(folder / "restante.db", SQLite::OPEN_READWRITE).exec(sql);
}

std::optional<jobs::Job> find(Store& store, int number) {
  return test::get<std::optional<jobs::Job>>(
      store, [&](Tx& tx) { return test::jobs_of(tx).find(test::job_id(number)); });
}

class Damage : public testing::TestWithParam<const char*> {};

TEST_P(Damage, OfOneJobIsFoundAndNamedAndTheOthersAreAsTheyWere) {
  Folder folder;
  const AccountId ada = three_jobs(folder);

  damage(folder, GetParam());
  auto store = test::open_in(folder);
  const auto page = test::get<jobs::JobPage>(*store, [&](Tx& tx) { return test::jobs_of(tx).list(ada, {}); });

  const auto bad = find(*store, 2);
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->state, jobs::State::failed);
  EXPECT_EQ(bad->reason, Reason::storage);
  EXPECT_EQ(bad->document, "");
  EXPECT_THAT(bad->message, HasSubstr("damaged"));
  EXPECT_EQ(find(*store, 1)->document, test::some_job(1, ada).document);
  EXPECT_EQ(find(*store, 3)->document, test::some_job(3, ada).document);
  EXPECT_EQ(page.jobs.size(), 3u);
  EXPECT_THAT(store->check(), Contains(HasSubstr(test::job_id(2).text())));
}

INSTANTIATE_TEST_SUITE_P(
    Values, Damage,
    testing::Values(
        "UPDATE jobs SET document = replace(document, 'h', 'i') WHERE seq = 2",
        "UPDATE jobs SET created = created + 1 WHERE seq = 2",
        "UPDATE jobs SET name = 'another' WHERE seq = 2",
        "UPDATE jobs SET attempt = attempt + 64 WHERE seq = 2",
        "UPDATE jobs SET next_run = next_run + 1 WHERE seq = 2",
        "UPDATE jobs SET probe = 'no JSON' WHERE seq = 2", "UPDATE jobs SET started = 7 WHERE seq = 2",
        "UPDATE jobs SET occurrence = 7 WHERE seq = 2", "UPDATE jobs SET origin = 99 WHERE seq = 2",
        "UPDATE jobs SET control_sum = NULL WHERE seq = 2", "UPDATE jobs SET body_sum = 0 WHERE seq = 2"));

TEST(RowDamage, OfAFileFailsItsJobAlone) {
  Folder folder;
  three_jobs(folder);

  damage(folder, "UPDATE job_files SET generation = 7 WHERE job = 2");
  auto store = test::open_in(folder);
  const auto rows = [&](int number) {
    Result<std::vector<jobs::FileRow>> out;
    auto done = test::read(*store, [&](Tx& tx) -> Result<void> {
      out = test::jobs_of(tx).files(test::job_id(number));
      return {};
    });
    return done ? out : Result<std::vector<jobs::FileRow>>(fail(done.error()));
  };

  EXPECT_TRUE(rows(1));
  EXPECT_THAT(rows(2).error().message, HasSubstr(test::job_id(2).text()));
  EXPECT_THAT(store->check(), Contains(HasSubstr(test::job_id(2).text())));
}

TEST(RowDamage, OfWhatIsRememberedOfADocumentLeavesItUnknownWhichOneItWas) {
  Folder folder;
  {
    auto store = test::open_in(folder);
    jobs::Replay replay;
    replay.id = test::job_id(1);
    replay.account = test::make_account(*store, "ada");
    replay.document_digest = sha256("core");
    ASSERT_TRUE(test::write(*store, [&](Tx& tx) { return tx.repo<jobs::ReplayRecords>().save(replay); }));
    store->close();
  }

  damage(folder, "UPDATE replays SET rev = 7");
  auto store = test::open_in(folder);
  const auto found = test::get<std::optional<jobs::Replay>>(
      *store, [](Tx& tx) { return tx.repo<jobs::ReplayRecords>().find(test::job_id(1)); });

  ASSERT_TRUE(found);
  EXPECT_EQ(found->document_digest, Digest256{});
  EXPECT_EQ(found->rev, 0);
}

TEST(RowDamage, OfTheHistoryHidesNoneOfIt) {
  Folder folder;
  const AccountId ada = three_jobs(folder);
  {
    auto store = test::open_in(folder);
    auto done = test::write(*store, [&](Tx& tx) -> Result<void> {
      for (int number = 1; number <= 3; ++number) {
        jobs::HistoryRow row;
        row.job = test::job_id(number);
        row.account = ada;
        row.cause = "due";
        if (auto seq = test::jobs_of(tx).append_history(row); !seq) return fail(seq.error());
      }
      return {};
    });
    ASSERT_TRUE(done);
    store->close();
  }

  damage(folder, "UPDATE history SET to_state = 77 WHERE seq = 2");
  auto store = test::open_in(folder);
  const auto rows = test::get<std::vector<jobs::HistoryRow>>(
      *store, [&](Tx& tx) { return test::jobs_of(tx).history_since(ada, 0, 100); });

  EXPECT_EQ(rows.size(), 3u);
}

TEST(RowDamage, IsNotSeenInWhatWasChangedByUs) {
  Folder folder;
  const AccountId ada = three_jobs(folder);

  auto store = test::open_in(folder);
  auto changed = test::write(*store, [&](Tx& tx) -> Result<void> {
    auto job = test::some_job(2, ada);
    job.state = jobs::State::done;
    job.message = "changed";
    if (auto done = test::jobs_of(tx).update(job); !done) return done;
    job.document = "{\"another\":1}";
    if (auto done = test::jobs_of(tx).replace(job); !done) return done;
    return test::jobs_of(tx).erase_secrets(job.id);
  });

  ASSERT_TRUE(changed);
  EXPECT_EQ(find(*store, 2)->document, "{\"another\":1}");
  EXPECT_TRUE(store->check().empty());
}

}  // namespace
}  // namespace restante::store
