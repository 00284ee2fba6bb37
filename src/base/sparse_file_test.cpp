// SPDX-License-Identifier: Apache-2.0
#include "base/sparse_file.hpp"

#include "base/fd.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace restante {
namespace {

constexpr std::uint64_t align = stretch_align_bytes;
constexpr std::uint64_t block = 4096;

/// A file of the folder of the tests, whose file system has blocks of 4 KiB.
struct File : testing::Test {
  File() : fd(::open(std::filesystem::temp_directory_path().c_str(), O_TMPFILE | O_RDWR, 0600)) {
    EXPECT_TRUE(fd);
  }

  void write(std::uint64_t at, std::uint64_t bytes) {
    const std::string some(bytes, 'x');
    ASSERT_EQ(::pwrite(fd.get(), some.data(), bytes, static_cast<off_t>(at)), static_cast<ssize_t>(bytes));
  }
  std::uint64_t length() const {
    struct stat status{};
    EXPECT_EQ(::fstat(fd.get(), &status), 0);
    return static_cast<std::uint64_t>(status.st_size);
  }

  UniqueFd fd;
};

auto is_span(std::uint64_t begin, std::uint64_t end) {
  return testing::AllOf(testing::Field(&Span::begin, begin), testing::Field(&Span::end, end));
}

TEST_F(File, ThatGrewInOrderIsItsBeginningToTheByte) {
  write(0, 100'001);

  const FileLayout layout = layout_of(fd.get(), 16);

  EXPECT_FALSE(layout.sparse);
  EXPECT_EQ(layout.beginning, 100'001u);
  EXPECT_THAT(layout.apart, testing::IsEmpty());
}

TEST_F(File, ThatIsEmptyHasNothing) {
  const FileLayout layout = layout_of(fd.get(), 16);

  EXPECT_FALSE(layout.sparse);
  EXPECT_EQ(layout.held_bytes(), 0u);
}

TEST_F(File, ThatWasSpreadTellsWhatCameIntoWhichPlaceUpToTheLastBlock) {
  write(0, 10 * block + 7);
  ASSERT_TRUE(spread(fd.get(), 40 * align + 5, {{10 * block + 7, 40 * align + 5}}));
  write(10 * block + 7, 2 * block);
  write(20 * align, align + 1);
  write(30 * align, 3 * block);
  write(39 * align, align + 5);

  const FileLayout layout = layout_of(fd.get(), 16);

  EXPECT_TRUE(layout.sparse);
  EXPECT_EQ(layout.beginning, 12 * block);
  EXPECT_THAT(layout.apart, testing::ElementsAre(is_span(20 * align, 21 * align),
                                                 is_span(30 * align, 30 * align + 2 * block),
                                                 is_span(39 * align, 40 * align)));
}

TEST_F(File, ThatWasSpreadNeverLooksWhole) {
  ASSERT_TRUE(spread(fd.get(), 2 * align + 5, {}));
  write(0, 2 * align + 5);

  const FileLayout layout = layout_of(fd.get(), 16);

  EXPECT_TRUE(layout.sparse);
  EXPECT_EQ(layout.beginning, 2 * align);
}

TEST_F(File, OfManyPlacesTellsTheLongestOnes) {
  ASSERT_TRUE(spread(fd.get(), 40 * align, {}));
  write(0, align);
  write(10 * align, 2 * block);
  write(20 * align, 5 * block);
  write(30 * align, 4 * block);

  EXPECT_THAT(layout_of(fd.get(), 2).apart,
              testing::ElementsAre(is_span(20 * align, 20 * align + 4 * block),
                                   is_span(30 * align, 30 * align + 3 * block)));
}

TEST_F(File, KeepsWhatIsWantedOnly) {
  ASSERT_TRUE(spread(fd.get(), 40 * align, {}));
  for (const std::uint64_t at : {0, 10, 20, 30}) write(at * align, align);
  std::vector<Span> wanted{{20 * align, 20 * align + 100}};

  ASSERT_TRUE(keep_only(fd.get(), 1000, wanted));

  EXPECT_EQ(wanted.size(), 1u);
  EXPECT_EQ(length(), 20 * align + 100);
  EXPECT_EQ(data_bytes(fd.get()), block + 100);
  char bytes[2] = {};
  ASSERT_EQ(::pread(fd.get(), bytes, 2, 999), 2);
  EXPECT_EQ(std::string(bytes, 2), std::string("x\0", 2));
}

TEST_F(File, WithoutAnythingApartIsCut) {
  ASSERT_TRUE(spread(fd.get(), 40 * align, {}));
  write(0, align);
  std::vector<Span> none;

  ASSERT_TRUE(keep_only(fd.get(), 1000, none));

  EXPECT_EQ(length(), 1000u);
  EXPECT_FALSE(layout_of(fd.get(), 16).sparse);
}

TEST_F(File, HolesAreNotCountedAsHeld) {
  write(0, align);
  ASSERT_TRUE(spread(fd.get(), 100 * align, {{align, 100 * align}}));
  write(50 * align, align);

  EXPECT_EQ(data_bytes(fd.get()), 2 * align + block);
}

TEST(TellsHoles, SaysWhatTheFileSystemCanDo) {
  const UniqueFd folder(::open(std::filesystem::temp_directory_path().c_str(), O_RDONLY | O_DIRECTORY));
  const UniqueFd kernel(::open("/proc/self", O_RDONLY | O_DIRECTORY));

  EXPECT_TRUE(tells_holes(folder.get()));
  EXPECT_FALSE(tells_holes(kernel.get()));
}

}  // namespace
}  // namespace restante
