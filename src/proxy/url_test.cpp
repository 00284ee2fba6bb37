// SPDX-License-Identifier: Apache-2.0
#include "proxy/url.hpp"

#include "proxy/document.hpp"

#include <gtest/gtest.h>

namespace restante::proxy {
namespace {

TEST(Url, IsTakenApart) {
  const auto parts = split_url("HTTPS://ana:s%20t@Host.example:8443/a/b?c=d?e#f");

  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->scheme, "HTTPS");
  EXPECT_EQ(parts->userinfo, "ana:s%20t");
  EXPECT_EQ(parts->host, "Host.example");
  EXPECT_EQ(parts->port, 8443);
  EXPECT_EQ(parts->rest, "/a/b?c=d?e#f");
}

TEST(Url, IsRefusedWhereTwoParsersCouldReadItDifferently) {
  for (const char* url : {"http://a\\@b/",
                          "http://a\\b/",
                          "http://a b/",
                          "http://a@b@c/",
                          "http://a\tb/",
                          "http://a/\n",
                          "http://a%2eb/",
                          "http://[::1]x/",
                          "http://[::1",
                          "http://::1/",
                          "http://a:80:80/",
                          "http://a:8x/",
                          "http://a:65536/",
                          "http://a:000080/",
                          "http:a",
                          "http:/a",
                          "http:///a",
                          "http://",
                          "//a/",
                          "http://ä/",
                          "http://a/%2",
                          "http://a/%zz",
                          "http://a/<b>",
                          "http://a/#b#c",
                          "http://[1::2::3]/",
                          "http://[fe80::1%25eth0]/"})
    EXPECT_FALSE(split_url(url)) << url;
  EXPECT_FALSE(split_url(std::string_view("http://a\0b/", 12)));
}

TEST(Url, OtherSchemesHaveAReasonOfTheirOwn) {
  for (const char* url :
       {"file:///etc/passwd", "javascript:alert(1)", "gopher://a/", "data:,x", "host/a", "", "h:1"})
    EXPECT_EQ(split_url(url).error().reason, Reason::scheme) << url;
}

TEST(Origin, IsLowerCaseWithoutTheDefaultPort) {
  EXPECT_EQ(origin_of("HTTPS://Host.Example:443/a?b#c"), "https://host.example");
  EXPECT_EQ(origin_of("http://host:0080"), "http://host");
  EXPECT_EQ(origin_of("http://host:/"), "http://host");
  EXPECT_EQ(origin_of("http://u:p@host:8080/"), "http://host:8080");
  EXPECT_EQ(origin_of("https://[2001:DB8::1]:8443/"), "https://[2001:db8::1]:8443");
  EXPECT_EQ(origin_of("sftp://host:22/x"), "sftp://host");
  EXPECT_EQ(origin_of("http://host:443/"), "http://host:443");
  EXPECT_EQ(origin_of("nonsense"), std::nullopt);
}

TEST(TidyUrl, EncodesWhatPeopleAndPagesWrite) {
  EXPECT_EQ(*tidy_url("  https://Host.example/a b\"c[1]|ü?q=ä b#x y "),
            "https://host.example/a%20b%22c%5B1%5D%7C%C3%BC?q=%C3%A4%20b#x%20y");
  EXPECT_EQ(*tidy_url("HTTP://HOST/%41%zz%"), "http://host/%41%25zz%25");
  EXPECT_EQ(*tidy_url("host.example/a"), "http://host.example/a");
  EXPECT_EQ(*tidy_url("localhost:8080/a"), "http://localhost:8080/a");
  EXPECT_EQ(*tidy_url("https://Ana:Pw@HOST/A"), "https://Ana:Pw@host/A");
  EXPECT_EQ(*tidy_url("https://host/a#b#c"), "https://host/a#b%23c");
}

TEST(TidyUrl, LeavesACorrectAddressAsItIs) {
  for (const char* url :
       {"https://host.example/a%20b?c=d&e#f", "http://[::1]:8080/", "ftp://host/a;type=i", "https://host"})
    EXPECT_EQ(*tidy_url(url), url);
}

TEST(TidyUrl, RefusesWhatItCannotMend) {
  for (const char* url : {"", "  ", "mailto:a@b", "file:///a", "https://hö.example/", "https:///a",
                          "https://a\\b/", "https://h/\\a", "https://h/\na", "https://h/\xff"})
    EXPECT_FALSE(tidy_url(url)) << url;
}

}  // namespace
}  // namespace restante::proxy
