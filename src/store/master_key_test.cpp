// SPDX-License-Identifier: Apache-2.0
#include "store/child.hpp"
#include "store/test_support.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::store {
namespace {

namespace fs = std::filesystem;
using test::Folder;
using testing::AllOf;
using testing::HasSubstr;

std::string error_of(const Result<std::string>& key) {
  if (key) return "";
  EXPECT_EQ(key.error().reason, Reason::storage);
  return key.error().message + " | " + key.error().hint;
}

unsigned mode_of(const std::string& path) {
  struct stat facts{};
  EXPECT_EQ(::stat(path.c_str(), &facts), 0);
  return facts.st_mode & 0777;
}

TEST(MasterKey, IsMadeOnceForItsOwnerOnly) {
  Folder folder;
  const std::string path = folder / "keys/master.key";

  auto first = load_master_key(path, true);
  auto second = load_master_key(path, true);
  auto other = load_master_key(folder / "other.key", true);

  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->size(), 32u);
  EXPECT_EQ(*second, *first);
  EXPECT_NE(*other, *first);
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(mode_of(folder / "keys"), 0700u);
  EXPECT_EQ(test::bytes_of_file(path), *first);
  EXPECT_FALSE(fs::exists(path + ".unfinished"));
}

TEST(MasterKey, IsNotMadeWhereItMustExist) {
  Folder folder;

  EXPECT_THAT(error_of(load_master_key(folder / "keys/master.key", false)),
              AllOf(HasSubstr("there is no master key"), HasSubstr("backup")));
  EXPECT_FALSE(fs::exists(folder / "keys"));
}

TEST(MasterKey, OfAWrongSizeIsRefusedAndLeftAsItIs) {
  for (const std::size_t size : {0u, 31u, 33u, 5000u}) {
    Folder folder;
    const std::string path = folder / "master.key", bytes(size, 'x');
    std::ofstream(path) << bytes;
    fs::permissions(path, fs::perms(0600));

    EXPECT_THAT(error_of(load_master_key(path, true)), AllOf(HasSubstr("32 bytes"), HasSubstr("backup")))
        << size;
    EXPECT_EQ(test::bytes_of_file(path), bytes);
  }
}

TEST(MasterKey, ThatOthersMayReadIsRefused) {
  Folder folder;
  const std::string path = folder / "master.key";
  ASSERT_TRUE(load_master_key(path, true));

  for (const unsigned mode : {0640u, 0604u, 0620u}) {
    fs::permissions(path, fs::perms(mode));
    EXPECT_THAT(error_of(load_master_key(path, true)), HasSubstr("chmod 600 " + path)) << mode;
  }
}

TEST(MasterKey, IsNotMadeInAFolderThatOthersMayWrite) {
  Folder folder;
  fs::permissions(folder.path(), fs::perms(0777));

  EXPECT_THAT(error_of(load_master_key(folder / "master.key", true)),
              HasSubstr("chmod 700 " + folder.path()));
  EXPECT_FALSE(fs::exists(folder / "master.key"));
}

TEST(MasterKey, IsAFileAndNothingElse) {
  Folder folder;
  fs::create_directory(folder / "folder");
  fs::create_symlink("/dev/zero", folder / "link");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);

  EXPECT_THAT(error_of(load_master_key(folder / "folder", true)), HasSubstr("is not a file"));
  EXPECT_THAT(error_of(load_master_key(folder / "link", true)), HasSubstr("symbolic link"));
  EXPECT_THAT(error_of(load_master_key(folder / "pipe", true)), HasSubstr("is not a file"));
}

TEST(MasterKey, OfAnotherUserIsToldSo) {
  Folder folder;
  const std::string path = folder / "master.key";
  ASSERT_TRUE(load_master_key(path, true));
  fs::permissions(folder.path(), fs::perms(0755));
  if (::geteuid() != 0) fs::permissions(path, fs::perms::none);  // a plain user stays who they are

  const std::string text = test::in_child_as_nobody([&] { return error_of(load_master_key(path, true)); });

  EXPECT_THAT(text, AllOf(HasSubstr("Permission denied"), HasSubstr("readable")));
}

TEST(MasterKey, IsMadeAgainAfterACrashHalfWay) {
  Folder folder;
  const std::string path = folder / "master.key";
  std::ofstream(path + ".unfinished") << "half";

  auto key = load_master_key(path, true);

  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(test::bytes_of_file(path), *key);
  EXPECT_FALSE(fs::exists(path + ".unfinished"));
}

}  // namespace
}  // namespace restante::store
