// SPDX-License-Identifier: Apache-2.0
#include "jobs/glob.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace restante::jobs {
namespace {

bool matches(const std::string& pattern, const std::string& folder, const std::string& name) {
  return Glob::parse(pattern).value().matches(folder, name);
}

TEST(Glob, WithoutASlashIsForTheNameInAnyFolder) {
  EXPECT_TRUE(matches("*.mp4", "", "a.mp4"));
  EXPECT_TRUE(matches("*.mp4", "a/b", "x.MP4"));
  EXPECT_TRUE(matches("week?.*", "", "Week1.pdf"));
  EXPECT_TRUE(matches("w?che", "", "wüche"));
  EXPECT_TRUE(matches("*", "a", "x"));
  EXPECT_TRUE(matches("a*b*c", "", "aXbYbZc"));
  EXPECT_FALSE(matches("*.mp4", "", "a.mp4x"));
  EXPECT_FALSE(matches("week?.pdf", "", "week.pdf"));
  EXPECT_FALSE(matches("week?.pdf", "", "week12.pdf"));
  EXPECT_FALSE(matches("w?che", "", "wüüche"));
  EXPECT_FALSE(matches("[ab].txt", "", "a.txt"));
}

TEST(Glob, WithASlashIsForFolderAndName) {
  EXPECT_TRUE(matches("slides/*.pdf", "slides", "a.pdf"));
  EXPECT_FALSE(matches("slides/*.pdf", "slides/old", "a.pdf"));
  EXPECT_FALSE(matches("slides/*.pdf", "", "a.pdf"));
  EXPECT_TRUE(matches("slides/**", "slides/old", "a.pdf"));
  EXPECT_TRUE(matches("**/*.pdf", "", "a.pdf"));
  EXPECT_TRUE(matches("**/*.pdf", "x/y", "a.pdf"));
  EXPECT_TRUE(matches("a/**/b", "a", "b"));
  EXPECT_TRUE(matches("a/**/b", "a/x/y", "b"));
  EXPECT_FALSE(matches("a/**/b", "a", "xb"));
  EXPECT_FALSE(matches("a/**/b", "ax", "b"));
  EXPECT_FALSE(matches("a/**/b", "x/a", "b"));
}

TEST(Glob, WhatIsNoPatternIsRefused) {
  for (const std::string& pattern : {std::string(), std::string(256, 'a'), std::string("\xff")})
    EXPECT_EQ(Glob::parse(pattern).error().reason, Reason::invalid);
  EXPECT_TRUE(Glob::parse(std::string(255, '?')));
}

TEST(Glob, NoPatternTakesLong) {
  std::string pattern;
  for (int i = 0; i < 60; ++i) pattern += "*a?";
  const auto glob = Glob::parse(pattern).value();
  const auto begin = std::chrono::steady_clock::now();

  for (int i = 0; i < 100; ++i) EXPECT_FALSE(glob.matches("", std::string(4000, 'a') + "/"));

  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

}  // namespace
}  // namespace restante::jobs
