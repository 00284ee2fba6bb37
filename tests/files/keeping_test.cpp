// SPDX-License-Identifier: Apache-2.0
// Folders, trash, owners and traffic, as people keep files.
#include "shelf.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::files::test {
namespace {

namespace fs = std::filesystem;

struct Keeping : testing::Test {
  Folder folder;
  Place place{folder.path};
  AccountId bob = place.add_account("bob"), bobby = place.add_account("bobby");
  fs::path area = place.area("bob");

  std::vector<std::string> names(AccountId account) {
    std::vector<std::string> out;
    const auto all_file = place.run(place.areas().list(account));
    for (const auto& file : *all_file) out.push_back(file.name);
    std::sort(out.begin(), out.end());
    return out;
  }
  FileId publish(AccountId account, int number, const std::string& bytes, const std::string& name) {
    return place.publish(account, job_id(number), bytes, name).value().id;
  }
  std::vector<TrashedFile> trash(AccountId account) {
    return place.run(place.areas().list_trash(account)).value();
  }
};
using Names = std::vector<std::string>;

TEST_F(Keeping, AFolderHasItsOwnFilesAndNoneOfOneWhoseNameBeginsAlike) {
  publish(bob, 1, "1", "x/a");
  publish(bob, 2, "2", "x2/b");
  publish(bob, 3, "3", "x/deep/c");
  publish(bob, 4, "4", "top");
  fs::create_directories(area / "x/empty");

  const auto top = place.run(place.areas().list_folder(bob, ""));
  const auto x = place.run(place.areas().list_folder(bob, "x"));

  EXPECT_EQ(top->folders, (Names{"x", "x2"}));
  ASSERT_EQ(top->files.size(), 1u);
  EXPECT_EQ(top->files[0].name, "top");
  EXPECT_EQ(x->folders, (Names{"x/deep", "x/empty"}));
  ASSERT_EQ(x->files.size(), 1u);
  EXPECT_EQ(x->files[0].name, "x/a");
  for (const std::string path :
       {"y", "x/", "/x", "x/..", "../bob", "x/../x", ".", "..", "../bobby", "x//deep"})
    EXPECT_EQ(place.run(place.areas().list_folder(bob, path)).error().reason, Reason::not_found) << path;
}

TEST_F(Keeping, AFileIsFoundByAPartOfItsPathHoweverItIsWritten) {
  publish(bob, 1, "1", "Trips/Été 100%.jpg");
  publish(bob, 2, "2", "b/trip_report.pdf");
  publish(bob, 3, "3", "a");
  publish(bobby, 4, "4", "trips/foreign.jpg");
  const auto found = [&](const std::string& text, int limit = 10) {
    Names out;
    const auto files = place.run(place.areas().search(bob, text, limit));
    for (const auto& file : *files) out.push_back(file.name);
    return out;
  };

  EXPECT_EQ(found("TRIP"), (Names{"Trips/Été 100%.jpg", "b/trip_report.pdf"}));
  EXPECT_EQ(found("e\u0301te\u0301"), Names{"Trips/Été 100%.jpg"});
  EXPECT_EQ(found("100%"), Names{"Trips/Été 100%.jpg"});
  EXPECT_EQ(found("%"), Names{"Trips/Été 100%.jpg"});
  EXPECT_EQ(found("p_r"), Names{"b/trip_report.pdf"});
  EXPECT_EQ(found("trips/foreign"), Names{});
  EXPECT_EQ(found("trip", 1), Names{"Trips/Été 100%.jpg"});
}

TEST_F(Keeping, WhoWantsToKnowIsToldOfOwnChangesAndOfThoseOfOtherPrograms) {
  const FileId file = publish(bob, 1, "1", "a");
  ASSERT_TRUE(place.run(place.areas().list(bob)));
  std::vector<AccountId> told;
  place.areas().tell_changes([&](AccountId account) { told.push_back(account); });

  ASSERT_TRUE(place.run(place.areas().list(bob)));
  EXPECT_TRUE(told.empty()) << "nothing changed";
  ASSERT_TRUE(place.run(place.areas().rename(bob, file, "b")));
  ASSERT_TRUE(place.run(place.areas().list(bob)));
  EXPECT_EQ(told, std::vector<AccountId>{bob});
  std::ofstream(area / "other") << "x";
  ASSERT_TRUE(place.run(place.areas().list(bob)));
  ASSERT_TRUE(place.run(place.areas().list(bob)));
  EXPECT_EQ(told, (std::vector<AccountId>{bob, bob}));
  ASSERT_TRUE(place.run(place.areas().make_folder(bob, "folder")));
  EXPECT_EQ(told.size(), 3u);
}

TEST_F(Keeping, AMovedFolderTakesItsFilesAlongAndReplacesNothing) {
  const FileId file = publish(bob, 1, "1", "x/in/a");
  publish(bob, 2, "2", "x2/b");

  const auto moved = place.run(place.areas().move_folder(bob, "x", "../y/z"));
  const auto taken = place.run(place.areas().move_folder(bob, "y", "x2"));
  const auto inside = place.run(place.areas().move_folder(bob, "y", "y/z/deeper"));
  const auto unknown = place.run(place.areas().move_folder(bob, "none", "n"));
  const auto foreign = place.run(place.areas().move_folder(bobby, "y", "n"));

  EXPECT_EQ(*moved, "y/z");
  EXPECT_EQ(taken.error().reason, Reason::conflict);
  EXPECT_EQ(inside.error().reason, Reason::conflict);
  EXPECT_EQ(unknown.error().reason, Reason::not_found);
  EXPECT_EQ(foreign.error().reason, Reason::not_found);
  EXPECT_EQ(names(bob), (Names{"x2/b", "y/z/in/a"}));
  EXPECT_EQ(place.run(place.areas().find(bob, file))->name, "y/z/in/a");
}

TEST_F(Keeping, ADeletedFileLeavesTheAreaAndCanBeHadBack) {
  const FileId file = publish(bob, 1, "precious", "x/a.txt");

  ASSERT_TRUE(place.run(place.areas().trash(bob, file)));
  EXPECT_FALSE(fs::exists(area / "x/a.txt"));
  EXPECT_EQ(names(bob), Names{});
  EXPECT_FALSE(place.run(place.areas().open(bob, file)));
  ASSERT_EQ(trash(bob).size(), 1u);
  EXPECT_EQ(place.run(place.areas().usage(bob))->used_bytes, 8u);
  EXPECT_FALSE(place.run(place.areas().restore(bobby, file)));
  publish(bob, 2, "newer", "x/a.txt");
  const auto back = place.run(place.areas().restore(bob, file));

  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->name, "x/a (1).txt");
  EXPECT_EQ(back->id, file);
  EXPECT_EQ(content(area / "x/a (1).txt"), "precious");
  EXPECT_TRUE(trash(bob).empty());
  EXPECT_EQ(names(bob), (Names{"x/a (1).txt", "x/a.txt"}));
}

TEST_F(Keeping, ADeletionStaysOneHoweverManyLookOn) {
  constexpr int rounds = 25, files = 8;
  const auto look_on = [](Areas& areas, AccountId who, const bool& over) -> Task<void> {
    while (!over) {
      auto listing = areas.list(who);
      co_await std::move(listing);
    }
  };
  fs::create_directories(area);
  for (int round = 1; round <= rounds; ++round) {
    for (int i = 0; i < files; ++i) std::ofstream(area / std::to_string(i)) << i;
    const auto all = place.run(place.areas().list(bob));
    ASSERT_EQ(all->size(), static_cast<std::size_t>(files));
    bool over = false, ended = false;
    asio::co_spawn(place.loop(), look_on(place.areas(), bob, over),
                   [&ended](std::exception_ptr) { ended = true; });

    for (const FileRecord& file : *all) {
      // At another moment of the look each time.
      for (int step = 0; step < round; ++step) place.loop().poll_one();
      EXPECT_TRUE(place.run(place.areas().trash(bob, file.id)));
    }
    over = true;
    while (!ended) place.loop().run_one();

    ASSERT_EQ(trash(bob).size(), static_cast<std::size_t>(round * files));
  }
}

TEST_F(Keeping, TheTrashIsEmptiedByAskingAndByTime) {
  for (int i = 1; i <= 3; ++i) publish(bob, i, "bytes", "a" + std::to_string(i));
  const auto all_file = place.run(place.areas().list(bob));
  for (const auto& file : *all_file) ASSERT_TRUE(place.run(place.areas().trash(bob, file.id)));
  const FileId one = trash(bob).front().file.id;

  EXPECT_FALSE(place.run(place.areas().erase_deleted(bobby, one)));
  ASSERT_TRUE(place.run(place.areas().erase_deleted(bob, one)));
  EXPECT_EQ(trash(bob).size(), 2u);
  place.clock().set(place.clock().now() + Seconds(7 * 86400 + 1));
  place.run_housekeeping_until([&] { return files_below(folder.path / "trash") == 0; });
  EXPECT_TRUE(trash(bob).empty());
  publish(bob, 9, "bytes", "z");
  ASSERT_TRUE(
      place.run(place.areas().remove_folder(bob, "none", Areas::Removal::into_trash)).error().reason ==
      Reason::not_found);
  ASSERT_TRUE(place.run(place.areas().trash(bob, place.run(place.areas().list(bob))->front().id)));
  ASSERT_TRUE(place.run(place.areas().empty_trash(bob)));
  EXPECT_EQ(files_below(folder.path / "trash"), 0u);
}

TEST_F(Keeping, ADeletedFolderIsHadBackFileByFile) {
  publish(bob, 1, "1", "x/a");
  publish(bob, 2, "2", "x/in/b");
  publish(bob, 3, "3", "x2/c");

  ASSERT_TRUE(place.run(place.areas().remove_folder(bob, "x", Areas::Removal::into_trash)));

  EXPECT_FALSE(fs::exists(area / "x"));
  EXPECT_EQ(names(bob), Names{"x2/c"});
  for (const auto& one : trash(bob)) ASSERT_TRUE(place.run(place.areas().restore(bob, one.file.id)));
  EXPECT_EQ(names(bob), (Names{"x/a", "x/in/b", "x2/c"}));
}

TEST_F(Keeping, DeletedFilesGiveWayOldestFirst) {
  place.quotas[bob] = 1000;
  for (int i = 1; i <= 3; ++i) {
    const FileId file = publish(bob, i, std::string(300, 'x'), "a" + std::to_string(i));
    ASSERT_TRUE(place.run(place.areas().trash(bob, file)));
    place.clock().set(place.clock().now() + Seconds(1));
  }
  const FileId other = publish(bobby, 9, "of bobby", "b");
  ASSERT_TRUE(place.run(place.areas().trash(bobby, other)));
  ASSERT_EQ(place.run(place.areas().room(bob))->quota_bytes, 100u);

  ASSERT_TRUE(place.run(place.areas().free_room(bob, {Reason::quota, 400})));

  EXPECT_EQ(place.run(place.areas().room(bob))->quota_bytes, 700u);
  ASSERT_EQ(trash(bob).size(), 1u);
  EXPECT_EQ(trash(bob).front().file.name, "a3");
  EXPECT_EQ(trash(bobby).size(), 1u);
  ASSERT_TRUE(place.run(place.areas().free_room(bob, {Reason::disk_full, 301})));
  EXPECT_TRUE(trash(bobby).empty());
}

TEST_F(Keeping, ADeletionThatACrashCutOffHasNotTakenPlace) {
  const FileId file = publish(bob, 1, "precious", "a");
  // As it is stored between the rows and the rename.
  std::function<Result<bool>(Tx&)> cut_off = [file](Tx& tx) -> Result<bool> {
    auto row = tx.repo<FileRecords>().find(file);
    if (auto done = tx.repo<FileRecords>().remove(file); !done) return fail(done.error());
    if (auto done = tx.repo<TrashRecords>().insert({**row, (*row)->published}); !done)
      return fail(done.error());
    return true;
  };
  ASSERT_TRUE(place.write(cut_off));

  EXPECT_EQ(names(bob), Names{"a"});
  EXPECT_EQ(place.run(place.areas().find(bob, file))->job, job_id(1));
  EXPECT_TRUE(trash(bob).empty());
}

TEST(KeepingNothing, DeletesAtOnce) {
  Folder folder;
  AreasOptions options;
  options.trash_keep = Seconds(0);
  Place place(folder.path, std::move(options));
  const AccountId bob = place.add_account("bob");
  const auto file = place.publish(bob, job_id(1), "bytes", "a");

  ASSERT_TRUE(place.run(place.areas().trash(bob, file->id)));

  EXPECT_TRUE(place.run(place.areas().list_trash(bob))->empty());
  EXPECT_EQ(files_below(folder.path / "trash"), 0u);
}

TEST(Owners, PublishedFilesAndMadeFoldersGetOwnerGroupAndModes) {
  ASSERT_EQ(::geteuid(), 0u) << "this test gives files away, which needs root";
  Folder folder;
  AreasOptions options;
  options.files = {0640, 1234, 2345};
  options.folders = {02750, 1234, 2345};
  Place place(folder.path, std::move(options));
  const AccountId bob = place.add_account("bob");

  ASSERT_TRUE(place.publish(bob, job_id(1), "bytes", "x/a"));

  struct stat file{}, made{};
  ASSERT_EQ(::stat((place.area("bob") / "x/a").c_str(), &file), 0);
  ASSERT_EQ(::stat((place.area("bob") / "x").c_str(), &made), 0);
  EXPECT_EQ(file.st_uid, 1234u);
  EXPECT_EQ(file.st_gid, 2345u);
  EXPECT_EQ(file.st_mode & 07777, 0640u);
  EXPECT_EQ(made.st_uid, 1234u);
  EXPECT_EQ(made.st_gid, 2345u);
  EXPECT_EQ(made.st_mode & 07777, 02750u);
}

TEST(Owners, ASetGroupIdFolderGivesItsGroup) {
  ASSERT_EQ(::geteuid(), 0u) << "this test gives files away, which needs root";
  Folder folder;
  Place place(folder.path);
  const AccountId bob = place.add_account("bob");
  fs::create_directories(place.area("bob") / "shared");
  ASSERT_EQ(::chown((place.area("bob") / "shared").c_str(), 0, 2345), 0);
  ASSERT_EQ(::chmod((place.area("bob") / "shared").c_str(), 02775), 0);

  ASSERT_TRUE(place.publish(bob, job_id(1), "bytes", "shared/in/a"));
  ASSERT_TRUE(place.publish(bob, job_id(2), "bytes", "shared/b"));

  struct stat file{}, made{};
  ASSERT_EQ(::stat((place.area("bob") / "shared/b").c_str(), &file), 0);
  ASSERT_EQ(::stat((place.area("bob") / "shared/in").c_str(), &made), 0);
  EXPECT_EQ(file.st_gid, 2345u);
  EXPECT_EQ(made.st_gid, 2345u);
  EXPECT_NE(made.st_mode & S_ISGID, 0u);
  ASSERT_EQ(::stat((place.area("bob") / "shared/in/a").c_str(), &file), 0);
  EXPECT_EQ(file.st_gid, 2345u);
}

TEST_F(Keeping, TrafficIsCountedByTheMonthAndKept) {
  place.traffics[bob] = 1000;
  Traffic& traffic = place.areas().traffic();
  traffic.fetched(bob, 300);
  traffic.served(bob, 200);
  ASSERT_TRUE(place.run(traffic.save()));
  EXPECT_EQ(traffic.left(bob), 500u);
  EXPECT_EQ(traffic.used_up(bob), "");

  traffic.fetched(bob, 500);

  EXPECT_NE(traffic.used_up(bob).find("2026-10-01T00:00:00Z"), std::string::npos) << traffic.used_up(bob);
  EXPECT_FALSE(place.run(place.areas().room(bob))->traffic_used_up.empty());
  EXPECT_FALSE(traffic.left(bobby));
  ASSERT_TRUE(place.run(traffic.save()));
  Traffic again(place.loop().get_executor(), place.store(), place.clock(), [](AccountId) { return 1500; });
  ASSERT_TRUE(place.run(again.start()));
  EXPECT_EQ(again.of(bob).fetched_bytes, 800u);
  EXPECT_EQ(again.of(bob).served_bytes, 200u);
  EXPECT_EQ(again.left(bob), 500u);
  place.clock().set(Instant(Seconds(1'790'000'000 + 40 * 86400)));
  EXPECT_EQ(traffic.left(bob), 1000u);
  EXPECT_EQ(traffic.used_up(bob), "");
}

}  // namespace
}  // namespace restante::files::test
