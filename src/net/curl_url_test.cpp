// SPDX-License-Identifier: Apache-2.0
#include "net/curl_url.hpp"

#include "net/curl_multi.hpp"

#include <gtest/gtest.h>

namespace restante::net {
namespace {

TEST(CurlUrl, ReadsUrlsIntoOneForm) {
  warm_up_curl();
  struct Case {
    const char* text;
    const char* canonical;
    const char* host;
    int port;
  };
  for (const Case& c : {Case{"http://Host.Test", "http://host.test/", "host.test", 80},
                        Case{"HTTPS://host.test:443/a?b#c", "https://host.test/a?b", "host.test", 443},
                        Case{"http://host.test:8080/x", "http://host.test:8080/x", "host.test", 8080},
                        Case{"http://user:secret@host.test/x", "http://host.test/x", "host.test", 80},
                        Case{"http://[::1]:81/", "http://[::1]:81/", "::1", 81},
                        Case{"http://host.test/a b/\xC3\xBC?q=<x>", "http://host.test/a%20b/%C3%BC?q=%3Cx%3E",
                             "host.test", 80},
                        Case{"http://b\xC3\xBC"
                             "cher.test/",
                             "http://xn--bcher-kva.test/", "xn--bcher-kva.test", 80}}) {
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url) << c.text << ": " << url.error().message;
    EXPECT_EQ(url->text, c.canonical);
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->port, c.port);
  }
}

TEST(CurlUrl, WritesEverySpellingOfAnAddressInFourFields) {
  for (const char* spelling : {"2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1"}) {
    const auto url = parse_url("http://" + std::string(spelling) + "/");
    if (url) EXPECT_EQ(url->host, "127.0.0.1") << spelling;
  }
}

TEST(CurlUrl, RefusesWhatCouldMeanTwoThings) {
  for (const char* text : {"",
                           "host.test",
                           "http:///x",
                           "http://",
                           "http://a b/",
                           "http://host.test\\@evil.test/",
                           "http://ho\tst/",
                           "http://host.test:0/",
                           "http://host.test:65536/",
                           "http://host.test:x/",
                           "http://[::1",
                           "http://[fe80::1%25eth0]/",
                           "http://host.test\r\nX: y/",
                           "http://ho<st/",
                           "http://a,b/",
                           "http://a;b/",
                           "http:/host.test/",
                           "http:host.test",
                           "https:///host.test",
                           "http://\xFF.test/"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(CurlUrl, RefusesOtherSchemesByName) {
  for (const char* text : {"ftp://h/", "file:///etc/passwd", "gopher://h/", "data:,x"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().reason, Reason::scheme) << text;
  }
}

TEST(CurlUrl, ReadsTheAddressesOfFileServersApart) {
  struct Case {
    const char* text;
    const char* canonical;
  };
  for (const Case& c : {Case{"FTP://Host.Test", "ftp://host.test/"},
                        Case{"ftp://host.test:21/a b/", "ftp://host.test/a%20b/"},
                        Case{"ftps://host.test:990/x;type=i", "ftps://host.test/x"},
                        Case{"ftp://host.test/a;b", "ftp://host.test/a%3Bb"},
                        Case{"sftp://user@host.test:2222/~/x", "sftp://host.test:2222/~/x"},
                        Case{"ftp://host.test//abs/x%3Fy", "ftp://host.test//abs/x%3Fy"}}) {
    const auto url = parse_ftp_url(c.text);
    ASSERT_TRUE(url) << c.text << ": " << url.error().message;
    EXPECT_EQ(url->text, c.canonical);
    EXPECT_EQ(parse_any_url(c.text)->text, c.canonical);
    EXPECT_EQ(parse_url(c.text).error().reason, Reason::scheme);
  }
  for (const char* text : {"ftp.host.test/x", "//host.test/x", "sftp:/x", "sftp://host.test/~root/x",
                           "ftp://host.test/a?b", "ftp:///x"})
    EXPECT_EQ(parse_ftp_url(text).error().reason, Reason::invalid) << text;
  EXPECT_EQ(parse_ftp_url("http://host.test/").error().reason, Reason::scheme);
}

TEST(CurlUrl, TakesTheHostBehindTheLastAtSignAsBothParsersDo) {
  EXPECT_EQ(parse_url("http://a@b#@c")->host, "b");
  const auto two = parse_url("http://a@evil.test:80@good.test/");
  if (two) EXPECT_EQ(two->host, "good.test");
}

TEST(CurlUrl, ResolvesReferences) {
  const HttpUrl base = parse_url("https://host.test:444/a/b?q").value();
  struct Case {
    const char* reference;
    const char* target;
  };
  for (const Case& c :
       {Case{"c", "https://host.test:444/a/c"}, Case{"/c?d", "https://host.test:444/c?d"},
        Case{"../x/./y", "https://host.test:444/x/y"}, Case{"//other.test/z", "https://other.test/z"},
        Case{"http://other.test", "http://other.test/"}, Case{"?x", "https://host.test:444/a/b?x"},
        Case{"/a b", "https://host.test:444/a%20b"}, Case{"#frag", "https://host.test:444/a/b?q"}}) {
    const auto target = resolve_url(base, c.reference);
    ASSERT_TRUE(target) << c.reference << ": " << target.error().message;
    EXPECT_EQ(target->text, c.target) << c.reference;
  }
}

}  // namespace
}  // namespace restante::net
