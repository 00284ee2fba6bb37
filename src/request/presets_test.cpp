// SPDX-License-Identifier: Apache-2.0
#include "request/presets.hpp"

#include "request/test_place.hpp"

#include <gtest/gtest.h>

namespace restante::request {
namespace {

class Presets : public testing::Test {
protected:
  TestFolder folder_;
  Home home_ = *Home::open_at((folder_ / "home").string());
};

TEST_F(Presets, AreKeptByNameAndReplaced) {
  ASSERT_TRUE(save_preset(home_, {"talks", "https://a.example/t", {{"folder", {"talks"}}}}));
  ASSERT_TRUE(save_preset(
      home_, {"films", "", {{"window", {"01:00-06:00", "22:00-23:00"}}, {"no-probe", {"true"}}}}));
  ASSERT_TRUE(save_preset(home_, {"talks", "https://b.example/t/", {}}));

  const auto all = load_presets(home_);

  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].name, "films");
  EXPECT_EQ((*all)[0].options.at(0).second.size(), 2u);
  EXPECT_EQ((*all)[1].base, "https://b.example/t/");
  ASSERT_TRUE(remove_preset(home_, "films"));
  EXPECT_EQ(find_preset(home_, "films").error().reason, Reason::not_found);
  EXPECT_EQ(remove_preset(home_, "films").error().reason, Reason::not_found);
}

TEST_F(Presets, HoldNoSecrets) {
  for (const Preset& preset :
       {Preset{"a", "", {{"user", {"ana"}}}}, Preset{"a", "", {{"key", {"k.pem"}}}},
        Preset{"a", "", {{"header", {"X-Api-Key: 5"}}}}, Preset{"a", "https://ana:pw@a.example/", {}}})
    EXPECT_EQ(save_preset(home_, preset).error().reason, Reason::usage) << preset.options.size();
  EXPECT_TRUE(save_preset(home_, {"a", "", {{"header", {"Accept: video/mp4"}}}}));
  EXPECT_FALSE(save_preset(home_, {"a/b", "", {}}));
}

TEST_F(Presets, TakeShortNamesFromTheirBase) {
  const Preset preset{"lectures", "https://video.example.edu/media/2026/", {}};
  const auto url = [&](std::string_view text) { return url_with(preset, text).value_or("refused"); };

  EXPECT_EQ(url("week12.mp4"), "https://video.example.edu/media/2026/week12.mp4");
  EXPECT_EQ(url("week 12.mp4"), "https://video.example.edu/media/2026/week%2012.mp4");
  EXPECT_EQ(url("/other/a.mp4"), "https://video.example.edu/other/a.mp4");
  EXPECT_EQ(url("https://else.example/a.mp4"), "https://else.example/a.mp4");
  for (const char* out : {"../a.mp4", "//else.example/a", "a/../../b", "..\\a"})
    EXPECT_EQ(url(out), "refused") << out;
  EXPECT_FALSE(url_with({"none", "", {}}, "week12.mp4"));
}

}  // namespace
}  // namespace restante::request
