// SPDX-License-Identifier: Apache-2.0
#include "store/vault.hpp"

#include "store/test_support.hpp"

#include <gmock/gmock.h>

#include <set>

namespace restante::store {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view canary = "canary-cleartext-0123456789";

TEST(Vault, OpensWhatItSealed) {
  const MasterKeyVault vault(test::key_of('k'));

  for (const std::string& plain : {std::string(), std::string(canary), std::string(100'000, '\0')}) {
    const std::string sealed = vault.seal(plain, "job 1");
    auto opened = vault.open(sealed, "job 1");
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, plain);
    EXPECT_THAT(sealed, Not(HasSubstr(std::string(canary))));
  }
}

TEST(Vault, SealsTheSameTwiceDifferently) {
  const MasterKeyVault vault(test::key_of('k'));
  std::set<std::string> seen;

  for (int i = 0; i < 100; ++i) seen.insert(vault.seal("same", "context"));

  EXPECT_EQ(seen.size(), 100u);
}

TEST(Vault, RefusesAnotherContext) {
  const MasterKeyVault vault(test::key_of('k'));

  auto opened = vault.open(vault.seal(canary, "job 1"), "job 2");

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, Reason::storage);
}

TEST(Vault, RefusesEveryChangedOrMissingByte) {
  const MasterKeyVault vault(test::key_of('k'));
  const std::string sealed = vault.seal("secret", "job 1");

  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(vault.open(changed, "job 1")) << i;
    EXPECT_FALSE(vault.open(sealed.substr(0, i), "job 1")) << i;
  }
  EXPECT_FALSE(vault.open(sealed + "x", "job 1"));
}

TEST(Vault, TellsAnotherMasterKeyFromDamage) {
  const std::string sealed = MasterKeyVault(test::key_of('a')).seal(canary, "job 1");

  auto opened = MasterKeyVault(test::key_of('b')).open(sealed, "job 1");

  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("another master key"));
  EXPECT_THAT(opened.error().message + opened.error().hint, Not(HasSubstr(std::string(canary))));
}

TEST(Secrets, LeaveNoClearTextOnDiskAndNothingAtAllWhenErased) {
  test::Folder folder;
  auto store = test::open_in(folder);
  jobs::Job job = test::some_job(1, test::make_account(*store, "ada"));
  // Long enough for pages of its own, which become free when it is erased.
  std::string plain;
  for (int i = 0; i < 1000; ++i) plain += canary;
  job.secrets = store->seal(plain, job.id.text());
  const std::string piece = job.secrets.substr(10'000, 100), head = job.secrets.substr(0, 50);
  auto everything = [&] {
    return test::bytes_of_file(folder / "restante.db") + test::bytes_of_file(folder / "restante.db-wal");
  };

  ASSERT_TRUE(test::put<bool>(*store, [&](Tx& tx) { return test::jobs_of(tx).insert(job); }));
  const std::string while_open = everything();
  store->close();
  store.reset();
  const std::string when_closed = everything();
  store = test::open_in(folder);
  ASSERT_TRUE(test::write(*store, [&](Tx& tx) { return test::jobs_of(tx).erase_secrets(job.id); }));
  store->close();
  store.reset();
  const std::string when_erased = everything();

  EXPECT_NE(while_open.find(piece), std::string::npos);
  EXPECT_NE(when_closed.find(piece), std::string::npos);
  for (const std::string* bytes : {&while_open, &when_closed, &when_erased})
    EXPECT_EQ(bytes->find(canary), std::string::npos);
  EXPECT_EQ(when_erased.find(piece), std::string::npos);
  EXPECT_EQ(when_erased.find(head), std::string::npos);
}

}  // namespace
}  // namespace restante::store
