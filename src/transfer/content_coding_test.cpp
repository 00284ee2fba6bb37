// SPDX-License-Identifier: Apache-2.0
#include "transfer/content_coding.hpp"

#include <gtest/gtest.h>

#include <vector>
#include <zlib.h>

namespace restante::transfer {
namespace {

/// `bits`: as of deflateInit2: 15+16 gzip, 15 zlib, -15 raw.
std::string packed(std::string_view plain, int bits) {
  z_stream stream{};
  ::deflateInit2(&stream, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(::deflateBound(&stream, plain.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}
constexpr int gzip = 31, zlib = 15, raw = -15;

struct Unpacked {
  std::string text;
  bool good = true, ended = false;
};
Unpacked unpack(std::string_view name, std::string_view coded, std::size_t piece) {
  Unpacked out;
  Decoder decoder(name, {});
  for (std::size_t at = 0; at < coded.size() && out.good; at += piece) {
    out.good = decoder
                   .add(coded.substr(at, piece),
                        [&](std::string_view some) -> Result<void> {
                          out.text += some;
                          return {};
                        })
                   .has_value();
  }
  out.ended = decoder.at_end();
  return out;
}

std::string text() {
  std::string out;
  for (int i = 0; i < 300; ++i) out += "line " + std::to_string(i * i) + "\n";
  return out;
}

TEST(ContentCoding, TakesEveryFormOffInPiecesOfEverySize) {
  for (const auto& [name, bits] :
       {std::pair("gzip", gzip), std::pair("deflate", zlib), std::pair("deflate", raw)}) {
    const std::string coded = packed(text(), bits);
    for (std::size_t piece = 1; piece <= coded.size(); ++piece) {
      const Unpacked got = unpack(name, coded, piece);
      ASSERT_TRUE(got.good && got.ended) << name << bits << " in pieces of " << piece;
      ASSERT_EQ(got.text, text());
    }
  }
}

TEST(ContentCoding, KnowsWhenTheEndIsMissing) {
  for (const auto& [name, bits] :
       {std::pair("gzip", gzip), std::pair("deflate", zlib), std::pair("deflate", raw)}) {
    const std::string coded = packed(text(), bits);
    for (std::size_t size = 1; size < coded.size(); ++size) {
      const Unpacked got = unpack(name, coded.substr(0, size), 7);
      EXPECT_TRUE(got.good) << name << " cut at " << size;
      EXPECT_FALSE(got.ended) << name << " cut at " << size;
    }
  }
  EXPECT_TRUE(unpack("gzip", "", 1).ended) << "an empty body is the coding of nothing";
}

TEST(ContentCoding, RefusesAWrongCheckSumOrLengthAndWhatFollowsTheEnd) {
  const std::string good = packed(text(), gzip);
  for (std::size_t back = 1; back <= 8; ++back) {  // CRC32 and ISIZE
    std::string bad = good;
    bad[bad.size() - back] = static_cast<char>(bad[bad.size() - back] ^ 1);
    EXPECT_FALSE(unpack("gzip", bad, 100).good) << back;
  }
  EXPECT_FALSE(unpack("gzip", good + "and more", 100).good);
  EXPECT_FALSE(unpack("deflate", packed(text(), zlib) + "x", 100).good);
  EXPECT_FALSE(unpack("gzip", "<html>not packed at all</html>", 100).good);
}

TEST(ContentCoding, RefusesWhatFollowsADeflateStreamHoweverItComes) {
  for (const int bits : {zlib, raw}) {
    const std::string coded = packed(text(), bits) + "more";
    for (std::size_t piece : {std::size_t{1}, std::size_t{2}, coded.size() - 5, coded.size()})
      EXPECT_FALSE(unpack("deflate", coded, piece).good) << bits << " in pieces of " << piece;
  }
}

TEST(ContentCoding, TakesSeveralMembersAndPadding) {
  const std::string two = packed("one ", gzip) + packed("two", gzip) + std::string(20, '\0');
  for (std::size_t piece = 1; piece <= two.size(); ++piece) {
    const Unpacked got = unpack("gzip", two, piece);
    EXPECT_TRUE(got.good && got.ended) << piece;
    EXPECT_EQ(got.text, "one two");
  }
}

TEST(ContentCoding, StopsABombByItsRatioOnceMuchCameOut) {
  const std::string bomb = packed(std::string(3'000'000, 'x'), gzip);
  const auto ends_well = [&bomb](std::uint64_t free_bytes) {
    Decoder decoder("gzip", {100, free_bytes});
    return decoder.add(bomb, [](std::string_view) -> Result<void> { return {}; }).has_value();
  };

  EXPECT_TRUE(ends_well(3'000'000));
  EXPECT_FALSE(ends_well(1'000'000));
}

TEST(ContentCoding, KeepsAGzipFileAsItIs) {
  const auto plan = [](std::string coding, std::string type, bool named = false) {
    return coding_of(HeaderBlock{200, "", {{"content-encoding", coding}, {"content-type", type}}}, named)
        .plan;
  };

  EXPECT_EQ(plan("gzip", "text/plain"), CodingPlan::take_off);
  EXPECT_EQ(plan("X-GZIP", "text/plain"), CodingPlan::take_off);
  EXPECT_EQ(plan("deflate", "application/gzip"), CodingPlan::take_off);
  EXPECT_EQ(plan("gzip", "application/gzip"), CodingPlan::keep);
  EXPECT_EQ(plan("gzip", "Application/X-Gzip; x=y"), CodingPlan::keep);
  EXPECT_EQ(plan("gzip", "application/x-tar", true), CodingPlan::keep);
  EXPECT_EQ(plan("identity", ""), CodingPlan::none);
  EXPECT_EQ(plan("", ""), CodingPlan::none);
  EXPECT_EQ(plan("identity, gzip", ""), CodingPlan::take_off);
  EXPECT_EQ(plan("br", ""), CodingPlan::unknown);
  EXPECT_EQ(plan("gzip, gzip", ""), CodingPlan::unknown);
  EXPECT_TRUE(names_gzip("/a/B.TAR.GZ"));
  EXPECT_FALSE(names_gzip("/a.gz/b"));
}

}  // namespace
}  // namespace restante::transfer
