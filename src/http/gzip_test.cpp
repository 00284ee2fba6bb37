// SPDX-License-Identifier: Apache-2.0
#include "http/gzip.hpp"

#include <gtest/gtest.h>

namespace restante::http {
namespace {

/// gzip -9n of "Restante\n".
constexpr std::string_view packed_line(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x0b\x4a\x2d\x2e\x49\xcc\x2b\x49\xe5\x02\x00\x5d\x3e\x99\xbb\x09"
    "\x00\x00\x00",
    29);

TEST(Gzip, IsTakenByWhoeverSaysSo) {
  for (const char* header : {"gzip", "br, gzip", "deflate, GZIP;q=0.5", "x-gzip", "*", "br;q=1.0,*;q=0.1"})
    EXPECT_TRUE(accepts_gzip(header)) << header;
  for (const char* header :
       {"", "identity", "br", "gzip;q=0", "gzip; q=0.000", "*, gzip;q=0", "*;q=0", "gzipped"})
    EXPECT_FALSE(accepts_gzip(header)) << header;
}

TEST(Gzip, IsUnpackedToTheSizeThatWasSaid) {
  const auto line = unpacked(packed_line, 9);

  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(*line, "Restante\n");
}

TEST(Gzip, AnythingElseIsRefused) {
  std::string changed(packed_line);
  changed[12] ^= 1;

  EXPECT_FALSE(unpacked(packed_line, 8));
  EXPECT_FALSE(unpacked(packed_line, 10));
  EXPECT_FALSE(unpacked(packed_line.substr(0, 20), 9));
  EXPECT_FALSE(unpacked(std::string(packed_line) + "x", 9));
  EXPECT_FALSE(unpacked(changed, 9));
  EXPECT_FALSE(unpacked("", 0));
}

}  // namespace
}  // namespace restante::http
