// SPDX-License-Identifier: Apache-2.0
#include "transfer/naming.hpp"

#include <gtest/gtest.h>

namespace restante::transfer {
namespace {

TEST(Naming, ReadsContentDispositionAsRealServersWriteIt) {
  struct Case {
    const char* field;
    const char* name;
  };
  for (const Case& c : {Case{"attachment; filename=\"a b.txt\"", "a b.txt"},
                        Case{"attachment; filename=a.txt", "a.txt"},
                        Case{"attachment; filename=a b.txt; size=3", "a b.txt"},
                        Case{"inline;FileName=\"x\"", "x"},
                        Case{"attachment; filename=\"a\\\"b\"", "a\"b"},
                        Case{"filename=\"only.bin\"", "only.bin"},
                        Case{"attachment filename=\"f.bin\"", "f.bin"},
                        Case{"attachment; filename=\"a;b=c.txt\"; x=y", "a;b=c.txt"},
                        Case{"attachment; filename=plain; filename*=UTF-8''%e2%82%ac.txt", "€.txt"},
                        Case{"attachment; filename*=utf-8'de'gr%C3%BCn; filename=x", "grün"},
                        Case{"attachment; filename*=iso-8859-1''gr%FCn", "grün"},
                        Case{"attachment; filename*=koi8-r''%C1; filename=fallback", "fallback"},
                        Case{"attachment; filename*=UTF-8''%ff; filename=fallback", "fallback"},
                        Case{"attachment; filename=\"gr\xC3\xBCn\"", "grün"},
                        Case{"attachment; filename=\"gr\xFCn\"", "grün"},
                        Case{"attachment; filename=\"a%20b\"", "a b"},
                        Case{"attachment; filename=\"100%\"", "100%"},
                        Case{"attachment; filename=\"C:\\dir\\f.txt\"", "C:\\dir\\f.txt"},
                        Case{"attachment", ""},
                        Case{"", ""},
                        Case{"attachment; filename=", ""},
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
}

}  // namespace
}  // namespace restante::transfer
