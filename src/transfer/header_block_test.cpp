// SPDX-License-Identifier: Apache-2.0
#include "transfer/header_block.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace restante::transfer {
namespace {

using testing::ElementsAre;
using Step = HeaderReader::Step;

Step read(HeaderReader& reader, std::initializer_list<std::string_view> lines) {
  Step last = Step::more;
  for (std::string_view line : lines) {
    last = reader.line(line);
    if (last == Step::malformed || last == Step::too_much) break;
  }
  return last;
}
HeaderReader reader(std::size_t bytes = 10000, std::size_t lines = 100, int interim = 3) {
  return HeaderReader({bytes, lines, interim});
}

TEST(HeaderBlock, KeepsEveryFieldAsItCame) {
  HeaderReader one = reader();

  EXPECT_EQ(read(one, {"HTTP/1.1 200 All right\r\n", "A: 1\r\n", "a:  2 \r\n", "\r\n"}), Step::complete);

  EXPECT_EQ(one.block().status, 200);
  EXPECT_EQ(one.block().phrase, "All right");
  EXPECT_THAT(one.block().all("a"), ElementsAre("1", "2"));
}

TEST(HeaderBlock, DropsInterimAnswersAndTrailers) {
  HeaderReader one = reader();

  EXPECT_EQ(read(one, {"HTTP/1.1 103 Hints\r\n", "A: 1\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "\r\n"}),
            Step::complete);
  EXPECT_EQ(one.line("Content-Length: 5\r\n"), Step::more);

  EXPECT_FALSE(one.block().has("a"));
  EXPECT_FALSE(one.block().has("content-length"));
}

TEST(HeaderBlock, RefusesWhatCouldBeReadInTwoWays) {
  for (std::string_view bad :
       {std::string_view("Content-Length : 1\r\n"), std::string_view("Transfer-Encoding\t: chunked\r\n"),
        std::string_view("no colon\r\n"), std::string_view("A: x\0y\r\n", 8),
        std::string_view("A: x\ry\r\n")}) {
    HeaderReader one = reader();
    EXPECT_EQ(read(one, {"HTTP/1.1 200 OK\r\n", bad}), Step::malformed) << bad;
  }
  for (std::string_view bad :
       {"ICY 200 OK\r\n", "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1\r\n"}) {
    HeaderReader one = reader();
    EXPECT_EQ(one.line(bad), Step::malformed) << bad;
  }
}

TEST(HeaderBlock, LeavesOutFieldsOfBrokenNamesThatDecideNothing) {
  HeaderReader one = reader();

  EXPECT_EQ(read(one, {"HTTP/1.1 200 OK\r\n", "A : 1\r\n", " and more\r\n", "My Name: x\r\n", ": y\r\n",
                       "B: 2\r\n", "\r\n"}),
            Step::complete);

  EXPECT_EQ(one.block().fields.size(), 1U);
  EXPECT_EQ(one.block().first("b"), "2");
}

TEST(HeaderBlock, KeepsTrailersApart) {
  HeaderReader one = reader();

  read(one, {"HTTP/1.1 200 OK\r\n", "A: 1\r\n", "\r\n", "Repr-Digest: x\r\n", "A: 2\r\n", "\r\n"});

  EXPECT_THAT(one.block().all("a"), ElementsAre("1"));
  EXPECT_THAT(one.trailers(), ElementsAre(testing::Pair("repr-digest", "x"), testing::Pair("a", "2")));
}

TEST(HeaderBlock, UnfoldsLines) {
  HeaderReader one = reader();
  read(one, {"HTTP/1.1 200 OK\r\n", "A: 1\r\n", "\t 2\r\n", "\r\n"});
  EXPECT_EQ(one.block().first("a"), "1 2");
}

TEST(HeaderBlock, IsBoundedInBytesLinesAndInterimAnswers) {
  HeaderReader bytes = reader(30), lines = reader(10000, 2), interim = reader(10000, 100, 1);
  EXPECT_EQ(read(bytes, {"HTTP/1.1 200 OK\r\n", "A: 1234567890\r\n"}), Step::too_much);
  EXPECT_EQ(read(lines, {"HTTP/1.1 200 OK\r\n", "A: 1\r\n", "B: 2\r\n"}), Step::too_much);
  EXPECT_EQ(read(interim, {"HTTP/1.1 100 C\r\n", "\r\n", "HTTP/1.1 100 C\r\n", "\r\n"}), Step::too_much);
}

TEST(HeaderBlock, ReadsContentRangesStrictly) {
  const auto range = parse_content_range("bytes 5-9/20");
  ASSERT_TRUE(range);
  EXPECT_TRUE(range->satisfied);
  EXPECT_EQ(range->first, 5U);
  EXPECT_EQ(range->last, 9U);
  EXPECT_EQ(range->total, 20U);
  EXPECT_FALSE(parse_content_range("bytes 5-9/*")->total);
  for (const char* odd : {"bytes=5-9/20", "Bytes  5 - 9 / 20", " bytes 5-9/20 "}) {
    EXPECT_TRUE(parse_content_range(odd)) << odd;
  }
  EXPECT_FALSE(parse_content_range("bytes */20")->satisfied);
  for (const char* bad :
       {"", "bytes", "bytes */*", "bytes 9-5/20", "bytes 5-20/20", "bytes 5-9", "bytes -5-9/20",
        "bytes 5-9/2x", "items 5-9/20", "bytes:5-9/20", "bytes 5-99999999999999999999/*"}) {
    EXPECT_FALSE(parse_content_range(bad)) << bad;
  }
}

TEST(HeaderBlock, ReadsDatesInTheirThreeForms) {
  const Instant expected{Seconds(784111777)};
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), expected);
  EXPECT_FALSE(parse_http_date("tomorrow"));
  EXPECT_FALSE(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT and more"));
}

TEST(HeaderBlock, TakesOnlyStrongValidatorsForIfRange) {
  const std::string date = "Sun, 06 Nov 1994 08:49:37 GMT", later = "Sun, 06 Nov 1994 08:49:38 GMT";
  const auto of = [](std::vector<std::pair<std::string, std::string>> fields) {
    return strong_validator(HeaderBlock{200, "", std::move(fields)});
  };

  EXPECT_EQ(of({{"etag", "\"a\""}, {"last-modified", date}}), "\"a\"");
  EXPECT_EQ(of({{"etag", "W/\"a\""}, {"last-modified", date}, {"date", later}}), "");
  EXPECT_EQ(of({{"last-modified", date}, {"date", later}}), date);
  EXPECT_EQ(of({{"last-modified", date}, {"date", date}}), "");
  EXPECT_EQ(of({{"last-modified", date}}), "");
}

TEST(HeaderBlock, CapsRetryAfter) {
  const Instant now{Seconds(784111777)};
  EXPECT_EQ(parse_retry_after("30", now, Seconds(100)), Seconds(30));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now, Seconds(100)), Seconds(60));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1993 08:50:37 GMT", now, Seconds(100)), Seconds(0));
  EXPECT_EQ(parse_retry_after("30000000000000000000000", now, Seconds(100)), Seconds(100));
  EXPECT_EQ(parse_retry_after("-1", now, Seconds(100)), std::nullopt);
}

}  // namespace
}  // namespace restante::transfer
