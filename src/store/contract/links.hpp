// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/contract/files.hpp"

namespace restante::store::test {

template <class Backend>
class LinkRecordsContract : public StoreContract<Backend> {
protected:
  files::Link link(int number, AccountId account) {
    files::Link out;
    out.id.bytes[15] = static_cast<std::uint8_t>(number);
    out.account = account;
    out.file = file_id(number);
    out.token_digest = sha256("token " + std::to_string(number));
    out.created = at_ms(1000 + number);
    return out;
  }
  files::Link folder_link(int number, AccountId account, std::string folder) {
    files::Link out = link(number, account);
    out.file.reset();
    out.folder = std::move(folder);
    return out;
  }
  void add(const files::Link& link) {
    ASSERT_TRUE(this->write([&](Tx& tx) { return links_of(tx).insert(link); }));
  }
  void add_file(const files::FileRecord& file) {
    ASSERT_TRUE(this->write([&](Tx& tx) { return files_of(tx).insert(file); }));
  }
  std::optional<files::Link> found(files::LinkId id) {
    return this->template get<std::optional<files::Link>>([&](Tx& tx) { return links_of(tx).find(id); });
  }
  std::vector<files::Link> list(AccountId account) {
    return this->template get<std::vector<files::Link>>([&](Tx& tx) { return links_of(tx).list(account); });
  }
  bool used(files::LinkId id) {
    return this->template put<bool>([&](Tx& tx) { return links_of(tx).use(id); });
  }
  bool removed(AccountId account, files::LinkId id) {
    return this->template put<bool>([&](Tx& tx) { return links_of(tx).remove(account, id); });
  }
  bool holds(AccountId account, std::string folder) {
    return this->template get<bool>([&](Tx& tx) { return links_of(tx).holds_files(account, folder); });
  }
};
TYPED_TEST_SUITE_P(LinkRecordsContract);

TYPED_TEST_P(LinkRecordsContract, EveryMemberOfALinkComesBack) {
  files::Link file = this->link(1, this->ada_);
  file.expires = at_ms(99);
  file.password_hash = "$argon2id$...";
  file.login = true;
  file.uses = 3;
  file.most_uses = 7;
  files::Link folder = this->folder_link(2, this->ada_, "trip/\xc3\xbc");
  this->add(file);
  this->add(folder);
  this->reopen();

  const auto got = this->found(file.id);
  const auto by_token = this->template get<std::optional<files::Link>>(
      [&](Tx& tx) { return links_of(tx).find_by_token(folder.token_digest); });

  ASSERT_TRUE(got && by_token);
  EXPECT_EQ(got->account, this->ada_);
  EXPECT_EQ(got->file, file.file);
  EXPECT_EQ(got->folder, "");
  EXPECT_EQ(got->token_digest, file.token_digest);
  EXPECT_EQ(got->created, file.created);
  EXPECT_EQ(got->expires, at_ms(99));
  EXPECT_EQ(got->password_hash, "$argon2id$...");
  EXPECT_TRUE(got->login);
  EXPECT_EQ(got->uses, 3);
  EXPECT_EQ(got->most_uses, 7);
  EXPECT_EQ(by_token->id, folder.id);
  EXPECT_FALSE(by_token->file);
  EXPECT_EQ(by_token->folder, "trip/\xc3\xbc");
  EXPECT_FALSE(by_token->expires);
  EXPECT_FALSE(by_token->most_uses);
}

TYPED_TEST_P(LinkRecordsContract, ATokenIsGivenOnce) {
  files::Link twin = this->link(2, this->bob_);
  twin.token_digest = this->link(1, this->ada_).token_digest;
  this->add(this->link(1, this->ada_));

  EXPECT_FALSE(this->write([&](Tx& tx) { return links_of(tx).insert(twin); }));
}

TYPED_TEST_P(LinkRecordsContract, ListsTheLinksOfAnAccountNewestFirst) {
  for (int number : {1, 3, 2}) this->add(this->link(number, this->ada_));
  this->add(this->link(4, this->bob_));

  const auto list = this->list(this->ada_);

  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].id, this->link(3, this->ada_).id);
  EXPECT_EQ(list[2].id, this->link(1, this->ada_).id);
  EXPECT_EQ(this->template get<int>([&](Tx& tx) { return links_of(tx).count(this->ada_); }), 3);
}

TYPED_TEST_P(LinkRecordsContract, OnlyTheOwnerRemovesALink) {
  const auto link = this->link(1, this->ada_);
  this->add(link);

  EXPECT_FALSE(this->removed(this->bob_, link.id));
  EXPECT_TRUE(this->found(link.id));
  EXPECT_TRUE(this->removed(this->ada_, link.id));
  EXPECT_FALSE(this->removed(this->ada_, link.id));
  EXPECT_FALSE(this->found(link.id));
}

TYPED_TEST_P(LinkRecordsContract, ALinkIsUsedAsOftenAsItMay) {
  files::Link twice = this->link(1, this->ada_);
  twice.most_uses = 2;
  this->add(twice);
  this->add(this->link(2, this->ada_));

  EXPECT_TRUE(this->used(twice.id));
  EXPECT_TRUE(this->used(twice.id));
  EXPECT_FALSE(this->used(twice.id));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(this->used(this->link(2, this->ada_).id));
  EXPECT_EQ(this->found(twice.id)->uses, 2);
}

TYPED_TEST_P(LinkRecordsContract, LinksGoWithTheirAccount) {
  this->add(this->link(1, this->ada_));
  this->add(this->link(2, this->bob_));

  ASSERT_TRUE(this->write([&](Tx& tx) { return accounts_of(tx).remove(this->ada_); }));

  EXPECT_FALSE(this->found(this->link(1, this->ada_).id));
  const auto ids = this->template get<std::vector<files::LinkId>>([](Tx& tx) { return links_of(tx).ids(); });
  EXPECT_EQ(ids, std::vector<files::LinkId>{this->link(2, this->bob_).id});
}

TYPED_TEST_P(LinkRecordsContract, ASweepRemovesWhatIsOverAndWhatLeadsToNothing) {
  files::Link over = this->link(1, this->ada_), kept = this->link(2, this->ada_),
              gone = this->link(3, this->ada_);
  over.expires = at_ms(50);
  kept.expires = at_ms(51);
  for (int number : {1, 2}) this->add_file(some_file(number, this->ada_));
  const auto folder = this->folder_link(4, this->ada_, "folder");
  for (const auto& link : {over, kept, gone, folder}) this->add(link);

  ASSERT_TRUE(this->write([&](Tx& tx) { return links_of(tx).sweep(at_ms(50)); }));

  EXPECT_FALSE(this->found(over.id));
  EXPECT_TRUE(this->found(kept.id));
  EXPECT_FALSE(this->found(gone.id));
  EXPECT_TRUE(this->found(folder.id));
}

TYPED_TEST_P(LinkRecordsContract, AFolderIsNotOneThatBeginsAlike) {
  auto file = some_file(1, this->ada_);
  file.name = "x2/file";
  this->add_file(file);

  EXPECT_TRUE(this->holds(this->ada_, "x2"));
  EXPECT_FALSE(this->holds(this->ada_, "x"));
  EXPECT_FALSE(this->holds(this->ada_, "x2/file"));
  EXPECT_FALSE(this->holds(this->bob_, "x2"));
}

TYPED_TEST_P(LinkRecordsContract, LinksFollowAFolderThatIsMoved) {
  const std::string old = "\xc3\xbc";
  this->add(this->folder_link(1, this->ada_, old));
  this->add(this->folder_link(2, this->ada_, old + "/inside"));
  this->add(this->folder_link(3, this->ada_, old + "2"));
  this->add(this->folder_link(4, this->bob_, old));

  ASSERT_TRUE(this->write([&](Tx& tx) { return links_of(tx).move_folder(this->ada_, old, "a/new"); }));

  EXPECT_EQ(this->found(this->link(1, this->ada_).id)->folder, "a/new");
  EXPECT_EQ(this->found(this->link(2, this->ada_).id)->folder, "a/new/inside");
  EXPECT_EQ(this->found(this->link(3, this->ada_).id)->folder, old + "2");
  EXPECT_EQ(this->found(this->link(4, this->bob_).id)->folder, old);
}

REGISTER_TYPED_TEST_SUITE_P(LinkRecordsContract, EveryMemberOfALinkComesBack, ATokenIsGivenOnce,
                            ListsTheLinksOfAnAccountNewestFirst, OnlyTheOwnerRemovesALink,
                            ALinkIsUsedAsOftenAsItMay, LinksGoWithTheirAccount,
                            ASweepRemovesWhatIsOverAndWhatLeadsToNothing, AFolderIsNotOneThatBeginsAlike,
                            LinksFollowAFolderThatIsMoved);

}  // namespace restante::store::test
