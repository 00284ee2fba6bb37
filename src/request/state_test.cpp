// SPDX-License-Identifier: Apache-2.0
#include "request/state.hpp"

#include "request/seal.hpp"
#include "request/test_place.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sys/stat.h>

namespace restante::request {
namespace {

mode_t mode_of(const std::filesystem::path& path) {
  struct stat found{};
  ::stat(path.c_str(), &found);
  return found.st_mode & 0777;
}

TEST(Home, IsMadeForItsOwnerOnlyAndSoAreItsFiles) {
  TestFolder folder;
  auto home = Home::open_at(folder / "a/b");
  ASSERT_TRUE(home) << home.error().message;

  ASSERT_TRUE(home->write("keys/home.pem", "secret"));

  EXPECT_EQ(mode_of(folder / "a/b"), 0700u);
  EXPECT_EQ(mode_of(folder / "a/b/keys"), 0700u);
  EXPECT_EQ(mode_of(folder / "a/b/keys/home.pem"), 0600u);
  EXPECT_EQ(home->read("keys/home.pem").value(), "secret");
}

TEST(Home, ReplacesAFileWholeAndLeavesNothingBeside) {
  TestFolder folder;
  auto home = Home::open_at(folder / "h");
  ASSERT_TRUE(home->write("x/one", std::string(100000, 'a')));

  ASSERT_TRUE(home->write("x/one", "b"));

  EXPECT_EQ(home->read("x/one").value(), "b");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "h/x"), {}), 1);
}

TEST(Home, DoesNotListWhatWasHalfWritten) {
  TestFolder folder;
  auto home = Home::open_at(folder / "h");
  ASSERT_TRUE(home->write("x/two", ""));
  ASSERT_TRUE(home->write("x/one", ""));
  std::ofstream(folder / "h/x/.new-abc") << "half";

  const auto names = home->list("x");

  EXPECT_EQ(names.value(), (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(home->list("nothing").value().empty());
}

TEST(Home, MissingFilesAreReadAsNoneAndRemovedTwice) {
  TestFolder folder;
  auto home = Home::open_at(folder / "h");
  ASSERT_TRUE(home->write("x", "1"));

  EXPECT_TRUE(home->remove("x"));
  EXPECT_TRUE(home->remove("x"));
  EXPECT_FALSE(home->read("x").value().has_value());
}

TEST(Home, SaysWhichFolderCannotBeUsed) {
  TestFolder folder;
  std::ofstream(folder / "file") << "";

  const auto home = Home::open_at(folder / "file");

  ASSERT_FALSE(home);
  EXPECT_EQ(home.error().reason, Reason::storage);
  EXPECT_NE(home.error().message.find((folder / "file").string()), std::string::npos);
}

TEST(Home, LocksAgainstOthersUntilTheDescriptorCloses) {
  TestFolder folder;
  auto home = Home::open_at(folder / "h");
  {
    auto held = home->lock("lock");
    ASSERT_TRUE(*held);
    EXPECT_FALSE(*home->lock("lock", Home::Wait::no));
  }
  EXPECT_TRUE(*home->lock("lock", Home::Wait::no));
}

TEST(Seal, OpensOnlyWithItsKeyItsNameAndItsBytes) {
  const std::string key(32, 'k'), plain = std::string("a\0b", 3) + std::string(5000, 'x');
  const std::string sealed = seal(key, plain, "name");

  EXPECT_EQ(unseal(key, sealed, "name"), plain);
  EXPECT_EQ(sealed.find("xxxx"), std::string::npos);
  EXPECT_FALSE(unseal(std::string(32, 'l'), sealed, "name"));
  EXPECT_FALSE(unseal(key, sealed, "other"));
  for (const std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{20}, sealed.size() - 1}) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(unseal(key, changed, "name")) << at;
  }
  for (std::size_t size = 0; size < 40; ++size) EXPECT_FALSE(unseal(key, sealed.substr(0, size), "name"));
}

TEST(Seal, NeverRepeatsItself) {
  const std::string key(32, 'k');

  EXPECT_NE(seal(key, "same", "name"), seal(key, "same", "name"));
  EXPECT_EQ(unseal(key, seal(key, "", "n"), "n"), "");
}

}  // namespace
}  // namespace restante::request
