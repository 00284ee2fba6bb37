// SPDX-License-Identifier: Apache-2.0
#include "transfer/naming.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante::transfer {
namespace {

struct Case {
  const char* field;
  const char* name;
};

// Several hundred more, each with Chromium's own answer, are in tests/names.
TEST(Naming, ReadsContentDispositionAsRealServersWriteIt) {
  for (const Case& c : {Case{"attachment; filename=\"a b.txt\"", "a b.txt"},
                        Case{"attachment; filename=a b.txt; size=3", "a b.txt"},
                        Case{"inline;FileName=\"x\"", "x"},
                        Case{"attachment; filename=\"a\\\"b\"", "a\"b"},
                        Case{"filename=\"only.bin\"", "only.bin"},
                        Case{"attachment; filename=\"a;b=c.txt\"; x=y", "a;b=c.txt"},
                        Case{"attachment; filename=plain; filename*=UTF-8''%e2%82%ac.txt", "€.txt"},
                        Case{"attachment; filename*=koi8-r''%C1.txt; filename=fallback", "а.txt"},
                        Case{"attachment; filename*=gbk''%D6%D0; filename=fallback", "fallback"},
                        Case{"attachment; filename*=UTF-8''%ff; filename=fallback", "fallback"},
                        Case{"attachment; filename=\"gr\xC3\xBCn\"", "grün"},
                        Case{"attachment; filename=\"gr\xFCn \x80\"", "grün €"},
                        Case{"attachment; filename=\"a%20b\"", "a b"},
                        Case{"attachment; filename=\"=?UTF-8?Q?=C3=BC?= =?UTF-8?B?w7w=?=\"", "üü"},
                        Case{"attachment; filename=\"a = b\"", "a = b"},
                        Case{"attachment; filename=\"a%0d%0ab\"", "a__b"},
                        Case{"attachment", ""},
                        Case{"", ""},
                        Case{"attachment; filename=\"never ends", "never ends"},
                        Case{";;;;=;=;", ""}}) {
    EXPECT_EQ(disposition_name(c.field), c.name) << c.field;
  }
}

TEST(Naming, IsBounded) {
  EXPECT_LE(disposition_name("attachment; filename=" + std::string(5000, 'a')).size(), 1024U);
  EXPECT_EQ(disposition_name("attachment; filename=" + std::string(50000, 'a')), "");
  std::string umlauts;
  for (int i = 0; i < 1000; ++i) umlauts += "x\xC3\xBC";
  const std::string name = disposition_name("attachment; filename=" + umlauts);
  EXPECT_TRUE(name.back() == 'x' || name.ends_with("\xC3\xBC"));
}

TEST(Naming, GivesLegibleUtf8ForWhateverBytesCome) {
  for (const char* bytes :
       {"\xd6\xd0\xce\xc4", "\x93\xfa\x96\x7b\x8c\xea", "\xed\xa0\x80", "\xc0\xaf", "\xff\xfe"}) {
    const std::string name = disposition_name(std::string("attachment; filename=\"") + bytes + ".txt\"");
    EXPECT_TRUE(is_utf8(name));
    EXPECT_TRUE(name.ends_with(".txt")) << name;
  }
}

TEST(Naming, KnowsAttachments) {
  EXPECT_TRUE(is_attachment("Attachment; filename=x"));
  EXPECT_FALSE(is_attachment("inline; filename=attachment"));
}

TEST(Naming, TakesTheLastSegmentOfTheUrl) {
  const auto name = [](const char* text) { return url_name(net::parse_url(text).value()); };
  EXPECT_EQ(name("http://h/a/b%20c.bin?x=/y"), "b c.bin");
  EXPECT_EQ(name("http://h/"), "");
  EXPECT_EQ(name("http://h/%2e%2e%2fetc%2fpasswd"), "../etc/passwd");  // cleaned by the area, not here
  EXPECT_EQ(name("http://h/gr%FCn"), "grün");
  EXPECT_EQ(name("http://h/a.bin;v=2"), "a.bin");
}

TEST(Naming, TakesTheKindFromTheMediaTypeWhereTheUrlSaysNothing) {
  const auto name = [](const char* url, const char* type) {
    return suggested_name("", net::parse_url(url).value(), type);
  };
  EXPECT_EQ(name("http://h/", "application/zip"), "download.zip");
  EXPECT_EQ(name("http://h/?id=3", ""), "download");
  EXPECT_EQ(name("http://h/get?id=3", "application/pdf; x=y"), "get.pdf");
  EXPECT_EQ(name("http://h/get.php?id=3", "image/png"), "get.png");
  EXPECT_EQ(name("http://h/get.php?id=3", "application/octet-stream"), "get.php");
  EXPECT_EQ(name("http://h/source.php", "image/png"), "source.php");
  EXPECT_EQ(name("http://h/a.bin?id=3", "image/png"), "a.bin");
  EXPECT_EQ(name("http://h/README", "text/plain"), "README");
  EXPECT_EQ(
      suggested_name("attachment; filename=noending", net::parse_url("http://h/a.bin").value(), "image/png"),
      "noending");
}

}  // namespace
}  // namespace restante::transfer
