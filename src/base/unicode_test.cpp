// SPDX-License-Identifier: Apache-2.0
#include "base/unicode.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante {
namespace {

TEST(Unicode, KnowsWhatATerminalMustNotSee) {
  for (std::uint32_t point :
       {0x00u,   0x1bu,   0x7fu,   0x85u,    0x9bu,    0xadu,    0x061cu, 0x200bu, 0x200du,
        0x200fu, 0x2028u, 0x2029u, 0x202au,  0x202eu,  0x2060u,  0x2066u, 0x2069u, 0xfeffu,
        0xfff9u, 0xfdd0u, 0xfffeu, 0x1ffffu, 0xe0001u, 0xe0041u, 0xe0000u})
    EXPECT_TRUE(is_unprintable(point)) << std::hex << point;
  for (std::uint32_t point : {0x20u, 0x41u, 0xa0u, 0xe9u, 0x0301u, 0x3042u, 0xfe0fu, 0x1f600u, 0xe0100u})
    EXPECT_FALSE(is_unprintable(point)) << std::hex << point;
}

TEST(Unicode, GivesTwoSpellingsOfANameOneForm) {
  EXPECT_EQ(nfc("e\u0301"), "\u00e9");
  EXPECT_EQ(nfc("\u212b"), "\u00c5");
  EXPECT_EQ(nfc("plain"), "plain");
  EXPECT_EQ(nfc("e\u0301\xff"), "e\u0301\xff");
}

TEST(Unicode, FoldsWhatSomeFileSystemsTakeForTheSame) {
  EXPECT_EQ(folded("README.TXT"), folded("readme.txt"));
  EXPECT_EQ(folded("\u00c9T\u00c9"), folded("e\u0301te\u0301"));
  EXPECT_EQ(folded("STRASSE"), folded("stra\u00dfe"));
  EXPECT_EQ(folded("\u03a3"), folded("\u03c2"));
  EXPECT_NE(folded("a"), folded("\u00e4"));
  EXPECT_NE(folded("a1"), folded("a2"));
}

TEST(Unicode, CutsBetweenCharactersAsPeopleSeeThem) {
  const std::string family = "\U0001f468\u200d\U0001f469\u200d\U0001f467";  // one cluster of 18 bytes

  EXPECT_EQ(whole_characters("abc", 3), "abc");
  EXPECT_EQ(whole_characters("abc", 2), "ab");
  EXPECT_EQ(whole_characters("xe\u0301", 3), "x");
  EXPECT_EQ(whole_characters("xe\u0301y", 4), "xe\u0301");
  EXPECT_EQ(whole_characters("x" + family, 18), "x");
  EXPECT_EQ(whole_characters(family + family, 35), family);
  EXPECT_EQ(whole_characters(family, 10), "\U0001f468\u200d");  // longer than what there is room for
  EXPECT_TRUE(is_utf8(whole_characters("\u00df\u00df\u00df", 5)));
}

TEST(Unicode, ShowsNothingThatSteersATerminal) {
  EXPECT_EQ(printable("a\x1b[31m\u202eb\xff\u009b\u00e9"), "a?[31m?b??\u00e9");
  EXPECT_EQ(printable_json("{\"a\":\"\u202e\U000e0041\u00e9\x7f\"}"),
            "{\"a\":\"\\u202e\\udb40\\udc41\u00e9\\u007f\"}");
}

}  // namespace
}  // namespace restante
