// SPDX-License-Identifier: Apache-2.0
#include "transfer/body_writer.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::transfer {
namespace {

using TimePoint = BodyWriter::TimePoint;

class Writer : public testing::Test {
protected:
  UniqueFd file_{::memfd_create("content", MFD_CLOEXEC)};
  BufferPool pool_{1024 * 1024};

  BodyWriter::Options options() {
    BodyWriter::Options options;
    options.file.reset(::dup(file_.get()));
    return options;
  }
  std::string bytes() {
    struct stat about{};
    ::fstat(file_.get(), &about);
    std::string text(static_cast<std::size_t>(about.st_size), '\0');
    EXPECT_EQ(::pread(file_.get(), text.data(), text.size(), 0), about.st_size);
    return text;
  }
  static std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 256);
    return text;
  }
};

TEST_F(Writer, WritesTheSameBytesWhateverTheSizeOfThePieces) {
  const std::string all = pattern(1'000'000);
  for (const std::size_t piece :
       {std::size_t{1000}, std::size_t{4096}, std::size_t{16384}, std::size_t{300'000}, all.size()}) {
    ASSERT_EQ(::ftruncate(file_.get(), 0), 0);
    BodyWriter writer(pool_, options());
    for (std::size_t at = 0; at < all.size(); at += piece) {
      ASSERT_TRUE(writer.add(std::string_view(all).substr(at, piece), TimePoint()));
    }
    ASSERT_TRUE(writer.flush());
    EXPECT_TRUE(bytes() == all) << piece;
    EXPECT_EQ(writer.written_bytes(), all.size());
  }
}

TEST_F(Writer, GathersOnlyWhatComesFast) {
  const std::string piece = pattern(64 * 1024);
  BodyWriter fast(pool_, options()), slow(pool_, options());
  TimePoint now{};
  const auto feed = [&](BodyWriter& writer, std::chrono::milliseconds pause) {
    for (int i = 0; i < 6; ++i, now += pause) ASSERT_TRUE(writer.add(piece, now));
  };

  feed(fast, std::chrono::milliseconds(0));
  feed(slow, std::chrono::milliseconds(2));

  EXPECT_GT(fast.position() - fast.written_bytes(), piece.size());
  EXPECT_LE(slow.position() - slow.written_bytes(), piece.size());
}

TEST_F(Writer, BeginsAtItsOffset) {
  BodyWriter::Options at = options();
  at.offset = 5;
  BodyWriter writer(pool_, std::move(at));
  ASSERT_TRUE(writer.add("abc", TimePoint()));
  ASSERT_TRUE(writer.flush());
  EXPECT_EQ(bytes(), std::string(5, '\0') + "abc");
}

TEST_F(Writer, SaysHowLongBytesHaveBeenInMemoryOnly) {
  BodyWriter writer(pool_, options());
  EXPECT_FALSE(writer.oldest_byte());
  ASSERT_TRUE(writer.add("abc", TimePoint(std::chrono::seconds(1))));
  ASSERT_TRUE(writer.add("def", TimePoint(std::chrono::seconds(2))));
  EXPECT_EQ(writer.oldest_byte(), TimePoint(std::chrono::seconds(1)));
  EXPECT_EQ(writer.position(), 6U);
  EXPECT_EQ(writer.written_bytes(), 0U);
  ASSERT_TRUE(writer.flush_and_release());
  EXPECT_FALSE(writer.oldest_byte());
  EXPECT_EQ(pool_.used_bytes(), 0U);
}

TEST_F(Writer, WritesWithoutGatheringWhenTheBudgetIsUsedUp) {
  BufferPool none(0);
  BodyWriter writer(none, options());
  ASSERT_TRUE(writer.add("abc", TimePoint()));
  EXPECT_EQ(bytes(), "abc");
}

TEST_F(Writer, TakesALargeBufferOnlyForAFastTransfer) {
  const std::string block = pattern(BufferPool::small_bytes);
  BodyWriter slow(pool_, options());
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(slow.add(block.substr(1), TimePoint(std::chrono::seconds(10 * i))));
    ASSERT_TRUE(slow.add("x", TimePoint(std::chrono::seconds(10 * i + 1))));
  }
  EXPECT_EQ(pool_.used_bytes(), BufferPool::small_bytes);
  BodyWriter fast(pool_, options());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(fast.add(block, TimePoint()));
  EXPECT_EQ(pool_.used_bytes(), BufferPool::small_bytes + BufferPool::large_bytes);
}

TEST_F(Writer, StopsAtTheLimit) {
  BodyWriter::Options limited = options();
  limited.bounds = {{9, fail(Reason::disk_full, "").value()}, {5, fail(Reason::too_large, "").value()}};
  BodyWriter writer(pool_, std::move(limited));
  EXPECT_TRUE(writer.add("12345", TimePoint()));
  const auto over = writer.add("6", TimePoint());
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().reason, Reason::too_large);
}

TEST_F(Writer, DigestsWhatItWritesFromTheStartOnly) {
  BodyWriter::Options with = options();
  with.digest_algorithm = "md5";
  BodyWriter writer(pool_, std::move(with));
  ASSERT_TRUE(writer.add("abc", TimePoint()));
  ASSERT_TRUE(writer.flush());
  EXPECT_EQ(writer.finish_digest(), "900150983cd24fb0d6963f7d28e17f72");
  BodyWriter::Options later = options();
  later.digest_algorithm = "md5";
  later.offset = 1;
  EXPECT_FALSE(BodyWriter(pool_, std::move(later)).digests());
}

TEST_F(Writer, TellsThePiecesOfWhatIsWritten) {
  const std::string all = pattern(2 * piece_bytes + 500'000);
  Pieces told;
  BodyWriter writer(pool_, options());
  for (std::size_t at = 0; at < all.size(); at += 600'000) {
    ASSERT_TRUE(writer.add(std::string_view(all).substr(at, 600'000), TimePoint()));
    EXPECT_TRUE(add(told, writer.report_pieces()));
    EXPECT_EQ(told.end_bytes, writer.written_bytes()) << "never of bytes that are only in memory";
  }
  ASSERT_TRUE(writer.flush());
  ASSERT_TRUE(add(told, writer.report_pieces()));

  PieceHasher hasher;
  hasher.update(all);
  EXPECT_EQ(told.digests, hasher.report().digests);
}

TEST_F(Writer, GoesOnWithThePieceThatItsFileHasBegun) {
  const std::string all = pattern(piece_bytes + 500'000);
  const std::size_t held = piece_bytes + 123'456;
  ASSERT_EQ(::pwrite(file_.get(), all.data(), held, 0), static_cast<ssize_t>(held));
  BodyWriter::Options at = options();
  at.offset = held;
  BodyWriter writer(pool_, std::move(at));
  ASSERT_TRUE(writer.add(std::string_view(all).substr(held), TimePoint()));
  ASSERT_TRUE(writer.flush());
  const PieceReport report = writer.report_pieces();

  PieceHasher hasher;
  hasher.update(all);
  EXPECT_EQ(report.first, 1u);
  EXPECT_EQ(report.end_bytes, all.size());
  EXPECT_EQ(report.digests, hasher.report().digests.substr(piece_digest_bytes));
}

TEST_F(Writer, TellsNoPiecesOfAFileThatIsShorterThanItsOffset) {
  BodyWriter::Options at = options();
  at.offset = 10;
  BodyWriter writer(pool_, std::move(at));
  ASSERT_TRUE(writer.add("abc", TimePoint()));
  ASSERT_TRUE(writer.flush());

  EXPECT_EQ(writer.report_pieces().end_bytes, 0u);
}

}  // namespace
}  // namespace restante::transfer
