// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante {
namespace {

TEST(Rfc3339, RoundTripsInUtc) {
  for (const char* text : {"1970-01-01T00:00:00Z", "2026-11-28T00:00:00Z", "2028-02-29T23:59:59.250Z"})
    EXPECT_EQ(to_rfc3339(*from_rfc3339(text)), text);
}

TEST(Rfc3339, AppliesTheOffset) {
  EXPECT_EQ(to_rfc3339(*from_rfc3339("2026-11-28T01:00:00+01:00")), "2026-11-28T00:00:00Z");
  EXPECT_EQ(to_rfc3339(*from_rfc3339("2026-11-27T19:30:00-04:30")), "2026-11-28T00:00:00Z");
}

TEST(Rfc3339, RefusesWhatIsNotAnInstant) {
  for (const char* text :
       {"", "2026-11-28", "2026-11-28T00:00:00", "2026-13-28T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-11-28T24:00:00Z", "2026-11-28T00:00:00+1:00", "2026-11-28T00:00:00Zx", "2026-11-28T00:00:00.Z"})
    EXPECT_FALSE(from_rfc3339(text)) << text;
}

TEST(Base64, FollowsTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(to_base64(plain), coded);
    EXPECT_EQ(from_base64(coded), plain);
  }
}

TEST(Base64Url, RefusesPaddingAndStrayBits) {
  EXPECT_EQ(from_base64url("_-8"), "\xff\xef");
  for (const char* text : {"Zg==", "Zh", "Z", "Zg\n", "a+b/"}) EXPECT_FALSE(from_base64url(text)) << text;
}

TEST(Utf8, RefusesOverlongSurrogateAndCutSequences) {
  EXPECT_TRUE(is_utf8("gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xae"));
  for (const char* text : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"})
    EXPECT_FALSE(is_utf8(text));
}

TEST(Sizes, AreReadAsPeopleWriteThem) {
  EXPECT_EQ(parse_size("1234"), 1234u);
  EXPECT_EQ(parse_size("10G"), 10ull << 30);
  EXPECT_EQ(parse_size("1.5 MiB"), 1572864u);
  for (const char* text : {"", "ten", "-1", "1X", "1kk"}) EXPECT_FALSE(parse_size(text)) << text;
}

TEST(UrlForLogs, CarriesNoSecret) {
  EXPECT_EQ(url_for_logs("https://ana:pw@host/p@th?token=x#y"), "https://host/p@th");
  EXPECT_EQ(url_for_logs("https://host?token=x"), "https://host");
}

TEST(Text, BlanksAtTheEndsAreTakenOff) {
  EXPECT_EQ(trimmed(" \ta b\r\n"), "a b");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed(" \ta ", " "), "\ta");
}

}  // namespace
}  // namespace restante
