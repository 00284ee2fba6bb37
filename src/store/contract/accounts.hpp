// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/contract/files.hpp"

namespace restante::store::test {

template <class Backend>
class AccountRecordsContract : public StoreContract<Backend> {
protected:
  std::vector<accounts::Account> accounts() {
    return this->template get<std::vector<accounts::Account>>(
        [](Tx& tx) { return accounts_of(tx).accounts(); });
  }
  std::vector<accounts::Device> devices() {
    return this->template get<std::vector<accounts::Device>>(
        [](Tx& tx) { return accounts_of(tx).devices(); });
  }
  std::vector<accounts::Session> sessions() {
    return this->template get<std::vector<accounts::Session>>(
        [](Tx& tx) { return accounts_of(tx).sessions(); });
  }
  accounts::Device device(std::string id, AccountId account) {
    return {DeviceId{id}, account, "label of " + id, R"({"kty":"EC"})", sha256(id), at_ms(10), at_ms(20)};
  }
};
TYPED_TEST_SUITE_P(AccountRecordsContract);

TYPED_TEST_P(AccountRecordsContract, EveryMemberOfAnAccountComesBackAfterInsertAndUpdate) {
  accounts::Account account;
  account.name = "carol";
  account.role = accounts::Role::guest;
  account.created = at_ms(77);
  account.id = this->template put<AccountId>([&](Tx& tx) { return accounts_of(tx).insert(account); });
  account.name = "caroline";
  account.role = accounts::Role::admin;
  account.password_hash = "$argon2id$...";
  account.quota_bytes = 1ull << 43;
  account.lan = true;
  account.label = "room 7";
  account.valid_from = at_ms(100);
  account.valid_until = at_ms(200);
  account.traffic_bytes = 1ull << 41;
  account.rate_bytes_per_s = 1ull << 20;
  account.told_of_end = at_ms(300);

  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).update(account); }));
  this->reopen();

  const auto all = this->accounts();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_FALSE(all[0].quota_bytes);
  EXPECT_EQ(all[0].password_hash, "");
  EXPECT_EQ(all[2].id, account.id);
  EXPECT_EQ(all[2].name, "caroline");
  EXPECT_EQ(all[2].role, accounts::Role::admin);
  EXPECT_EQ(all[2].password_hash, account.password_hash);
  EXPECT_EQ(all[2].quota_bytes, account.quota_bytes);
  EXPECT_TRUE(all[2].lan);
  EXPECT_EQ(all[2].created, at_ms(77));
  EXPECT_EQ(all[2].label, "room 7");
  EXPECT_EQ(all[2].valid_from, at_ms(100));
  EXPECT_EQ(all[2].valid_until, at_ms(200));
  EXPECT_EQ(all[2].traffic_bytes, 1ull << 41);
  EXPECT_EQ(all[2].rate_bytes_per_s, 1ull << 20);
  EXPECT_EQ(all[2].told_of_end, at_ms(300));
}

TYPED_TEST_P(AccountRecordsContract, ATakenNameIsAConflict) {
  accounts::Account twin;
  twin.name = "ada";
  accounts::Account renamed;
  renamed.id = this->bob_;
  renamed.name = "ada";

  auto inserted = this->write([&](Tx& tx) -> Result<void> {
    auto made = accounts_of(tx).insert(twin);
    if (!made) return fail(made.error());
    return {};
  });
  auto updated = this->write([&](Tx& tx) { return accounts_of(tx).update(renamed); });

  ASSERT_FALSE(inserted);
  EXPECT_EQ(inserted.error().reason, Reason::conflict);
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().reason, Reason::conflict);
}

TYPED_TEST_P(AccountRecordsContract, ARemovedAccountTakesAllThatIsItsAndNothingElse) {
  for (auto [account, number] : {std::pair{this->ada_, 1}, std::pair{this->bob_, 2}}) {
    this->insert(some_job(number, account));
    const auto mark = sha256(std::to_string(number));
    ASSERT_TRUE(this->write([&](Tx& tx) -> Result<void> {
      jobs::HistoryRow row;
      row.job = job_id(number);
      files::Intent intent;
      intent.what.account = account;
      intent.what.job = job_id(number);
      if (!jobs_of(tx).append_history(row) || !jobs_of(tx).save_file(row.job, {}) ||
          !files_of(tx).insert(some_file(number, account)) || !files_of(tx).save_intent(intent) ||
          !accounts_of(tx).save_device(this->device("d" + std::to_string(number), account)) ||
          !accounts_of(tx).insert_pairing({mark, account, at_ms(1)}) ||
          !accounts_of(tx).insert_session({mark, account, at_ms(1), at_ms(2)}))
        return fail(Reason::internal, "arrange");
      return {};
    }));
  }

  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove(this->ada_); }));

  EXPECT_FALSE(this->find(job_id(1)));
  EXPECT_TRUE(this->find(job_id(2)));
  ASSERT_EQ(this->accounts().size(), 1u);
  EXPECT_EQ(this->accounts()[0].name, "bob");
  ASSERT_EQ(this->devices().size(), 1u);
  EXPECT_EQ(this->devices()[0].account, this->bob_);
  ASSERT_EQ(this->sessions().size(), 1u);
  EXPECT_EQ(this->sessions()[0].account, this->bob_);
  auto files = this->template get<std::vector<files::FileRecord>>([](Tx& tx) { return files_of(tx).all(); });
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].account, this->bob_);
  auto intents =
      this->template get<std::vector<files::Intent>>([](Tx& tx) { return files_of(tx).intents(); });
  ASSERT_EQ(intents.size(), 1u);
  EXPECT_EQ(intents[0].what.account, this->bob_);
  using Pairing = std::optional<accounts::Pairing>;
  EXPECT_FALSE(this->template put<Pairing>([](Tx& tx) { return accounts_of(tx).take_pairing(sha256("1")); }));
  EXPECT_TRUE(this->template put<Pairing>([](Tx& tx) { return accounts_of(tx).take_pairing(sha256("2")); }));
}

TYPED_TEST_P(AccountRecordsContract, NoDeviceOfARemovedAccountIsRememberedUnlessItIsSomebodyElsesNow) {
  jobs::Job old = some_job(1, this->ada_), moved = some_job(2, this->ada_), later = some_job(3, this->bob_);
  old.device = {"adas-phone"};
  moved.device = later.device = {"moved-phone"};
  this->insert(old);
  this->insert(moved);
  this->insert(later);
  ASSERT_TRUE(this->write(
      [&](Tx& tx) { return accounts_of(tx).save_device(this->device("moved-phone", this->bob_)); }));
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove(this->ada_); }));

  jobs::Job again = some_job(4, this->bob_);
  again.device = {"adas-phone"};
  this->insert(again);

  EXPECT_EQ(this->find(job_id(3))->device.value, "moved-phone");
  EXPECT_EQ(this->find(job_id(4))->device.value, "adas-phone");
}

TYPED_TEST_P(AccountRecordsContract, TheNumberOfARemovedAccountIsNeverGivenAgain) {
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove(this->bob_); }));

  EXPECT_GT(make_account(*this->store_, "carol"), this->bob_);
}

TYPED_TEST_P(AccountRecordsContract, ADeviceIsSavedReplacedAndRemoved) {
  accounts::Device device = this->device("thumb", this->ada_);
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).save_device(device); }));
  device.label = "new label";
  device.last_seen = at_ms(30);
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).save_device(device); }));

  const auto found = this->devices();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, device.id);
  EXPECT_EQ(found[0].account, this->ada_);
  EXPECT_EQ(found[0].label, "new label");
  EXPECT_EQ(found[0].jwk, device.jwk);
  EXPECT_EQ(found[0].token_digest, device.token_digest);
  EXPECT_EQ(found[0].created, at_ms(10));
  EXPECT_EQ(found[0].last_seen, at_ms(30));

  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove_device(device.id); }));
  EXPECT_TRUE(this->devices().empty());
}

TYPED_TEST_P(AccountRecordsContract, AJobStillNamesItsDeviceAfterThatWasRemoved) {
  ASSERT_TRUE(
      this->write([&](Tx& tx) { return accounts_of(tx).save_device(this->device("device-1", this->ada_)); }));
  this->insert(some_job(1, this->ada_));

  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove_device(DeviceId{"device-1"}); }));

  EXPECT_EQ(this->find(job_id(1))->device.value, "device-1");
}

TYPED_TEST_P(AccountRecordsContract, APairingCodeIsTakenOnce) {
  const accounts::Pairing pairing{sha256("code"), this->ada_, at_ms(123)};
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).insert_pairing(pairing); }));
  auto take = [&](const char* code) {
    return this->template put<std::optional<accounts::Pairing>>(
        [&](Tx& tx) { return accounts_of(tx).take_pairing(sha256(code)); });
  };

  const auto wrong = take("other"), first = take("code"), second = take("code");

  EXPECT_FALSE(wrong);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->code_digest, pairing.code_digest);
  EXPECT_EQ(first->account, this->ada_);
  EXPECT_EQ(first->expires, at_ms(123));
  EXPECT_FALSE(second);
}

TYPED_TEST_P(AccountRecordsContract, ASessionComesBackUntilItIsRemoved) {
  const accounts::Session session{sha256("token"), this->bob_, at_ms(5), at_ms(6)};
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).insert_session(session); }));

  const auto found = this->sessions();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].token_digest, session.token_digest);
  EXPECT_EQ(found[0].account, this->bob_);
  EXPECT_EQ(found[0].created, at_ms(5));
  EXPECT_EQ(found[0].expires, at_ms(6));

  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove_session(session.token_digest); }));
  EXPECT_TRUE(this->sessions().empty());
}

TYPED_TEST_P(AccountRecordsContract, ASessionThatIsEndedTakesItsBrowsersKeyAlongAndOneThatIsOverDoesNot) {
  for (const char* name : {"one", "two"}) {
    accounts::Device browser = this->device(name, this->ada_);
    browser.session = sha256(name);
    ASSERT_TRUE(this->write([&](Tx& tx) -> Result<void> {
      auto done = accounts_of(tx).insert_session({sha256(name), this->ada_, at_ms(5), at_ms(6)});
      return done ? accounts_of(tx).save_device(browser) : done;
    }));
  }
  ASSERT_TRUE(
      this->write([&](Tx& tx) { return accounts_of(tx).save_device(this->device("x", this->ada_)); }));

  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).end_session(sha256("one")); }));
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove_session(sha256("two")); }));

  const auto left = this->devices();
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].id.value, "two");
  EXPECT_EQ(left[0].session, sha256("two"));
  EXPECT_EQ(left[1].id.value, "x");
  EXPECT_FALSE(left[1].session);
  for (const char* name : {"one", "two"})
    EXPECT_FALSE(this->template get<bool>([&](Tx& tx) { return accounts_of(tx).has_session(sha256(name)); }));
}

TYPED_TEST_P(AccountRecordsContract, WhatWasSeenAfterItWasRemovedDoesNotComeBack) {
  ASSERT_TRUE(this->write([&](Tx& tx) -> Result<void> {
    auto& records = accounts_of(tx);
    if (!records.save_device(this->device("here", this->ada_)) ||
        !records.insert_session({sha256("here"), this->ada_, at_ms(5), at_ms(6)}))
      return fail(Reason::internal, "arrange");
    return {};
  }));

  for (const char* name : {"here", "gone"})
    ASSERT_TRUE(this->write([&](Tx& tx) -> Result<void> {
      auto& records = accounts_of(tx);
      if (!records.saw_device({name}, at_ms(70)) || !records.saw_session(sha256(name), at_ms(71)) ||
          !records.saw_token(name, at_ms(72)))
        return fail(Reason::internal, "act");
      return {};
    }));

  ASSERT_EQ(this->devices().size(), 1u);
  EXPECT_EQ(this->devices()[0].last_seen, at_ms(70));
  ASSERT_EQ(this->sessions().size(), 1u);
  EXPECT_EQ(this->sessions()[0].last_seen, at_ms(71));
}

TYPED_TEST_P(AccountRecordsContract, ASessionIsSavedAgainWithItsBrowserAndWhenItWasSeen) {
  accounts::Session session{sha256("token"), this->bob_, at_ms(5), at_ms(600), "Firefox on Linux", at_ms(5)};
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).insert_session(session); }));
  session.last_seen = at_ms(99);
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).insert_session(session); }));

  const auto found = this->sessions();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].label, "Firefox on Linux");
  EXPECT_EQ(found[0].last_seen, at_ms(99));
}

TYPED_TEST_P(AccountRecordsContract, ATokenComesBackUntilItIsRemoved) {
  using accounts::Token;
  const auto tokens = [&] {
    return this->template get<std::vector<Token>>([](Tx& tx) { return accounts_of(tx).tokens(); });
  };
  Token token{"abc", this->bob_, Token::Kind::submit, "script", sha256("token"), at_ms(5), at_ms(6)};
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).save_token(token); }));
  token.last_seen = at_ms(99);
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).save_token(token); }));
  this->reopen();

  const auto found = tokens();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, "abc");
  EXPECT_EQ(found[0].account, this->bob_);
  EXPECT_EQ(found[0].kind, Token::Kind::submit);
  EXPECT_EQ(found[0].label, "script");
  EXPECT_EQ(found[0].token_digest, token.token_digest);
  EXPECT_EQ(found[0].created, at_ms(5));
  EXPECT_EQ(found[0].last_seen, at_ms(99));

  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove_token("abc"); }));
  EXPECT_TRUE(tokens().empty());
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).save_token(token); }));
  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove(this->bob_); }));
  EXPECT_TRUE(tokens().empty());
}

TYPED_TEST_P(AccountRecordsContract, ASettingComesBackAsItWasLastSaved) {
  auto setting = [&](const char* name) {
    return this->template get<std::optional<std::string>>(
        [&](Tx& tx) { return accounts_of(tx).setting(name); });
  };
  auto save = [&](const char* name, std::string value) {
    return this->write([&](Tx& tx) { return accounts_of(tx).save_setting(name, value); });
  };
  EXPECT_EQ(setting("place-name"), std::nullopt);

  ASSERT_TRUE(save("place-name", "one"));
  ASSERT_TRUE(save("place-name", std::string("two\0three", 9)));
  ASSERT_TRUE(save("empty", ""));
  this->reopen();

  EXPECT_EQ(setting("place-name"), std::string("two\0three", 9));
  EXPECT_EQ(setting("empty"), "");
}

REGISTER_TYPED_TEST_SUITE_P(AccountRecordsContract, EveryMemberOfAnAccountComesBackAfterInsertAndUpdate,
                            ATakenNameIsAConflict, ARemovedAccountTakesAllThatIsItsAndNothingElse,
                            NoDeviceOfARemovedAccountIsRememberedUnlessItIsSomebodyElsesNow,
                            TheNumberOfARemovedAccountIsNeverGivenAgain, ADeviceIsSavedReplacedAndRemoved,
                            AJobStillNamesItsDeviceAfterThatWasRemoved, APairingCodeIsTakenOnce,
                            ASessionComesBackUntilItIsRemoved,
                            ASessionThatIsEndedTakesItsBrowsersKeyAlongAndOneThatIsOverDoesNot,
                            WhatWasSeenAfterItWasRemovedDoesNotComeBack,
                            ASessionIsSavedAgainWithItsBrowserAndWhenItWasSeen,
                            ATokenComesBackUntilItIsRemoved, ASettingComesBackAsItWasLastSaved);

}  // namespace restante::store::test
