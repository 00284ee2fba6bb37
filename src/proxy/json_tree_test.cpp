// SPDX-License-Identifier: Apache-2.0
#include "proxy/json_tree.hpp"

#include <gtest/gtest.h>

namespace restante::proxy {
namespace {

std::string text_of(std::string_view json) {
  const auto tree = JsonTree::parse(json);
  return tree ? std::string(tree->root().text) : "refused: " + tree.error().message;
}

TEST(JsonTree, UndoesEscapes) {
  EXPECT_EQ(text_of(R"("a\"\\\/\b\f\n\r\tb")"), "a\"\\/\b\f\n\r\tb");
  EXPECT_EQ(text_of(R"("\u0041\u00e9\u20ac\ud83d\ude00")"), "Aé€😀");
}

TEST(JsonTree, RefusesBytesThatAreNotUtf8) {
  for (const char* bytes :
       {"\"\xff\"", "\"\xc0\xaf\"", "\"\xe0\x80\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
        "\"\xf8\x88\x80\x80\x80\"", "\"\x80\"", "\"\xe2\x82\"", "\"\xe2\x82", "\"\xef\xbf\xbe\""})
    EXPECT_EQ(JsonTree::parse(bytes).error().reason, Reason::malformed) << bytes;
}

TEST(JsonTree, RefusesHalfSurrogatePairs) {
  for (const char* json : {R"("\ud800")", R"("\ud800x")", R"("\ud800\u0041")", R"("\udc00")", R"("\ud800\")"})
    EXPECT_FALSE(JsonTree::parse(json)) << json;
}

TEST(JsonTree, RefusesWhatIsNotJson) {
  for (const char* json :
       {"",           " ",        "{",       "[",         "\"",          "{]",  "[1,]",
        "{\"a\":1,}", "{a:1}",    "{'a':1}", "[1 2]",     "{\"a\" 1}",   "nul", "True",
        "+1",         "01",       "1.",      ".5",        "1e",          "-",   "0x10",
        "NaN",        "Infinity", "// x\n1", "[\"\\x\"]", "\"\\u12g4\"", "1 1", "\"a\nb\""})
    EXPECT_EQ(JsonTree::parse(json).error().reason, Reason::malformed) << json;
}

TEST(JsonTree, NamesAByteOrderMark) {
  EXPECT_NE(JsonTree::parse("\xef\xbb\xbf{}").error().message.find("byte order mark"), std::string::npos);
}

TEST(JsonTree, KnowsWholeNumbersUpToTheLargestExactOne) {
  const auto integer = [](std::string_view json) { return JsonTree::parse(json)->root(); };

  EXPECT_EQ(integer("9007199254740991").integer, 9007199254740991);
  EXPECT_TRUE(integer("-9007199254740991").is_integer);
  EXPECT_EQ(integer("-0").integer, 0);
  for (const char* json :
       {"9007199254740992", "-9007199254740992", "99999999999999999999999999", "1.0", "1e2"})
    EXPECT_FALSE(integer(json).is_integer) << json;
}

TEST(JsonTree, RefusesANameTwiceAlsoAmongManyMembers) {
  std::string many = "{";
  for (int i = 0; i < 40; ++i) many += "\"k" + std::to_string(i) + "\":0,";

  EXPECT_TRUE(JsonTree::parse(many + "\"k\":0}"));
  const auto twice = JsonTree::parse(many + "\"k17\":0}");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().pointer, "/k17");
  EXPECT_EQ(twice.error().reason, Reason::invalid);
}

TEST(JsonTree, BoundsDepthAndSize) {
  EXPECT_TRUE(JsonTree::parse("[[[]]]", {.bytes = 6, .depth = 3}));
  EXPECT_EQ(JsonTree::parse("[[[]]]", {.bytes = 6, .depth = 2}).error().reason, Reason::invalid);
  EXPECT_EQ(JsonTree::parse("[[[]]]", {.bytes = 5, .depth = 3}).error().reason, Reason::too_large);
}

TEST(JsonTree, PointsIntoTheDocument) {
  const auto tree = JsonTree::parse(R"({"a/b":[{"m~n":1}]})");
  const auto& list = *tree->member(tree->root(), "a/b");
  const auto& object = *tree->children(list).begin();

  EXPECT_EQ(tree->pointer(tree->root()), "");
  EXPECT_EQ(tree->pointer(*tree->member(object, "m~n")), "/a~1b/0/m~0n");
}

TEST(JsonTree, SaysTheLineAndTheColumn) {
  const auto tree = JsonTree::parse("{\n  \"a\": tru\n}");

  EXPECT_TRUE(tree.error().message.starts_with("line 2, column 8:")) << tree.error().message;
  EXPECT_EQ(tree.error().pointer, "/a");
}

}  // namespace
}  // namespace restante::proxy
