// SPDX-License-Identifier: Apache-2.0
#include "request/cookies.hpp"

#include <gtest/gtest.h>

namespace restante::request {
namespace {

const Instant now{std::chrono::seconds(1'800'000'000)};

std::vector<std::string> names(std::string_view file, std::string_view url) {
  std::vector<std::string> out;
  const auto cookies = cookies_for(file, url, now);
  if (!cookies) return {"error: " + cookies.error().message};
  for (const auto& cookie : *cookies) out.push_back(cookie.name);
  return out;
}

using Names = std::vector<std::string>;

TEST(Cookies, AreReadWithAllTheirFields) {
  const auto cookies = cookies_for(
      "# Netscape HTTP Cookie File\r\n\r\n#HttpOnly_.video.example\tTRUE\t/media\tTRUE\t1900000000\tsid\ta=b "
      "c\r\n",
      "https://cdn.video.example/media/x.mp4", now);

  ASSERT_TRUE(cookies) << cookies.error().message;
  ASSERT_EQ(cookies->size(), 1u);
  const auto& cookie = (*cookies)[0];
  EXPECT_EQ(cookie.name, "sid");
  EXPECT_EQ(cookie.value, "a=b c");
  EXPECT_EQ(cookie.host, "cdn.video.example");
  EXPECT_EQ(cookie.domain, "video.example");
  EXPECT_EQ(cookie.path, "/media");
  EXPECT_TRUE(cookie.secure);
  EXPECT_EQ(cookie.expires, 1900000000);
}

TEST(Cookies, GoOnlyToTheirDomain) {
  const char* file =
      "example.org\tFALSE\t/\tFALSE\t0\thost\t1\n"
      ".example.org\tTRUE\t/\tFALSE\t0\tdomain\t1\n"
      "evil.org\tFALSE\t/\tFALSE\t0\tother\t1\n";

  EXPECT_EQ(names(file, "http://example.org/"), (Names{"host", "domain"}));
  EXPECT_EQ(names(file, "http://www.EXAMPLE.org/"), (Names{"domain"}));
  EXPECT_EQ(names(file, "http://notexample.org/"), Names{});
}

TEST(Cookies, GoOnlyToTheirPath) {
  const char* file = "a.b\tFALSE\t/x\tFALSE\t0\tc\t1\n";

  EXPECT_EQ(names(file, "http://a.b/x"), Names{"c"});
  EXPECT_EQ(names(file, "http://a.b/x/y?z"), Names{"c"});
  EXPECT_EQ(names(file, "http://a.b/xy"), Names{});
  EXPECT_EQ(names(file, "http://a.b"), Names{});
}

TEST(Cookies, SecureOnesNeedTls) {
  const char* file = "a.b\tFALSE\t/\tTRUE\t0\tc\t1\n";

  EXPECT_EQ(names(file, "https://a.b/"), Names{"c"});
  EXPECT_EQ(names(file, "http://a.b/"), Names{});
}

TEST(Cookies, ExpiredOnesStayBehind) {
  EXPECT_EQ(names("a.b\tFALSE\t/\tFALSE\t1800000000\tc\t1\n", "http://a.b/"), Names{});
  EXPECT_EQ(names("a.b\tFALSE\t/\tFALSE\t1800000001.25\tc\t1\n", "http://a.b/"), Names{"c"});
}

TEST(Cookies, WithoutAValueAreRead) {
  EXPECT_EQ(names("a.b\tFALSE\t/\tFALSE\t0\tc\t\n", "http://a.b/"), Names{"c"});
  EXPECT_EQ(names("a.b\tFALSE\t/\tFALSE\t0\tc", "http://a.b/"), Names{"c"});
}

TEST(Cookies, NameTheLineThatIsWrong) {
  for (const char* line :
       {"a.b FALSE / FALSE 0 c 1", "a.b\tFALSE\t/\tFALSE\tsoon\tc\t1", "a.b\tFALSE\t/\tFALSE\t0\t\t1",
        "a.b\tFALSE\t/\tFALSE\t0\tc\t1; d=2", "a.b\tFALSE\t/\tFALSE\t0\tc\t1\t2"}) {
    const auto cookies = cookies_for("# x\n" + std::string(line) + "\n", "http://a.b/", now);
    ASSERT_FALSE(cookies) << line;
    EXPECT_NE(cookies.error().message.find("line 2"), std::string::npos) << cookies.error().message;
  }
}

}  // namespace
}  // namespace restante::request
