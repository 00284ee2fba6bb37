// SPDX-License-Identifier: Apache-2.0
#include "files/reconcile.hpp"

#include <gtest/gtest.h>

namespace restante::files {
namespace {

const AccountId account{1};

FileRecord row(int number, const std::string& name) {
  FileRecord record;
  record.id.bytes[15] = static_cast<std::uint8_t>(number);
  record.job.bytes[15] = 1;
  record.account = account;
  record.name = name;
  record.inode = static_cast<std::uint64_t>(number);
  record.size_bytes = 100;
  record.mtime_ns = 5'000'000'000;
  record.sha256 = "known";
  record.version = 3;
  return record;
}
SeenFile seen(int inode, const std::string& name, std::uint64_t links = 1) {
  return {name, static_cast<std::uint64_t>(inode), 100, links, 5'000'000'000};
}

TEST(Reconcile, LeavesAloneWhatIsAsItWas) {
  EXPECT_TRUE(reconcile(account, {row(1, "a")}, {seen(1, "a")}, {}).empty());
}

TEST(Reconcile, KnowsARenamedFileByInodeSizeAndTime) {
  const auto renamed = reconcile(account, {row(1, "a")}, {seen(1, "b")}, {});
  SeenFile touched = seen(1, "b");
  touched.mtime_ns += 1;
  const auto another = reconcile(account, {row(1, "a")}, {touched}, {});

  ASSERT_EQ(renamed.changed.size(), 1u);
  EXPECT_EQ(renamed.changed[0].now.id, row(1, "a").id);
  EXPECT_EQ(renamed.changed[0].now.name, "b");
  EXPECT_EQ(renamed.changed[0].now.sha256, "known");
  EXPECT_EQ(renamed.changed[0].now.version, 3);
  EXPECT_TRUE(renamed.gone.empty());
  EXPECT_TRUE(renamed.added.empty());
  EXPECT_EQ(another.gone.size(), 1u);
  EXPECT_EQ(another.added.size(), 1u);
}

TEST(Reconcile, ANameStaysWithItsRowWhenTheFileBehindItIsAnother) {
  const auto changes = reconcile(account, {row(1, "a"), row(2, "b")}, {seen(2, "a")}, {});

  ASSERT_EQ(changes.changed.size(), 1u);
  EXPECT_EQ(changes.changed[0].now.id, row(1, "a").id);
  EXPECT_EQ(changes.changed[0].now.inode, 2u);
  EXPECT_EQ(changes.changed[0].now.version, 4);
  EXPECT_EQ(changes.changed[0].now.sha256, "");
  ASSERT_EQ(changes.gone.size(), 1u);
  EXPECT_EQ(changes.gone[0].name, "b");
}

TEST(Reconcile, LeavesOutAFileThatHasANameElsewhere) {
  const auto outside = reconcile(account, {}, {seen(1, "a", 2)}, {});
  const auto inside = reconcile(account, {}, {seen(1, "a", 2), seen(1, "b", 2)}, {});
  const auto ours = reconcile(account, {row(1, "a")}, {seen(1, "b", 2)}, {});
  const auto planted = reconcile(account, {row(1, "a")}, {seen(2, "a", 2)}, {});

  EXPECT_TRUE(outside.empty());
  EXPECT_EQ(outside.outside_names, 1u);
  EXPECT_EQ(inside.added.size(), 2u);
  EXPECT_EQ(ours.changed.size(), 1u);
  EXPECT_EQ(planted.gone.size(), 1u);
  EXPECT_TRUE(planted.changed.empty());
}

TEST(Reconcile, BringsBackTheRowOfADeletedFileThatLiesInTheArea) {
  const TrashedFile deleted{row(1, "a"), Instant()};

  const auto changes = reconcile(account, {}, {seen(1, "b")}, {deleted});

  ASSERT_EQ(changes.back.size(), 1u);
  EXPECT_EQ(changes.back[0].file.id, deleted.file.id);
  EXPECT_EQ(changes.back[0].file.name, "b");
  EXPECT_TRUE(changes.added.empty());
}

}  // namespace
}  // namespace restante::files
