// SPDX-License-Identifier: Apache-2.0
#include "shelf.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

namespace restante::files::test {
namespace {

namespace fs = std::filesystem;

TEST(Publishing, PutsARealFileIntoTheArea) {
  Folder folder;
  Place place(folder.path);
  const auto bob = place.add_account("bob");

  const auto done = place.publish(bob, job_id(1), "hello", "talks/a.txt");

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->name, "talks/a.txt");
  EXPECT_EQ(done->size_bytes, 5u);
  EXPECT_EQ(content(place.area("bob") / "talks/a.txt"), "hello");
  EXPECT_EQ(files_below(folder.path / "incoming"), 0u);
  EXPECT_EQ(place.commits(), 1);
}

TEST(Publishing, NumbersANameThatIsTaken) {
  Folder folder;
  Place place(folder.path);
  const auto bob = place.add_account("bob");

  const auto first = place.publish(bob, job_id(1), "one", "a.tar.gz");
  std::ofstream(place.area("bob") / "a (1).tar.gz") << "put there by another program";
  const auto second = place.publish(bob, job_id(2), "two", "a.tar.gz");

  EXPECT_EQ(first->name, "a.tar.gz");
  EXPECT_EQ(second->name, "a (2).tar.gz");
  EXPECT_EQ(content(place.area("bob") / "a.tar.gz"), "one");
  EXPECT_EQ(content(place.area("bob") / "a (1).tar.gz"), "put there by another program");
}

TEST(Publishing, NeverLeavesTheAreaWhateverIsWanted) {
  Folder folder;
  Place place(folder.path);
  const auto bob = place.add_account("bob");
  const fs::path outside = folder.path / "outside";
  fs::create_directory(outside);
  ASSERT_TRUE(place.publish(bob, job_id(0), "x", "first"));
  fs::create_directory_symlink(outside, place.area("bob") / "link");
  fs::create_symlink(outside / "target", place.area("bob") / "file");

  int number = 1;
  for (const std::string wanted :
       {"../../escaped", "/etc/escaped", "..\\escaped", "a/../../../escaped", "link/inside", "file", "./..",
        "link/../../x", "....//....//escaped", "%2e%2e/escaped", "..\u202e/escaped"}) {
    const auto done = place.publish(bob, job_id(number++), "x", wanted);
    ASSERT_TRUE(done) << wanted << ": " << done.error().message;
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(place.area("bob") / done->name))) << wanted;
  }

  EXPECT_TRUE(fs::is_empty(outside));
  EXPECT_EQ(files_below(place.area("bob")), 12u);
  EXPECT_EQ(files_below(folder.path / "areas"), 12u);
}

TEST(Publishing, RefusesBytesThatAreNotAllThere) {
  Folder folder;
  Place place(folder.path);
  const auto bob = place.add_account("bob");
  auto incoming = place.receive(bob, job_id(1), "half");

  const auto done = place.run(place.areas().publish(place.publication(bob, job_id(1), "half and half", "a"),
                                                    std::move(incoming->for_sync), place.counting_commit()));

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, Reason::storage);
  EXPECT_EQ(files_below(place.area("bob")), 0u);
}

TEST(Publishing, RefusesWhatTheAccountHasNoSpaceFor) {
  Folder folder;
  Place place(folder.path);
  const auto bob = place.add_account("bob");
  place.quotas[bob] = 10;

  const auto first = place.publish(bob, job_id(1), "123456", "a");
  const auto too_much = place.publish(bob, job_id(2), "123456", "b");
  const auto fits = place.publish(bob, job_id(3), "1234", "c");
  const auto full = place.run(place.areas().open_incoming(bob, job_id(4), 0, 0));

  EXPECT_TRUE(first);
  ASSERT_FALSE(too_much);
  EXPECT_EQ(too_much.error().reason, Reason::quota);
  EXPECT_TRUE(fits);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().reason, Reason::quota);
}

TEST(Publishing, CanBeRepeatedAfterTheTransactionFailed) {
  Folder folder;
  Place place(folder.path);
  const auto bob = place.add_account("bob");
  auto incoming = place.receive(bob, job_id(1), "hello");
  const jobs::PublishCommit broken = [](Tx&, const jobs::Publication&,
                                        const jobs::Published&) -> Result<void> {
    return fail(Reason::storage, "on purpose");
  };

  const auto failed = place.run(place.areas().publish(place.publication(bob, job_id(1), "hello", "a"),
                                                      std::move(incoming->for_sync), broken));
  const auto listed = place.run(place.areas().list(bob));
  const auto again = place.run(place.areas().publish(place.publication(bob, job_id(1), "hello", "a"),
                                                     UniqueFd(), place.counting_commit()));

  EXPECT_FALSE(failed);
  EXPECT_TRUE(listed->empty());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->name, "a");
  EXPECT_EQ(files_below(place.area("bob")), 1u);
  EXPECT_EQ(place.commits(), 1);
}

struct Crash {
  std::string step;
  bool name_taken_meanwhile = false;
};

class CrashBefore : public testing::TestWithParam<Crash> {};

/// A child publishes and ends without warning at the step; the parent then starts anew on the same folder.
TEST_P(CrashBefore, TheStepLeavesOneFileAndOneCommit) {
  Folder folder;
  const auto crash = GetParam();
  const pid_t child = ::fork();
  if (child == 0) {
    AreasOptions options;
    options.before_step = [&crash](std::string_view step) {
      if (step == crash.step) ::_exit(7);
    };
    Place place(folder.path, options);
    const auto bob = place.add_account("bob");
    static_cast<void>(place.publish(bob, job_id(1), "precious bytes", "talks/a.txt"));
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 7) << "the step was not reached";
  if (crash.name_taken_meanwhile)
    std::ofstream(folder.path / "areas/bob/talks/a.txt") << "of another program";

  Place place(folder.path);
  const AccountId bob{1};
  ASSERT_TRUE(place.run(place.areas().recover(place.counting_commit())));
  if (place.commits() == 0) {
    // Nothing was decided before the crash: the job publishes again, as it does at a start.
    auto incoming = place.run(place.areas().open_incoming(bob, job_id(1), 0, 0));
    EXPECT_EQ(layout_of(incoming->for_sync.get(), 0).beginning, 14u);
    const auto again =
        place.run(place.areas().publish(place.publication(bob, job_id(1), "precious bytes", "talks/a.txt"),
                                        std::move(incoming->for_sync), place.counting_commit()));
    ASSERT_TRUE(again) << again.error().message;
  }
  ASSERT_TRUE(place.run(place.areas().recover(place.counting_commit())));

  auto listed = place.run(place.areas().list(bob));
  std::erase_if(*listed, [](const FileRecord& file) { return file.foreign(); });
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->front().name, crash.name_taken_meanwhile ? "talks/a (1).txt" : "talks/a.txt");
  EXPECT_EQ(content(place.area("bob") / listed->front().name), "precious bytes");
  EXPECT_EQ(files_below(place.area("bob")), crash.name_taken_meanwhile ? 2u : 1u);
  EXPECT_EQ(files_below(folder.path / "incoming"), 0u);
  EXPECT_EQ(place.commits(), 1);
}

INSTANTIATE_TEST_SUITE_P(EveryStep, CrashBefore,
                         testing::Values(Crash{"sync"}, Crash{"intent"}, Crash{"rename"},
                                         Crash{"rename", true}, Crash{"sync-folder"}, Crash{"commit"},
                                         Crash{"done"}),
                         [](const auto& info) {
                           std::string name =
                               info.param.step + (info.param.name_taken_meanwhile ? "NameTaken" : "");
                           std::erase(name, '-');
                           return name;
                         });

TEST(Recovery, CompletesALinkWhoseOldNameIsStillThere) {
  Folder folder;
  {
    const pid_t child = ::fork();
    if (child == 0) {
      AreasOptions options;
      options.before_step = [](std::string_view step) {
        if (step == "sync-folder") ::_exit(7);
      };
      Place place(folder.path, options);
      static_cast<void>(place.publish(place.add_account("bob"), job_id(1), "bytes", "a"));
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(WEXITSTATUS(status), 7);
  }
  const fs::path source = folder.path / "incoming/1" / (job_id(1).text() + ".0");
  fs::create_hard_link(folder.path / "areas/bob/a", source);

  Place place(folder.path);
  ASSERT_TRUE(place.run(place.areas().recover(place.counting_commit())));

  EXPECT_FALSE(fs::exists(source));
  EXPECT_EQ(files_below(place.area("bob")), 1u);
  EXPECT_EQ(place.commits(), 1);
}

TEST(Publishing, AFileWhoseTransactionFailedIsNotFetchedAndPublishedTwice) {
  Folder folder;
  Place place(folder.path);
  const auto bob = place.add_account("bob");
  auto incoming = place.receive(bob, job_id(1), "hello");
  const jobs::PublishCommit full = [](Tx&, const jobs::Publication&, const jobs::Published&) -> Result<void> {
    return fail(Reason::disk_full, "on purpose");
  };
  const auto what = place.publication(bob, job_id(1), "hello", "talks/a");
  ASSERT_FALSE(place.run(place.areas().publish(what, std::move(incoming->for_sync), full)));

  auto again = place.run(place.areas().open_incoming(bob, job_id(1), 0, 0));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(layout_of(again->for_sync.get(), 0).beginning, 5u);
  const auto done =
      place.run(place.areas().publish(what, std::move(again->for_sync), place.counting_commit()));

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->name, "talks/a");
  EXPECT_EQ(content(place.area("bob") / "talks/a"), "hello");
  EXPECT_EQ(files_below(place.area("bob")), 1u);
  EXPECT_EQ(files_below(folder.path / "incoming"), 0u);
}

TEST(Publishing, AFileWhoseTransactionFailedLeavesTheAreaWhenItIsDiscarded) {
  Folder folder;
  Place place(folder.path);
  const auto bob = place.add_account("bob");
  auto incoming = place.receive(bob, job_id(1), "hello");
  const jobs::PublishCommit full = [](Tx&, const jobs::Publication&, const jobs::Published&) -> Result<void> {
    return fail(Reason::disk_full, "on purpose");
  };
  ASSERT_FALSE(place.run(place.areas().publish(place.publication(bob, job_id(1), "hello", "a"),
                                               std::move(incoming->for_sync), full)));

  ASSERT_TRUE(place.run(place.areas().discard_incoming(bob, job_id(1), 0, 0)));
  ASSERT_TRUE(place.run(place.areas().recover(place.counting_commit())));

  EXPECT_EQ(files_below(place.area("bob")), 0u);
  EXPECT_EQ(files_below(folder.path / "incoming"), 0u);
  EXPECT_EQ(place.commits(), 0);
}

TEST(Leftovers, OfJobsThatAreOverAreRemovedAndOthersStay) {
  Folder folder;
  Place place(folder.path);
  const auto bob = place.add_account("bob");
  place.add_job(bob, job_id(1), jobs::State::done);
  place.add_job(bob, job_id(2), jobs::State::cancelled);
  place.add_job(bob, job_id(3), jobs::State::waiting);
  place.add_job(bob, job_id(4), jobs::State::failed);
  for (int number = 1; number <= 5; ++number) {
    ASSERT_TRUE(place.receive(bob, job_id(number), "part"));
    ASSERT_TRUE(place.run(place.areas().open_incoming(bob, job_id(number), 0, 7)));
  }
  std::ofstream(folder.path / "incoming" / std::to_string(bob.value) / "notes.txt") << "of somebody else";

  place.run_housekeeping_until([&] { return files_below(folder.path / "incoming") == 5; });

  for (int number : {3, 4})
    for (const char* end : {".0", ".0.g7"})
      EXPECT_TRUE(
          fs::exists(folder.path / "incoming" / std::to_string(bob.value) / (job_id(number).text() + end)));
  EXPECT_TRUE(fs::exists(folder.path / "incoming" / std::to_string(bob.value) / "notes.txt"));
}

}  // namespace
}  // namespace restante::files::test
