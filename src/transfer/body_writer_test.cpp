// SPDX-License-Identifier: Apache-2.0
#include "transfer/body_writer.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
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

/// A file of a real file system, and a content of which much is still to come.
class DirectWriter : public Writer {
protected:
  static constexpr std::uint64_t total = 1ull << 30;
  BufferPool wide_{16ull << 20};

  void SetUp() override {
    file_.reset(::open(testing::TempDir().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  }

  bool past_cache() const { return (::fcntl(file_.get(), F_GETFL) & O_DIRECT) != 0; }
  BodyWriter::Options options_from(std::uint64_t offset) {
    BodyWriter::Options out = options();
    out.offset = offset;
    out.total_bytes = total;
    return out;
  }
  /// Adds them 16 KiB at a time, as libcurl does.
  static void feed(BodyWriter& writer, std::string_view bytes, std::chrono::microseconds pause = {}) {
    TimePoint now{};
    for (; !bytes.empty(); now += pause) {
      const auto some = bytes.substr(0, 16384);
      ASSERT_TRUE(writer.add(some, now));
      bytes.remove_prefix(some.size());
    }
  }
};

TEST_F(DirectWriter, WritesWhatIsLongAndFastPastThePageCache) {
  const std::string all = pattern(9'000'000);
  for (const std::size_t offset : {std::size_t{0}, std::size_t{4097}, std::size_t{1'234'567}}) {
    ASSERT_EQ(::ftruncate(file_.get(), 0), 0);
    ASSERT_EQ(::pwrite(file_.get(), all.data(), offset, 0), static_cast<ssize_t>(offset));
    auto with = options_from(offset);
    if (offset == 0) with.digest_algorithm = "md5";
    BodyWriter writer(wide_, std::move(with));
    writer.set_alone(true);

    feed(writer, std::string_view(all).substr(offset));

    EXPECT_TRUE(past_cache()) << offset;
    EXPECT_LE(writer.position() - writer.written_bytes(), BufferPool::direct_bytes);
    ASSERT_TRUE(writer.flush());
    EXPECT_FALSE(past_cache());
    EXPECT_TRUE(bytes() == all) << offset;
    PieceHasher pieces;
    pieces.update(all);
    EXPECT_EQ(writer.report_pieces().digests, pieces.report().digests);
    if (offset == 0) {
      Hasher hasher("MD5");
      hasher.update(all.data(), all.size());
      const std::string raw = hasher.finish();
      EXPECT_EQ(writer.finish_digest(),
                to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()}));
    }
  }
}

TEST_F(DirectWriter, KeepsToThePageCacheWhereThatServesBetter) {
  const std::string some = pattern(4'000'000);
  const auto goes_past = [&](bool alone, std::optional<std::uint64_t> length,
                             std::chrono::microseconds pause) {
    auto with = options();
    with.total_bytes = length;
    BodyWriter writer(wide_, std::move(with));
    writer.set_alone(alone);
    feed(writer, some, pause);
    const bool past = past_cache();
    EXPECT_TRUE(writer.flush());
    return past;
  };
  using namespace std::chrono_literals;

  EXPECT_TRUE(goes_past(true, total, 100us));
  EXPECT_FALSE(goes_past(false, total, 0us)) << "others would wait";
  EXPECT_FALSE(goes_past(true, 60'000'000, 0us)) << "it is short";
  EXPECT_FALSE(goes_past(true, std::nullopt, 0us)) << "nobody knows how long it is";
  EXPECT_FALSE(goes_past(true, total, 1ms)) << "16 MB/s";
}

TEST_F(DirectWriter, GoesBackToThePageCacheWhenItIsNotAloneAnyMore) {
  const std::string all = pattern(8'000'000);
  BodyWriter writer(wide_, options_from(0));
  writer.set_alone(true);
  feed(writer, std::string_view(all).substr(0, 4'000'000));
  const bool before = past_cache();
  writer.set_alone(false);

  feed(writer, std::string_view(all).substr(4'000'000));

  EXPECT_TRUE(before);
  EXPECT_FALSE(past_cache());
  ASSERT_TRUE(writer.flush());
  EXPECT_TRUE(bytes() == all);
}

TEST_F(DirectWriter, GoesBackToThePageCacheWhenLittleComes) {
  const std::string all = pattern(5'000'000);
  BodyWriter writer(wide_, options_from(0));
  writer.set_alone(true);
  feed(writer, std::string_view(all).substr(0, 4'000'000));
  const bool before = past_cache();

  ASSERT_TRUE(writer.flush_and_release());
  feed(writer, std::string_view(all).substr(4'000'000), std::chrono::milliseconds(5));

  EXPECT_TRUE(before);
  EXPECT_FALSE(past_cache());
  ASSERT_TRUE(writer.flush());
  EXPECT_TRUE(bytes() == all);
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
