// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "notify/records.hpp"
#include "store/contract/fixture.hpp"

namespace restante::store::test {

template <class Backend>
class NoticeRecordsContract : public StoreContract<Backend> {
protected:
  static notify::NoticeRecords& notices_of(Tx& tx) { return tx.repo<notify::NoticeRecords>(); }

  static notify::StoredContact contact(AccountId account, std::uint8_t number) {
    notify::StoredContact out;
    out.open.id.bytes[0] = number;
    out.open.account = account;
    out.open.created = at_ms(number);
    out.sealed = std::string("sealed\0bytes", 12);
    return out;
  }

  static notify::Notice notice(const notify::StoredContact& to, std::uint8_t number, std::int64_t next) {
    notify::Notice out;
    out.id.bytes[0] = number;
    out.account = to.open.account;
    out.contact = to.open.id;
    out.event = notify::Event::job_done;
    out.facts = "facts";
    out.created = at_ms(1);
    out.next_try = at_ms(next);
    return out;
  }

  void save(const notify::StoredContact& one) {
    ASSERT_TRUE(this->write([&](Tx& tx) { return notices_of(tx).save_contact(one); }));
  }
  void add(const notify::Notice& one) {
    ASSERT_TRUE(this->write([&](Tx& tx) { return notices_of(tx).add(one); }));
  }
  std::vector<notify::NoticeRecords::Due> due(std::int64_t now) {
    return this->template get<std::vector<notify::NoticeRecords::Due>>(
        [&](Tx& tx) { return notices_of(tx).due(at_ms(now), 100); });
  }
};

TYPED_TEST_SUITE_P(NoticeRecordsContract);

TYPED_TEST_P(NoticeRecordsContract, GivesBackContactsOldestFirstAndAsTheyWereSavedLast) {
  auto second = this->contact(this->ada_, 2), first = this->contact(this->ada_, 1);
  this->save(second);
  this->save(first);
  this->save(this->contact(this->bob_, 3));
  first.open.confirmed = at_ms(9);
  first.open.disabled = true;
  first.open.last_error = "refused";
  first.open.code_digest = sha256("code");
  first.recent = 4;
  first.quota_told = at_ms(7);
  this->save(first);

  const auto found = this->template get<std::vector<notify::StoredContact>>(
      [&](Tx& tx) { return this->notices_of(tx).contacts(this->ada_); });

  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].open.id, first.open.id);
  EXPECT_EQ(found[0].sealed, first.sealed);
  EXPECT_EQ(found[0].open.confirmed, at_ms(9));
  EXPECT_TRUE(found[0].open.disabled);
  EXPECT_EQ(found[0].open.last_error, "refused");
  EXPECT_EQ(found[0].open.code_digest, first.open.code_digest);
  EXPECT_EQ(found[0].recent, 4);
  EXPECT_EQ(found[0].quota_told, at_ms(7));
  EXPECT_EQ(found[1].open.id, second.open.id);
}

TYPED_TEST_P(NoticeRecordsContract, SaysWhatIsDueAndWhenTheNextOneIs) {
  const auto to = this->contact(this->ada_, 1);
  this->save(to);
  this->add(this->notice(to, 1, 300));
  this->add(this->notice(to, 2, 100));

  EXPECT_EQ(this->due(99).size(), 0u);
  ASSERT_EQ(this->due(200).size(), 1u);
  EXPECT_EQ(this->due(200)[0].id.bytes[0], 2);
  ASSERT_EQ(this->due(300).size(), 2u);
  EXPECT_EQ(this->due(300)[0].id.bytes[0], 2) << "soonest first";
  const auto next = this->template get<std::optional<Instant>>(
      [&](Tx& tx) { return this->notices_of(tx).next_after(at_ms(200)); });
  EXPECT_EQ(next, at_ms(300));
}

TYPED_TEST_P(NoticeRecordsContract, FindsTheOneThatGathersUntilItIsClosed) {
  const auto to = this->contact(this->ada_, 1);
  this->save(to);
  auto one = this->notice(to, 1, 100);
  one.gathers = true;
  this->add(one);
  const auto gathering = [&] {
    return this->template get<std::optional<notify::Notice>>(
        [&](Tx& tx) { return this->notices_of(tx).gathering(to.open.id); });
  };
  ASSERT_TRUE(gathering());

  one.gathers = false;
  one.attempts = 1;
  one.facts = "more";
  ASSERT_TRUE(this->write([&](Tx& tx) { return this->notices_of(tx).update(one); }));

  EXPECT_FALSE(gathering());
  const auto found = this->template get<std::optional<notify::Notice>>(
      [&](Tx& tx) { return this->notices_of(tx).find(one.id); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->attempts, 1);
  EXPECT_EQ(found->facts, "more");
}

TYPED_TEST_P(NoticeRecordsContract, ForgetsNoticesWithTheirContactAndContactsWithTheirAccount) {
  const auto hers = this->contact(this->ada_, 1), his = this->contact(this->bob_, 2);
  this->save(hers);
  this->save(his);
  this->add(this->notice(hers, 1, 1));
  this->add(this->notice(his, 2, 1));

  ASSERT_TRUE(this->write([&](Tx& tx) { return this->notices_of(tx).remove_contact(hers.open.id); }));
  ASSERT_EQ(this->due(10).size(), 1u);
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove(this->bob_); }));

  EXPECT_EQ(this->due(10).size(), 0u);
  const auto left = this->template get<std::vector<notify::StoredContact>>(
      [&](Tx& tx) { return this->notices_of(tx).contacts(this->bob_); });
  EXPECT_TRUE(left.empty());
}

REGISTER_TYPED_TEST_SUITE_P(NoticeRecordsContract, GivesBackContactsOldestFirstAndAsTheyWereSavedLast,
                            SaysWhatIsDueAndWhenTheNextOneIs, FindsTheOneThatGathersUntilItIsClosed,
                            ForgetsNoticesWithTheirContactAndContactsWithTheirAccount);

}  // namespace restante::store::test
