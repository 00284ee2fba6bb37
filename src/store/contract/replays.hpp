// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/replay_records.hpp"
#include "store/contract/fixture.hpp"

namespace restante::store::test {

inline jobs::ReplayRecords& replays_of(Tx& tx) {
  return tx.repo<jobs::ReplayRecords>();
}

template <class Backend>
class ReplayRecordsContract : public StoreContract<Backend> {
protected:
  jobs::Replay replay(int number, AccountId account) {
    jobs::Replay out;
    out.id = job_id(number);
    out.account = account;
    out.rev = 7;
    out.document_digest = sha256(std::to_string(number));
    out.state = jobs::State::expired;
    out.created = at_ms(1'770'000'000'123);
    out.until = at_ms(1'780'000'000'000 + number);
    return out;
  }

  void save(const jobs::Replay& replay) {
    ASSERT_TRUE(this->write([&](Tx& tx) { return replays_of(tx).save(replay); }));
  }

  std::optional<jobs::Replay> remembered(int number) {
    return this->template get<std::optional<jobs::Replay>>(
        [&](Tx& tx) { return replays_of(tx).find(job_id(number)); });
  }

  std::size_t forget(Instant now, std::size_t limit) {
    return this->template put<std::size_t>([&](Tx& tx) { return replays_of(tx).forget(now, limit); });
  }
};
TYPED_TEST_SUITE_P(ReplayRecordsContract);

TYPED_TEST_P(ReplayRecordsContract, EveryMemberComesBackAfterReopening) {
  const jobs::Replay saved = this->replay(1, this->ada_);
  this->save(saved);

  this->reopen();

  const auto found = this->remembered(1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, saved.id);
  EXPECT_EQ(found->account, saved.account);
  EXPECT_EQ(found->rev, saved.rev);
  EXPECT_EQ(found->document_digest, saved.document_digest);
  EXPECT_EQ(found->state, saved.state);
  EXPECT_EQ(found->created, saved.created);
  EXPECT_EQ(found->until, saved.until);
  EXPECT_FALSE(this->remembered(2));
}

TYPED_TEST_P(ReplayRecordsContract, SavingAgainWritesAllOfIt) {
  jobs::Replay replay = this->replay(1, this->ada_);
  this->save(replay);
  replay.rev = 9;
  replay.state = jobs::State::cancelled;

  this->save(replay);

  EXPECT_EQ(this->remembered(1)->rev, 9);
  EXPECT_EQ(this->remembered(1)->state, jobs::State::cancelled);
}

TYPED_TEST_P(ReplayRecordsContract, ForgetsWhatIsOverOldestFirstAndSoManyAtOnce) {
  for (int number : {3, 1, 4, 2}) this->save(this->replay(number, this->ada_));
  const Instant now = at_ms(1'780'000'000'004);

  EXPECT_EQ(this->forget(now, 2), 2u);
  EXPECT_FALSE(this->remembered(1));
  EXPECT_FALSE(this->remembered(2));
  EXPECT_TRUE(this->remembered(3));

  EXPECT_EQ(this->forget(now, 2), 1u);
  EXPECT_TRUE(this->remembered(4));
}

TYPED_TEST_P(ReplayRecordsContract, CountsTheCancelledOnesOfOneAccount) {
  for (int number = 1; number <= 6; ++number) {
    jobs::Replay replay = this->replay(number, number == 6 ? this->bob_ : this->ada_);
    if (number > 2) replay.state = jobs::State::cancelled;
    this->save(replay);
  }

  const auto count = [&](AccountId account, std::size_t at_most) {
    return this->template get<std::size_t>(
        [&](Tx& tx) { return replays_of(tx).count_cancelled(account, at_most); });
  };

  EXPECT_EQ(count(this->ada_, 100), 3u);
  EXPECT_EQ(count(this->ada_, 2), 2u);
  EXPECT_EQ(count(this->bob_, 100), 1u);
}

TYPED_TEST_P(ReplayRecordsContract, GoWithTheirAccount) {
  this->save(this->replay(1, this->ada_));
  this->save(this->replay(2, this->bob_));

  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove(this->ada_); }));

  EXPECT_FALSE(this->remembered(1));
  EXPECT_TRUE(this->remembered(2));
}

REGISTER_TYPED_TEST_SUITE_P(ReplayRecordsContract, EveryMemberComesBackAfterReopening,
                            SavingAgainWritesAllOfIt, ForgetsWhatIsOverOldestFirstAndSoManyAtOnce,
                            CountsTheCancelledOnesOfOneAccount, GoWithTheirAccount);

}  // namespace restante::store::test
