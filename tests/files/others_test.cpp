// SPDX-License-Identifier: Apache-2.0
// What other programs do in an area, and what a place makes of it (DESIGN.md §9, THREATS.md B3).
#include "shelf.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace restante::files::test {
namespace {

namespace fs = std::filesystem;

struct Others : testing::Test {
  Folder folder;
  Place place{folder.path};
  AccountId bob = place.add_account("bob"), eve = place.add_account("eve");
  fs::path area = place.area("bob");

  Others() { fs::create_directories(area); }

  void put(const fs::path& name, const std::string& bytes) {
    fs::create_directories((area / name).parent_path());
    std::ofstream(area / name) << bytes;
  }
  std::set<std::string> names() {
    std::set<std::string> out;
    const auto all_file = place.run(place.areas().list(bob));
    for (const auto& file : *all_file) out.insert(file.name);
    return out;
  }
  FileRecord file(const std::string& name) {
    const auto all_one = place.run(place.areas().list(bob));
    for (const auto& one : *all_one)
      if (one.name == name) return one;
    throw std::runtime_error("not listed: " + name);
  }
};
using Names = std::set<std::string>;

TEST_F(Others, AddedFilesAreListedAndServed) {
  put("talks/a.txt", "of another program");

  const FileRecord found = file("talks/a.txt");

  EXPECT_TRUE(found.foreign());
  EXPECT_EQ(found.flags, std::vector<std::string>{"foreign"});
  EXPECT_EQ(found.size_bytes, 18u);
  EXPECT_EQ(found.published.time_since_epoch().count(), found.mtime_ns / 1'000'000);
  EXPECT_TRUE(place.run(place.areas().open(bob, found.id)));
  EXPECT_EQ(file("talks/a.txt").id, found.id);
}

TEST_F(Others, ChangedFilesGetANewVersionAndLoseTheirDigest) {
  auto incoming = place.receive(bob, job_id(1), "before");
  auto what = place.publication(bob, job_id(1), "before", "a");
  what.sha256 = std::string(64, 'a');
  ASSERT_TRUE(place.run(place.areas().publish(what, std::move(incoming->for_sync), place.counting_commit())));
  const FileRecord before = file("a");

  std::ofstream(area / "a") << "another content";

  const FileRecord after = file("a");
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.version, before.version + 1);
  EXPECT_EQ(after.sha256, "");
  EXPECT_FALSE(after.verified);
  EXPECT_EQ(after.size_bytes, 15u);
}

TEST_F(Others, RenamedFilesAndFoldersKeepTheirIds) {
  const auto ours = place.publish(bob, job_id(1), "ours", "in/a.txt");
  put("in/b.txt", "theirs!");
  const FileId theirs = file("in/b.txt").id;

  fs::rename(area / "in/a.txt", area / "c.txt");
  fs::rename(area / "in", area / "other");

  EXPECT_EQ(names(), (Names{"c.txt", "other/b.txt"}));
  EXPECT_EQ(file("c.txt").id, ours->id);
  EXPECT_EQ(file("c.txt").job, job_id(1));
  EXPECT_EQ(file("other/b.txt").id, theirs);
}

TEST_F(Others, DeletedFilesVanishAndAReplacedOneIsANewVersion) {
  ASSERT_TRUE(place.publish(bob, job_id(1), "one", "a"));
  ASSERT_TRUE(place.publish(bob, job_id(2), "two", "b"));
  const FileRecord before = file("b");

  fs::remove(area / "a");
  std::ofstream(folder.path / "new") << "replaced";
  fs::rename(folder.path / "new", area / "b");

  EXPECT_EQ(names(), Names{"b"});
  EXPECT_EQ(file("b").id, before.id);
  EXPECT_GT(file("b").version, before.version);
}

TEST_F(Others, WhatIsNoPlainFileOfTheAreaIsPassedOverAndTold) {
  std::ofstream(folder.path / "secret") << "of somebody else";
  put("plain", "x");
  put(".hidden", "x");
  put(".cache/inside", "x");
  put("bad\xff"
      "name",
      "x");
  put("line\nbreak", "x");
  put("bidi\xe2\x80\xae"
      "txt.exe",
      "x");
  put("family \xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa7.jpg", "x");
  fs::create_symlink(folder.path / "secret", area / "link");
  fs::create_directory_symlink(folder.path, area / "folder-link");
  fs::create_hard_link(folder.path / "secret", area / "hard-link");
  ASSERT_EQ(::mkfifo((area / "pipe").c_str(), 0600), 0);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{AF_UNIX, {}};
  (area / "socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

  const Names listed = names();
  const auto told = place.run(place.areas().look_through());

  EXPECT_EQ(listed, (Names{"plain", "family \xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa7.jpg"}));
  std::string all;
  for (const auto& line : told) all += line + "\n";
  for (const std::string words : {"3 names", "2 symbolic links", "2 pipes", "1 files are not listed because"})
    EXPECT_NE(all.find(words), std::string::npos) << words << " in\n" << all;
  EXPECT_EQ(all.find('\xff'), std::string::npos);
  ::close(socket);
}

TEST_F(Others, AHardLinkIsListedWhereAllItsNamesLieInTheArea) {
  ASSERT_TRUE(place.publish(bob, job_id(1), "ours", "a"));
  put("library/film", "theirs");
  fs::create_hard_link(area / "library/film", area / "film");
  fs::create_hard_link(area / "a", folder.path / "outside");

  EXPECT_EQ(names(), (Names{"a", "film", "library/film"}));
}

TEST_F(Others, AFileThatAHardLinkReplacedIsServedOnceTheAreaWasLookedThrough) {
  const auto ours = place.publish(bob, job_id(1), "ours", "a");
  put("b", "theirs, linked");
  fs::remove(area / "a");
  fs::create_hard_link(area / "b", area / "a");

  const FileRecord after = file("a");

  EXPECT_EQ(after.id, ours->id);
  EXPECT_EQ(after.size_bytes, 14u);
  EXPECT_TRUE(place.run(place.areas().open(bob, ours->id)));
}

TEST_F(Others, AnotherUsersFileThatIsLinkedIntoAnAreaIsNeitherListedNorServed) {
  const auto ours = place.publish(bob, job_id(1), "ours", "a");
  ASSERT_TRUE(place.publish(eve, job_id(2), "of eve", "secret"));
  fs::remove(area / "a");
  fs::create_hard_link(place.area("eve") / "secret", area / "a");
  fs::create_hard_link(place.area("eve") / "secret", area / "b");

  const auto opened_before = place.run(place.areas().open(bob, ours->id));
  const Names listed = names();
  const auto opened_after = place.run(place.areas().open(bob, ours->id));

  EXPECT_FALSE(opened_before);
  EXPECT_EQ(listed, Names{});
  EXPECT_FALSE(opened_after);
}

TEST_F(Others, AFileWhosePublishingIsUnderWayIsNotTakenForAnotherPrograms) {
  std::set<std::string> seen;
  AreasOptions options;
  Place* running = nullptr;
  options.before_step = [&](std::string_view step) {
    if (step != "commit" || running == nullptr) return;
    for (const auto& one : fs::recursive_directory_iterator(folder.path / "second/areas/dan"))
      if (one.is_regular_file()) seen.insert(one.path().filename());
  };
  fs::create_directories(folder.path / "second");
  Place second(folder.path / "second", std::move(options));
  running = &second;
  const AccountId dan = second.add_account("dan");

  const auto published = second.publish(dan, job_id(1), "bytes", "a");
  const auto listed = second.run(second.areas().list(dan));

  EXPECT_EQ(seen, std::set<std::string>{"a"});
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->front().id, published->id);
}

TEST_F(Others, ChangesAreSeenWhileNobodyAsks) {
  const auto rows = [this] {
    std::function<Result<std::vector<FileRecord>>(Tx&)> ask = [this](Tx& tx) {
      return tx.repo<FileRecords>().list(bob);
    };
    return place.read<std::vector<FileRecord>>(ask);
  };
  put("deep/er/one", "1");
  ASSERT_EQ(names(), Names{"deep/er/one"});

  // The first change comes when the folders are watched already, the second one in a folder that is new then.
  place.run_until(place.areas().watching(), [&, turns = 0]() mutable {
    if (++turns == 20) put("deep/er/two", "22");
    if (rows().size() == 2 && !fs::exists(area / "new")) put("new/three", "333");
    return rows().size() == 3;
  });

  EXPECT_EQ(rows().size(), 3u);
}

TEST_F(Others, ALargeAreaIsLookedThroughInSlicesAndWrittenInBatches) {
  AreasOptions options;
  options.limits.entries_a_slice = 64;
  options.limits.rows_a_batch = 50;
  options.limits.scanned_at_list = 10;
  options.limits.files_an_area = 900;
  fs::create_directories(folder.path / "second/areas/dan");
  Place second(folder.path / "second", std::move(options));
  const AccountId dan = second.add_account("dan");
  for (int i = 0; i < 1000; ++i) {
    const fs::path inside = folder.path / "second/areas/dan" / std::to_string(i % 20);
    fs::create_directories(inside);
    std::ofstream(inside / std::to_string(i)) << i;
  }

  const auto listed = second.run(second.areas().list(dan));
  const auto told = second.run(second.areas().look_through());

  EXPECT_EQ(listed->size(), 900u);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told.front().find("more than 900 files"), std::string::npos) << told.front();
}

}  // namespace
}  // namespace restante::files::test
