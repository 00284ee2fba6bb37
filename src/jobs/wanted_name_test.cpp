// SPDX-License-Identifier: Apache-2.0
#include "jobs/wanted_name.hpp"

#include <gtest/gtest.h>

namespace restante::jobs {
namespace {

proxy::File file(std::string name, std::string folder) {
  proxy::File out;
  out.name = std::move(name);
  out.folder = std::move(folder);
  return out;
}

TEST(WantedName, IsThePersonsChoiceBeforeTheServers) {
  EXPECT_EQ(wanted_name(file("mine.bin", ""), "theirs.bin"), "mine.bin");
  EXPECT_EQ(wanted_name(file("", ""), "theirs.bin"), "theirs.bin");
  EXPECT_EQ(wanted_name(file("mine.bin", "a/b"), "theirs.bin"), "a/b/mine.bin");
  EXPECT_EQ(wanted_name(file("", "a/b"), "theirs.bin"), "a/b/theirs.bin");
}

TEST(WantedName, LetsNoContentServerChooseAFolder) {
  EXPECT_EQ(wanted_name(file("", ""), "../../etc/passwd"), ".._.._etc_passwd");
  EXPECT_EQ(wanted_name(file("", "f"), "C:\\dir\\a.txt"), "f/C:_dir_a.txt");
  EXPECT_EQ(wanted_name(file("", "f"), "/etc/passwd"), "f/_etc_passwd");
}

TEST(WantedName, IsDownloadWhereTheServerNamesNothing) {
  for (const char* nothing : {"", ".", "..", "../..", "-", "___", "\\", " "})
    EXPECT_EQ(wanted_name(file("", "f"), nothing), "f/download") << nothing;
}

}  // namespace
}  // namespace restante::jobs
