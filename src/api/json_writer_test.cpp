// SPDX-License-Identifier: Apache-2.0
#include "api/json_writer.hpp"

#include <gtest/gtest.h>

namespace restante::api {
namespace {

std::string written(std::string_view text) {
  std::string out;
  JsonWriter(out).text(text);
  return out;
}

TEST(JsonWriter, EscapesQuotesBackslashesAndControlCharactersWhereverTheyStand) {
  EXPECT_EQ(written(""), R"("")");
  EXPECT_EQ(written("plain ü"), "\"plain ü\"");
  EXPECT_EQ(written(R"("a\b")"), R"("\"a\\b\"")");
  EXPECT_EQ(written("\n\nend"), R"("\u000a\u000aend")");
  EXPECT_EQ(written(std::string_view("a\0b\x1f", 4)), R"("a\u0000b\u001f")");
}

TEST(JsonWriter, WritesTextThatIsReadableWhateverTheBytesAre) {
  EXPECT_EQ(written("a\xb1z"), R"("a\ufffdz")");
  EXPECT_EQ(written("\xc3"), R"("\ufffd")");
  EXPECT_EQ(written("\xed\xa0\x80ü"), "\"\\ufffd\\ufffd\\ufffdü\"");
}

}  // namespace
}  // namespace restante::api
