// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "base/text.hpp"
#include "shelf.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::files::test {
namespace {

namespace fs = std::filesystem;

struct WithTwoUsers : testing::Test {
  Folder folder;
  Place place{folder.path};
  AccountId bob = place.add_account("bob"), bobby = place.add_account("bobby");
};
using Area = WithTwoUsers;

std::string read_all(int fd) {
  std::string out(1 << 16, '\0');
  out.resize(static_cast<std::size_t>(::pread(fd, out.data(), out.size(), 0)));
  return out;
}

TEST_F(Area, AnswersAForeignIdLikeAnUnknownOne) {
  const auto mine = place.publish(bob, job_id(1), "mine", "a");
  FileId unknown;
  unknown.bytes.fill(9);

  const auto foreign = place.run(place.areas().open(bobby, mine->id));
  const auto missing = place.run(place.areas().open(bobby, unknown));

  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().reason, missing.error().reason);
  EXPECT_EQ(foreign.error().message, missing.error().message);
  EXPECT_EQ(foreign.error().hint, missing.error().hint);
  EXPECT_FALSE(place.run(place.areas().remove(bobby, mine->id)));
  EXPECT_FALSE(place.run(place.areas().rename(bobby, mine->id, "b")));
  EXPECT_FALSE(place.run(place.areas().find(bobby, mine->id)));
  EXPECT_TRUE(place.run(place.areas().list(bobby))->empty());
  EXPECT_TRUE(place.run(place.areas().open(bob, mine->id)));
}

TEST_F(Area, KeepsUsersApartWhoseNamesBeginAlike) {
  const auto one = place.publish(bob, job_id(1), "of bob", "by/x");
  const auto two = place.publish(bobby, job_id(2), "of bobby", "x");

  EXPECT_EQ(content(place.area("bob") / "by/x"), "of bob");
  EXPECT_EQ(content(place.area("bobby") / "x"), "of bobby");
  EXPECT_EQ(place.run(place.areas().list(bob))->size(), 1u);
  EXPECT_EQ(place.run(place.areas().list(bobby))->size(), 1u);
}

TEST_F(Area, GivesAChangedFileANewVersionAndNoDigest) {
  auto incoming = place.receive(bob, job_id(1), "before");
  auto what = place.publication(bob, job_id(1), "before", "a");
  what.sha256 = to_hex(sha256("before"));
  const auto done =
      place.run(place.areas().publish(what, std::move(incoming->for_sync), place.counting_commit()));
  const auto first = place.run(place.areas().open(bob, done->id));

  std::ofstream(place.area("bob") / "a") << "after it was written by another";
  const auto second = place.run(place.areas().open(bob, done->id));
  const auto third = place.run(place.areas().open(bob, done->id));

  EXPECT_EQ(first->etag(), "\"" + done->id.text() + "-1\"");
  EXPECT_FALSE(first->record.sha256.empty());
  EXPECT_EQ(second->etag(), "\"" + done->id.text() + "-2\"");
  EXPECT_TRUE(second->record.sha256.empty());
  EXPECT_EQ(second->record.size_bytes, 31u);
  EXPECT_EQ(read_all(second->fd->get()), "after it was written by another");
  EXPECT_EQ(third->etag(), second->etag());
}

TEST_F(Area, ForgetsAFileThatVanished) {
  const auto done = place.publish(bob, job_id(1), "x", "a");
  const auto other = place.publish(bob, job_id(2), "y", "b");
  fs::remove(place.area("bob") / "a");

  EXPECT_EQ(place.run(place.areas().open(bob, done->id)).error().reason, Reason::not_found);
  EXPECT_FALSE(place.run(place.areas().find(bob, done->id)));
  fs::remove(place.area("bob") / "b");
  EXPECT_TRUE(place.run(place.areas().list(bob))->empty());
  EXPECT_FALSE(place.run(place.areas().find(bob, other->id)));
}

TEST_F(Area, ServesNoLinkAndNoPipeThatStandsInAFilesPlace) {
  const auto linked = place.publish(bob, job_id(1), "x", "a");
  const auto piped = place.publish(bob, job_id(2), "x", "b");
  const auto foldered = place.publish(bob, job_id(3), "x", "deep/c");
  fs::remove(place.area("bob") / "a");
  fs::create_symlink("/etc/passwd", place.area("bob") / "a");
  fs::remove(place.area("bob") / "b");
  ASSERT_EQ(::mkfifo((place.area("bob") / "b").c_str(), 0600), 0);
  fs::rename(place.area("bob") / "deep", folder.path / "elsewhere");
  fs::create_directory_symlink(folder.path / "elsewhere", place.area("bob") / "deep");

  EXPECT_FALSE(place.run(place.areas().open(bob, linked->id)));
  EXPECT_FALSE(place.run(place.areas().open(bob, piped->id)));
  EXPECT_FALSE(place.run(place.areas().open(bob, foldered->id)));
}

TEST_F(Area, RenamesAsItWouldNameANewFile) {
  const auto one = place.publish(bob, job_id(1), "one", "a");
  const auto two = place.publish(bob, job_id(2), "two", "b");

  const auto moved = place.run(place.areas().rename(bob, two->id, "../new/folder/./c.txt"));
  const auto taken = place.run(place.areas().rename(bob, two->id, "a"));

  EXPECT_EQ(moved->name, "new/folder/c.txt");
  EXPECT_EQ(taken->name, "a (1)");
  EXPECT_EQ(content(place.area("bob") / "a"), "one");
  EXPECT_EQ(content(place.area("bob") / "a (1)"), "two");
  EXPECT_EQ(files_below(place.area("bob")), 2u);
  EXPECT_EQ(place.run(place.areas().open(bob, two->id))->record.version, 1);
  EXPECT_EQ(place.run(place.areas().find(bob, one->id))->name, "a");
}

TEST_F(Area, RemovesAFileAndAnAccountWithEverythingKnown) {
  const auto one = place.publish(bob, job_id(1), "one", "x/a");
  ASSERT_TRUE(place.publish(bob, job_id(2), "two", "y/b"));
  ASSERT_TRUE(place.publish(bobby, job_id(3), "three", "c"));
  ASSERT_TRUE(place.receive(bob, job_id(4), "partial"));
  std::ofstream(place.area("bob") / "y" / "own") << "of another program";

  ASSERT_TRUE(place.run(place.areas().remove(bob, one->id)));
  EXPECT_FALSE(fs::exists(place.area("bob") / "x/a"));
  ASSERT_TRUE(place.run(place.areas().remove_account(bob)));

  EXPECT_EQ(place.run(place.areas().list(bob))->size(), 1u);  // of the other program
  EXPECT_EQ(files_below(folder.path / "incoming"), 0u);
  EXPECT_FALSE(fs::exists(place.area("bob") / "x"));
  EXPECT_EQ(content(place.area("bob") / "y/own"), "of another program");
  EXPECT_EQ(content(place.area("bobby") / "c"), "three");
}

TEST_F(Area, OpensAPartialFileTwiceAndShowsWhatHasArrived) {
  auto incoming = place.receive(bob, job_id(1), "so far");
  const auto arriving = place.run(place.areas().open_arriving(bob, job_id(1), 0, 0));
  const auto digest = place.run(place.areas().digest_incoming(bob, job_id(1), 0, 0, "sha-256"));
  const auto foreign = place.run(place.areas().open_arriving(bobby, job_id(1), 0, 0));

  EXPECT_NE(incoming->for_worker.get(), incoming->for_sync.get());
  EXPECT_EQ(read_all(arriving->get()), "so far");
  EXPECT_EQ(*digest, to_hex(sha256("so far")));
  EXPECT_EQ(foreign.error().reason, Reason::not_found);
  EXPECT_TRUE(place.run(place.areas().sync_data(incoming->for_sync.get())));
  EXPECT_TRUE(place.run(place.areas().discard_incoming(bob, job_id(1), 0, 0)));
  EXPECT_FALSE(place.run(place.areas().open_arriving(bob, job_id(1), 0, 0)));
}

TEST_F(Area, ComputesMissingDigestsAndRemovesWhatIsOverItsTime) {
  const std::string bytes(3'000'000, 'd');
  const auto kept = place.publish(bob, job_id(1), bytes, "kept");
  auto incoming = place.receive(bob, job_id(2), "short-lived");
  auto what = place.publication(bob, job_id(2), "short-lived", "brief");
  what.keep = Seconds(3600);
  const auto brief =
      place.run(place.areas().publish(what, std::move(incoming->for_sync), place.counting_commit()));
  place.clock().advance(std::chrono::hours(2));

  const fs::path gone = place.area("bob") / "brief";
  place.run_housekeeping_until([&] {
    std::function<Result<std::vector<FileRecord>>(Tx&)> ask = [](Tx& tx) {
      return tx.repo<FileRecords>().without_digest(10);
    };
    return !fs::exists(gone) && place.read<std::vector<FileRecord>>(ask).empty();
  });

  EXPECT_EQ(place.run(place.areas().find(bob, kept->id))->sha256, to_hex(sha256(bytes)));
  EXPECT_EQ(place.run(place.areas().find(bob, kept->id))->version, 1);
  EXPECT_FALSE(place.run(place.areas().find(bob, brief->id)));
}

TEST_F(Area, FindsNothingWrongWithAnOrdinaryFileSystem) {
  const auto faults = place.run(place.areas().probe_file_system());

  EXPECT_TRUE(faults.empty()) << faults.front();
  EXPECT_EQ(files_below(folder.path / "areas"), 0u);
}

TEST(AreaTemplate, PutsAreasWhereTheOperatorSays) {
  Folder folder;
  fs::create_directory(folder.path / "media");
  AreasOptions options;
  options.areas_path = (folder.path / "media/user-{user}/inbox").string();
  Place place(folder.path, options);

  const auto done = place.publish(place.add_account("bob"), job_id(1), "x", "a");

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(content(folder.path / "media/user-bob/inbox/a"), "x");
}

TEST(AreaTemplate, RefusesWhatCannotKeepUsersApartAndSaysHow) {
  Folder folder;
  AreasOptions same, missing;
  same.areas_path = folder.path.string() + "/media";
  missing.areas_path = folder.path.string() + "/nowhere/{user}";

  EXPECT_THROW(Place(folder.path, same), std::runtime_error);
  EXPECT_THROW(Place(folder.path, missing), std::runtime_error);
}

}  // namespace
}  // namespace restante::files::test
