// SPDX-License-Identifier: Apache-2.0
#include "http/parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace restante::http {
namespace {

constexpr std::string_view chunked_head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The body of a chunked request whose bytes come one by one; "(refused)", "(more)".
std::string body_in_drops(std::string_view body) {
  RequestParser parser(4096, 100);
  std::size_t used = 0;
  if (parser.head(chunked_head, used) != RequestParser::Progress::ready) return "(head)";
  std::string buffer;
  for (const char byte : body) {
    buffer += byte;
    const auto progress = parser.chunked(buffer, used, 1000);
    buffer.erase(0, used);
    if (progress == RequestParser::Progress::refused) return "(refused)";
    if (progress == RequestParser::Progress::ready) return parser.request().body;
  }
  return "(more)";
}

TEST(RequestParser, ReadsChunksWhoseBytesComeOneByOne) {
  EXPECT_EQ(body_in_drops("5\r\nhello\r\n0\r\n\r\n"), "hello");
  EXPECT_EQ(body_in_drops("1\r\na\r\n1;x=y\r\nb\r\n0\r\nTrailer: t\r\n\r\n"), "ab");
  EXPECT_EQ(body_in_drops("0\r\nTrailer: t\r\n\r\n"), "");
  EXPECT_EQ(body_in_drops("0;x\r\n\r\n"), "");
}

TEST(RequestParser, ReadsABodyWithoutContentWhoseBytesComeOneByOne) {
  EXPECT_EQ(body_in_drops("0\r\n\r\n"), "");
  EXPECT_EQ(body_in_drops("000\r\n\r\n"), "");
}

TEST(RequestParser, RefusesChunksThatAreNone) {
  EXPECT_EQ(body_in_drops("zz\r\nhello\r\n"), "(refused)");
  EXPECT_EQ(body_in_drops("\r\n\r\n\r\n"), "(refused)");
}

}  // namespace
}  // namespace restante::http
