// SPDX-License-Identifier: Apache-2.0
#include "worker/clean.hpp"

#include <gtest/gtest.h>

namespace restante::worker {
namespace {

TEST(Clean, TakesOutControlCharactersAndKeepsText) {
  EXPECT_EQ(clean("a\r\nb\x1b[31mc\x7f"
                  "d\xc3\xa9",
                  100),
            "ab[31mcd\xc3\xa9");
}

TEST(Clean, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(clean("caf\xe9", 100), "caf?");
}

TEST(Clean, CutsBetweenCharacters) {
  EXPECT_EQ(clean("aa\xc3\xa9", 3), "aa");
  EXPECT_EQ(clean("aa\xf0\x9f\x98\x80", 5), "aa");
  EXPECT_EQ(clean("aa\xc3\xa9", 4), "aa\xc3\xa9");
}

TEST(Clean, LeavesValidatorsAsTheyAreButForLineEnds) {
  jobs::ResponseFacts facts;
  facts.etag = "\"\xe9\"\r\nX: y";
  facts.last_modified = std::string(2000, 'x');

  clean(facts);

  EXPECT_EQ(facts.etag, "\"\xe9\"X: y");
  EXPECT_EQ(facts.last_modified, "");
}

}  // namespace
}  // namespace restante::worker
