// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/contract/fixture.hpp"

#include <stdexcept>
#include <thread>

namespace restante::store::test {

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Inserts job `number`, then fails or throws where it is told to.
inline Result<void> insert_one(Tx& tx, int number, AccountId account, bool fails, bool throws) {
  auto made = jobs_of(tx).insert(some_job(number, account));
  if (!made) return fail(made.error());
  if (throws) throw Broken("broken machine");
  if (fails) return fail(Reason::conflict, "told to fail");
  return {};
}

struct Tally {
  std::vector<std::string> outcomes;
  std::thread::id loop;
};

inline Task<void> one_write(Database& database, int number, AccountId account, bool fails, bool throws,
                            Tally& tally) {
  Database::Work work = [=](Tx& tx) { return insert_one(tx, number, account, fails, throws); };
  std::string outcome;
  try {
    auto done = co_await database.write(std::move(work));
    outcome = done ? "ok" : done.error().message;
  } catch (const Broken& error) {
    outcome = error.what();
  }
  tally.outcomes[static_cast<std::size_t>(number)] = outcome;
  EXPECT_EQ(std::this_thread::get_id(), tally.loop);
}

/// Every third fails, every seventh throws.
inline Task<void> many_writes(Database& database, int count, AccountId account, Tally& tally) {
  auto loop = co_await asio::this_coro::executor;
  tally.loop = std::this_thread::get_id();
  tally.outcomes.resize(static_cast<std::size_t>(count));
  TaskGroup group(loop, "writes");
  for (int i = 0; i < count; ++i) group.spawn(one_write(database, i, account, i % 3 == 0, i % 7 == 0, tally));
  Signal never_told(loop);
  while (group.running() > 0) co_await never_told.wait_for(std::chrono::milliseconds(1));
  co_await group.stop();
}

template <class Backend>
class TransactionContract : public StoreContract<Backend> {};
TYPED_TEST_SUITE_P(TransactionContract);

TYPED_TEST_P(TransactionContract, AFailingWorkUndoesOnlyItself) {
  constexpr int count = 300;
  Tally tally;

  run_task(many_writes(*this->store_, count, this->ada_, tally));
  this->reopen();

  for (int i = 0; i < count; ++i) {
    const std::string wanted = i % 7 == 0 ? "broken machine" : i % 3 == 0 ? "told to fail" : "ok";
    EXPECT_EQ(tally.outcomes[static_cast<std::size_t>(i)], wanted) << i;
    EXPECT_EQ(this->find(job_id(i)).has_value(), wanted == "ok") << i;
  }
}

TYPED_TEST_P(TransactionContract, ManyWritesShareACommit) {
  constexpr int count = 300;
  Tally tally;
  const auto before = this->store_->commits();

  run_task(many_writes(*this->store_, count, this->ada_, tally));

  const auto commits = this->store_->commits() - before;
  EXPECT_GE(commits, 1u);
  EXPECT_LT(commits, count / 3u);
}

TYPED_TEST_P(TransactionContract, AReadSeesEveryWriteWhoseResultHasArrived) {
  for (int i = 0; i < 50; ++i) {
    this->insert(some_job(i, this->ada_));
    ASSERT_TRUE(this->find(job_id(i))) << i;
  }
}

TYPED_TEST_P(TransactionContract, AWorkSeesItsOwnChangesAndLosesThemWhenItFails) {
  bool seen = false;

  auto done = this->write([&](Tx& tx) -> Result<void> {
    auto made = jobs_of(tx).insert(some_job(1, this->ada_));
    auto found = jobs_of(tx).find(job_id(1));
    seen = made && *made && found && found->has_value();
    return fail(Reason::conflict, "no");
  });

  EXPECT_TRUE(seen);
  EXPECT_EQ(done.error().reason, Reason::conflict);
  EXPECT_FALSE(this->find(job_id(1)));
}

TYPED_TEST_P(TransactionContract, ADeviceThatWasUndoneIsStoredWithTheNextJob) {
  auto undone = this->write([&](Tx& tx) { return insert_one(tx, 1, this->ada_, true, false); });
  ASSERT_FALSE(undone);

  this->insert(some_job(2, this->ada_));

  EXPECT_EQ(this->find(job_id(2))->device.value, "device-1");
  EXPECT_TRUE(this->store_->check().empty());
}

TYPED_TEST_P(TransactionContract, AReadCannotChangeAnything) {
  auto done = read(*this->store_, [&](Tx& tx) { return insert_one(tx, 1, this->ada_, false, false); });

  EXPECT_FALSE(done);
  EXPECT_FALSE(this->find(job_id(1)));
}

TYPED_TEST_P(TransactionContract, AThrowingReadReachesTheCaller) {
  EXPECT_THROW((void)read(*this->store_, [](Tx&) -> Result<void> { throw Broken("read"); }), Broken);
  EXPECT_TRUE(read(*this->store_, [](Tx&) -> Result<void> { return {}; }));
}

TYPED_TEST_P(TransactionContract, AHealthyStoreHasNoFaults) {
  Tally tally;
  run_task(many_writes(*this->store_, 100, this->ada_, tally));

  EXPECT_TRUE(this->store_->check().empty());
}

REGISTER_TYPED_TEST_SUITE_P(TransactionContract, AFailingWorkUndoesOnlyItself, ManyWritesShareACommit,
                            AReadSeesEveryWriteWhoseResultHasArrived,
                            AWorkSeesItsOwnChangesAndLosesThemWhenItFails,
                            ADeviceThatWasUndoneIsStoredWithTheNextJob, AReadCannotChangeAnything,
                            AThrowingReadReachesTheCaller, AHealthyStoreHasNoFaults);

}  // namespace restante::store::test
