// SPDX-License-Identifier: Apache-2.0
#include "files/names.hpp"

#include "base/text.hpp"
#include "base/unicode.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace restante::files {
namespace {

struct Cleaned {
  std::string wanted, name;
};

class CleanName : public testing::TestWithParam<Cleaned> {};

TEST_P(CleanName, IsSafeAndStaysAsItIsTheSecondTime) {
  const std::string once = clean_name(GetParam().wanted);

  EXPECT_EQ(once, GetParam().name);
  EXPECT_EQ(clean_name(once), once);
}

INSTANTIATE_TEST_SUITE_P(
    Table, CleanName,
    testing::Values(
        Cleaned{"a.bin", "a.bin"}, Cleaned{"folder/a.bin", "folder/a.bin"}, Cleaned{"", "download"},
        Cleaned{"/", "download"}, Cleaned{"///", "download"}, Cleaned{".", "download"},
        Cleaned{"..", "download"}, Cleaned{"../../etc/passwd", "etc/passwd"},
        Cleaned{"/etc/passwd", "etc/passwd"}, Cleaned{"a/../../b", "a/b"}, Cleaned{"a/./b", "a/b"},
        Cleaned{"..\\..\\windows", "_.._windows"}, Cleaned{"C:\\x.exe", "C__x.exe"},
        Cleaned{".wgetrc", "wgetrc"}, Cleaned{"...hidden", "hidden"}, Cleaned{". .x", "x"},
        Cleaned{".htaccess", "htaccess"}, Cleaned{"name. . ", "name"}, Cleaned{"trailing.", "trailing"},
        Cleaned{"  spaced  ", "spaced"}, Cleaned{"a\tb\nc", "a_b_c"}, Cleaned{"\x1b[31mred", "_[31mred"},
        Cleaned{std::string("nul\0byte", 8), "nul_byte"},
        Cleaned{"a\x7f"
                "b",
                "a_b"},
        Cleaned{"c1\xc2\x9b"
                "2J",
                "c1_2J"},
        Cleaned{"q?*<>|\"", "q______"}, Cleaned{"photo\u202Egnp.exe", "photo_gnp.exe"},
        Cleaned{"zero\u200Bwidth", "zero_width"}, Cleaned{"\uFEFFmark", "_mark"},
        Cleaned{"line\u2028break", "line_break"}, Cleaned{"\u2066iso\u2069late", "_iso_late"},
        Cleaned{"tag\U000E0041", "tag_"}, Cleaned{"CON", "_CON"}, Cleaned{"con.txt", "_con.txt"},
        Cleaned{"Lpt1.tar.gz", "_Lpt1.tar.gz"}, Cleaned{"COM0", "_COM0"},
        Cleaned{"com\u00b9.x", "_com\u00b9.x"}, Cleaned{"AUX .h", "_AUX .h"}, Cleaned{"CONIN$", "_CONIN$"},
        Cleaned{"console.log", "console.log"}, Cleaned{"com10", "com10"},
        Cleaned{"x.aria2", "x.aria2.download"}, Cleaned{"x.PART", "x.PART.download"},
        Cleaned{"go.lnk", "go.lnk.download"}, Cleaned{"desktop.ini", "_desktop.ini"},
        Cleaned{"\xff\xfe", "__"}, Cleaned{"caf\xe9.txt", "caf_.txt"}, Cleaned{"\xc0\xaf", "__"},
        Cleaned{"\xed\xa0\x80", "___"}, Cleaned{"\xf0\x9f\x98", "___"},
        Cleaned{"Übergröße 日本語 😀.txt", "Übergröße 日本語 😀.txt"}, Cleaned{"e\u0301", "\u00e9"},
        Cleaned{"\u3000wide\u3000", "wide"}, Cleaned{"\u00a0", "download"}, Cleaned{"\u3164", "download"},
        Cleaned{"~", "_"}, Cleaned{"~$lock.docx", "_$lock.docx"}, Cleaned{"draft.txt~", "draft.txt_"},
        Cleaned{"a~b", "a~b"}, Cleaned{"x.part.etag", "x.part.etag.download"},
        Cleaned{"Thumbs.db", "_Thumbs.db"}, Cleaned{"%2e%2e%2fetc", "%2e%2e%2fetc"},
        Cleaned{"．．／etc／passwd", "．．／etc／passwd"}, Cleaned{"\ufdd0x", "_x"},
        Cleaned{std::string(250, 'a') + ".part of it, a long one", std::string(246, 'a') + ".download"},
        Cleaned{std::string(254, 'a') + "~more", std::string(254, 'a') + "_"}));

TEST(CleanName, CutsAtACharacterAndKeepsTheExtension) {
  std::string wide;
  for (int i = 0; i < 200; ++i) wide += "ß";

  const std::string plain = clean_name(std::string(400, 'a') + ".tar.gz"),
                    accented = clean_name(wide + ".mp4");

  EXPECT_EQ(plain, std::string(248, 'a') + ".tar.gz");
  EXPECT_LE(accented.size(), 255u);
  EXPECT_TRUE(accented.ends_with("ß.mp4"));
  EXPECT_TRUE(is_utf8(accented));
}

TEST(CleanName, CutsNoCharacterThatPeopleSeeAsOne) {
  const std::string accented = "q\u0323\u0307";
  std::string many;
  for (int i = 0; i < 100; ++i) many += accented;

  const std::string name = clean_name(many + ".mp4");

  EXPECT_LE(name.size(), 255u);
  EXPECT_GT(name.size(), 245u);
  EXPECT_TRUE(name.ends_with(accented + ".mp4"));
}

TEST(NameKey, IsTheSameForTwins) {
  EXPECT_EQ(name_key("Folder/READ me.TXT"), name_key("folder/Read Me.txt"));
  EXPECT_EQ(name_key("\u00c9t\u00e9"), name_key("e\u0301te\u0301"));
  EXPECT_NE(name_key("a/b"), name_key("a/c"));
}

TEST(CleanName, BoundsDepthAndLength) {
  std::string deep, wide;
  for (int i = 0; i < 100; ++i) deep += std::to_string(i) + "/";
  for (int i = 0; i < 30; ++i) wide += std::string(250, 'f') + "/";

  EXPECT_EQ(split_path(clean_name(deep + "x")).size(), 32u);
  EXPECT_TRUE(clean_name(deep + "x").ends_with("/99/x"));
  EXPECT_LE(clean_name(wide + "x").size(), 2049u);
}

TEST(Numbered, StandsBeforeTheExtension) {
  EXPECT_EQ(numbered("a.bin", 1), "a (1).bin");
  EXPECT_EQ(numbered("a.tar.gz", 2), "a (2).tar.gz");
  EXPECT_EQ(numbered("plain", 3), "plain (3)");
  EXPECT_EQ(marked("f.d/a.tar.gz", "2026-11-23"), "f.d/a 2026-11-23.tar.gz");
  EXPECT_EQ(numbered("f.d/plain", 1), "f.d/plain (1)");
  EXPECT_EQ(numbered("v1.2 final", 1), "v1.2 final (1)");
  EXPECT_EQ(numbered("tar.gz", 1), "tar (1).gz");
  EXPECT_EQ(numbered("x.averyveryverylongend", 1), "x.averyveryverylongend (1)");
  EXPECT_EQ(numbered(std::string(251, 'a') + ".bin", 10), std::string(246, 'a') + " (10).bin");
}

/// What every cleaned name must be, whatever it was made of.
void expect_safe(const std::string& name) {
  ASSERT_TRUE(is_utf8(name));
  ASSERT_LE(name.size(), 2048u + 1);
  const auto segments = split_path(name);
  ASSERT_GE(segments.size(), 1u);
  ASSERT_LE(segments.size(), 32u);
  for (const auto& segment : segments) {
    ASSERT_FALSE(segment.empty());
    ASSERT_LE(segment.size(), 255u);
    ASSERT_NE(segment.front(), '.');
    ASSERT_NE(segment.back(), '.');
    ASSERT_NE(segment.back(), ' ');
    ASSERT_EQ(segment.find_first_of(std::string_view("\\:*?\"<>|\0\n\r\t\x1b", 13)), std::string::npos);
    ASSERT_EQ(printable(segment), segment);
    ASSERT_EQ(nfc(segment), segment);
  }
}

TEST(CleanName, HoldsItsPromisesForThousandsOfMadeUpNames) {
  const std::vector<std::string> pieces{"..",
                                        "/",
                                        "\\",
                                        ".",
                                        "%2e",
                                        "a",
                                        "\u202e",
                                        "\xff",
                                        "CON",
                                        " ",
                                        ".part",
                                        "\x01",
                                        "é",
                                        std::string(1, '\0'),
                                        "~",
                                        "name",
                                        ".tar",
                                        ".gz",
                                        ":",
                                        std::string(120, 'x'),
                                        "e\u0301",
                                        "\u00a0",
                                        "\U0001f468\u200d\U0001f469",
                                        ".etag"};
  std::mt19937 random(20261122);
  SCOPED_TRACE("seed 20261122");

  for (int i = 0; i < 5'000; ++i) {
    std::string wanted;
    const auto count = random() % 9;
    for (unsigned k = 0; k < count; ++k) wanted += pieces[random() % pieces.size()];
    const std::string name = clean_name(wanted);
    ASSERT_NO_FATAL_FAILURE(expect_safe(name)) << wanted;
    ASSERT_EQ(clean_name(name), name) << wanted;
  }
}

}  // namespace
}  // namespace restante::files
