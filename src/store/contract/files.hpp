// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/contract/fixture.hpp"

namespace restante::store::test {

inline files::FileRecord some_file(int number, AccountId account) {
  files::FileRecord file;
  file.id = file_id(number);
  file.account = account;
  file.name = "folder/file-" + std::to_string(number);
  file.size_bytes = 100 + static_cast<std::uint64_t>(number);
  file.published = at_ms(1000 + number);
  file.job = job_id(number);
  return file;
}

template <class Backend>
class FileRecordsContract : public StoreContract<Backend> {
protected:
  void add(const files::FileRecord& file) {
    ASSERT_TRUE(this->write([&](Tx& tx) { return files_of(tx).insert(file); }));
  }
  std::optional<files::FileRecord> file(FileId id) {
    return this->template get<std::optional<files::FileRecord>>(
        [&](Tx& tx) { return files_of(tx).find(id); });
  }
  std::vector<files::FileRecord> list(AccountId account) {
    return this->template get<std::vector<files::FileRecord>>(
        [&](Tx& tx) { return files_of(tx).list(account); });
  }
};
TYPED_TEST_SUITE_P(FileRecordsContract);

TYPED_TEST_P(FileRecordsContract, EveryMemberOfAFileComesBackAfterInsertAndUpdate) {
  files::FileRecord file = some_file(1, this->ada_);
  this->add(file);
  file.name = "other/\xc3\xbc.bin";
  file.size_bytes = 1ull << 42;
  file.published = at_ms(5);
  file.keep_until = at_ms(99);
  file.job_file = 3;
  file.media_type = "image/png";
  file.sha256 = std::string(64, 'b');
  file.verified = false;
  file.flags = {"complete-unverified", "with \"quotes\""};
  file.version = 12;
  file.inode = ~std::uint64_t{0};
  file.mtime_ns = -5;

  ASSERT_TRUE(this->write([&](Tx& tx) { return files_of(tx).update(file); }));
  this->reopen();

  const auto got = this->file(file.id);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->id, file.id);
  EXPECT_EQ(got->account, file.account);
  EXPECT_EQ(got->name, file.name);
  EXPECT_EQ(got->size_bytes, file.size_bytes);
  EXPECT_EQ(got->published, file.published);
  EXPECT_EQ(got->keep_until, file.keep_until);
  EXPECT_EQ(got->job, file.job);
  EXPECT_EQ(got->job_file, file.job_file);
  EXPECT_EQ(got->media_type, file.media_type);
  EXPECT_EQ(got->sha256, file.sha256);
  EXPECT_EQ(got->verified, file.verified);
  EXPECT_EQ(got->flags, file.flags);
  EXPECT_EQ(got->version, file.version);
  EXPECT_EQ(got->inode, file.inode);
  EXPECT_EQ(got->mtime_ns, file.mtime_ns);
}

TYPED_TEST_P(FileRecordsContract, ANameIsGivenOnceInAnAccountAndAgainInAnother) {
  files::FileRecord mine = some_file(1, this->ada_), twin = some_file(2, this->ada_),
                    theirs = some_file(3, this->bob_);
  twin.name = theirs.name = mine.name;
  this->add(mine);
  this->add(theirs);

  EXPECT_FALSE(this->write([&](Tx& tx) { return files_of(tx).insert(twin); }));

  auto by_name = [&](AccountId account, std::string name) {
    return this->template get<std::optional<files::FileRecord>>(
        [&](Tx& tx) { return files_of(tx).find_by_name(account, name); });
  };
  EXPECT_EQ(by_name(this->ada_, mine.name)->id, mine.id);
  EXPECT_EQ(by_name(this->bob_, mine.name)->id, theirs.id);
  EXPECT_FALSE(by_name(this->bob_, "folder/none"));
  EXPECT_FALSE(this->file(twin.id));
}

TYPED_TEST_P(FileRecordsContract, TwinsAreOtherFilesWhoseNamesDifferByCaseOrForm) {
  files::FileRecord mine = some_file(1, this->ada_);
  mine.name = "Folder/\xc3\x89t\xc3\xa9.txt";
  this->add(mine);
  auto twin = [&](AccountId account, std::string name, FileId self) {
    return this->template get<bool>([&](Tx& tx) { return files_of(tx).has_twin(account, name, self); });
  };

  EXPECT_TRUE(twin(this->ada_, "folder/\xc3\xa9T\xc3\xa9.TXT", file_id(2)));
  EXPECT_TRUE(twin(this->ada_, "Folder/E\xcc\x81te\xcc\x81.txt", file_id(2)));
  EXPECT_FALSE(twin(this->ada_, mine.name, file_id(2)));                    // the same name is no twin
  EXPECT_FALSE(twin(this->ada_, "folder/\xc3\xa9t\xc3\xa9.txt", mine.id));  // nor is the file itself
  EXPECT_FALSE(twin(this->bob_, "folder/\xc3\xa9t\xc3\xa9.txt", file_id(2)));
  mine.name = "elsewhere";
  ASSERT_TRUE(this->write([&](Tx& tx) { return files_of(tx).update(mine); }));
  EXPECT_FALSE(twin(this->ada_, "folder/\xc3\xa9T\xc3\xa9.TXT", file_id(2)));
  EXPECT_TRUE(twin(this->ada_, "ELSEWHERE", file_id(2)));
}

TYPED_TEST_P(FileRecordsContract, ListsAreNewestFirstAndOfOneAccount) {
  for (int i : {2, 0, 1}) this->add(some_file(i, this->ada_));
  files::FileRecord twin_of_2 = some_file(9, this->ada_);
  twin_of_2.published = some_file(2, this->ada_).published;
  this->add(twin_of_2);
  this->add(some_file(5, this->bob_));

  std::vector<FileId> ids;
  for (const auto& file : this->list(this->ada_)) ids.push_back(file.id);
  auto all = this->template get<std::vector<files::FileRecord>>([&](Tx& tx) { return files_of(tx).all(); });

  EXPECT_EQ(ids, (std::vector<FileId>{file_id(9), file_id(2), file_id(1), file_id(0)}));
  EXPECT_EQ(all.size(), 5u);
}

TYPED_TEST_P(FileRecordsContract, UsedBytesAreTheSumOfTheAccountsFiles) {
  auto used = [&](AccountId account) {
    return this->template get<std::uint64_t>([&](Tx& tx) { return files_of(tx).used_bytes(account); });
  };
  EXPECT_EQ(used(this->ada_), 0u);
  this->add(some_file(1, this->ada_));
  this->add(some_file(2, this->ada_));
  this->add(some_file(3, this->bob_));

  EXPECT_EQ(used(this->ada_), 203u);

  ASSERT_TRUE(this->write([&](Tx& tx) { return files_of(tx).remove(file_id(1)); }));
  EXPECT_EQ(used(this->ada_), 102u);
  EXPECT_FALSE(this->file(file_id(1)));
}

TYPED_TEST_P(FileRecordsContract, FilesWithoutDigestAreFoundOldestFirst) {
  for (int i = 0; i < 4; ++i) {
    files::FileRecord file = some_file(i, this->ada_);
    if (i == 1) file.sha256 = std::string(64, 'c');
    this->add(file);
  }

  auto two = this->template get<std::vector<files::FileRecord>>(
      [&](Tx& tx) { return files_of(tx).without_digest(2); });

  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].id, file_id(0));
  EXPECT_EQ(two[1].id, file_id(2));
}

TYPED_TEST_P(FileRecordsContract, UpdatingAnUnknownFileIsNotFound) {
  auto done = this->write([&](Tx& tx) { return files_of(tx).update(some_file(1, this->ada_)); });

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, Reason::not_found);
}

TYPED_TEST_P(FileRecordsContract, AnIntentReplacesThatOfTheSameJobFile) {
  files::Intent intent;
  intent.id = file_id(1);
  intent.chosen_name = "a (1).bin";
  intent.what = {this->ada_,           job_id(1), 2,     3,         "a.bin", "", "image/png", 77,
                 std::string(64, 'd'), false,     {"x"}, Seconds(5)};
  files::Intent next = intent;
  next.chosen_name = "a (2).bin";
  files::Intent other = intent;
  other.what.file = 0;
  other.what.keep.reset();
  other.what.flags.clear();

  for (const auto& one : {intent, next, other})
    ASSERT_TRUE(this->write([&](Tx& tx) { return files_of(tx).save_intent(one); }));
  this->reopen();
  auto found = this->template get<std::vector<files::Intent>>([&](Tx& tx) { return files_of(tx).intents(); });

  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].what.file, 0);
  EXPECT_FALSE(found[0].what.keep);
  EXPECT_TRUE(found[0].what.flags.empty());
  const files::Intent& got = found[1];
  EXPECT_EQ(got.id, intent.id);
  EXPECT_EQ(got.chosen_name, "a (2).bin");
  EXPECT_EQ(got.what.account, this->ada_);
  EXPECT_EQ(got.what.job, job_id(1));
  EXPECT_EQ(got.what.file, 2);
  EXPECT_EQ(got.what.generation, 3);
  EXPECT_EQ(got.what.wanted_name, "a.bin");
  EXPECT_EQ(got.what.media_type, "image/png");
  EXPECT_EQ(got.what.size_bytes, 77u);
  EXPECT_EQ(got.what.sha256, intent.what.sha256);
  EXPECT_FALSE(got.what.verified);
  EXPECT_EQ(got.what.flags, intent.what.flags);
  EXPECT_EQ(got.what.keep, Seconds(5));

  ASSERT_TRUE(this->write([&](Tx& tx) { return files_of(tx).remove_intent(job_id(1), 2); }));
  found = this->template get<std::vector<files::Intent>>([&](Tx& tx) { return files_of(tx).intents(); });
  EXPECT_EQ(found.size(), 1u);
}

TYPED_TEST_P(FileRecordsContract, DeletedFilesCountAndAreFoundOldestFirst) {
  using Trash = files::TrashRecords;
  for (int i : {2, 1, 3}) {
    const files::TrashedFile trashed{some_file(i, this->ada_), at_ms(i)};
    ASSERT_TRUE(this->write([&](Tx& tx) { return tx.repo<Trash>().insert(trashed); }));
  }
  this->add(some_file(9, this->ada_));
  this->reopen();

  const auto oldest = this->template get<std::vector<files::TrashedFile>>(
      [&](Tx& tx) { return tx.repo<Trash>().oldest(this->ada_, at_ms(3), 10); });
  const auto of_bob = this->template get<std::vector<files::TrashedFile>>(
      [&](Tx& tx) { return tx.repo<Trash>().list(this->bob_); });
  const auto used =
      this->template get<std::uint64_t>([&](Tx& tx) { return files_of(tx).used_bytes(this->ada_); });

  ASSERT_EQ(oldest.size(), 2U);
  EXPECT_EQ(oldest[0].file.id, file_id(1));
  EXPECT_EQ(oldest[0].removed, at_ms(1));
  EXPECT_EQ(oldest[1].file.name, "folder/file-2");
  EXPECT_TRUE(of_bob.empty());
  EXPECT_EQ(used, 101U + 102U + 103U + 109U);
}

TYPED_TEST_P(FileRecordsContract, TrafficOfAMonthAddsUp) {
  using Traffic = files::TrafficRecords;
  for (const AccountId account : {this->ada_, this->ada_, AccountId{777}})
    ASSERT_TRUE(this->write([&](Tx& tx) { return tx.repo<Traffic>().add(account, {24'000, 10, 1}); }));
  this->reopen();

  const auto rows = this->template get<std::vector<std::pair<AccountId, files::MonthTraffic>>>(
      [](Tx& tx) { return tx.repo<Traffic>().of_month(24'000); });

  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].first, this->ada_);
  EXPECT_EQ(rows[0].second.fetched_bytes, 20U);
  EXPECT_EQ(rows[0].second.served_bytes, 2U);
}

REGISTER_TYPED_TEST_SUITE_P(FileRecordsContract, DeletedFilesCountAndAreFoundOldestFirst,
                            TrafficOfAMonthAddsUp, EveryMemberOfAFileComesBackAfterInsertAndUpdate,
                            ANameIsGivenOnceInAnAccountAndAgainInAnother,
                            TwinsAreOtherFilesWhoseNamesDifferByCaseOrForm,
                            ListsAreNewestFirstAndOfOneAccount, UsedBytesAreTheSumOfTheAccountsFiles,
                            FilesWithoutDigestAreFoundOldestFirst, UpdatingAnUnknownFileIsNotFound,
                            AnIntentReplacesThatOfTheSameJobFile);

}  // namespace restante::store::test
