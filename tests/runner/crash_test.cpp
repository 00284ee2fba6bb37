// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace restante::jobs::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

const std::string a_url = "http://content.test/a.bin";

class Crash : public Place {
protected:
  /// What the disk says, whether the service lives or not.
  State stored_state(JobId id) {
    std::function<Result<std::optional<Job>>(Tx&)> work = [&](Tx& tx) {
      return tx.repo<JobRecords>().find(id);
    };
    return run(store->read_value<std::optional<Job>>(work)).value()->state;
  }
};

TEST_F(Crash, GoesOnWithEveryByteThatTheKernelHad) {
  const std::string body(8 << 20, 'k');
  transfers.on(a_url, {{.body = body, .cut_at = 5 << 20, .hangs = true}, {.body = body}});
  start();
  const JobId id = accept({});
  until([&] { return view(id).live && view(id).files.at(0).checkpoint.etag == "\"one\""; },
        "the answer is noted");

  crash();
  start();
  until(id, State::done);

  EXPECT_EQ(transfers.asked.at(1).offset, 5u << 20);
  EXPECT_EQ(shelf->files.at("a.bin"), body);
  EXPECT_THAT(causes(id),
              ElementsAre("accepted", "due", "restart", "due", "file 0: received", "file 0: published"));
  EXPECT_EQ(view(id).job.attempt, 1) << "a stop of ours is no attempt";
}

/// 14 MiB of which 10 MiB are here and synced when the place dies.
class Interrupted : public Crash {
protected:
  void die_with_a_partial_file() {
    for (int block = 0; block < 14 * 16; ++block) body += std::string(64 << 10, static_cast<char>(block));
    limits.sync_every_bytes = 1 << 20;
    transfers.on(a_url, {{.body = body, .cut_at = 10 << 20, .hangs = true}, {.body = body}});
    start();
    id = accept({});
    until([&] { return view(id).files.at(0).checkpoint.synced_bytes == 10u << 20; }, "a checkpoint is saved");
    crash();
  }

  void boot_the_machine() {
    change([](FileRow& row) { row.checkpoint.boot_id = "another"; });
  }

  void change(const std::function<void(FileRow&)>& how) {
    std::function<Result<void>(Tx&)> work = [&](Tx& tx) -> Result<void> {
      FileRow row = tx.repo<JobRecords>().files(id).value().at(0);
      how(row);
      return tx.repo<JobRecords>().save_file(id, row);
    };
    ASSERT_TRUE(run(store->write(work)).has_value());
  }

  void damage(std::uint64_t at) {
    std::fstream file(shelf->path(id, 0, 0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at)).put('!');
  }

  /// From where it goes on after the next start; the file is right in the end.
  std::uint64_t goes_on_from() {
    start();
    until(id, State::done);
    EXPECT_TRUE(shelf->files.at("a.bin") == body);
    return transfers.asked.at(1).offset;
  }

  std::string body;
  JobId id;
};

TEST_F(Interrupted, GoesOnOnceAFullDiskHasRoomAgain) {
  die_with_a_partial_file();
  limits.room_asked_again = Millis(20);
  starts_with_a_full_disk = true;
  start();
  settle();
  EXPECT_EQ(stored_state(id), State::running) << "the store cannot be told yet";

  database->full = false;
  until(id, State::done);

  EXPECT_TRUE(shelf->files.at("a.bin") == body);
}

TEST_F(Interrupted, AfterAnotherBootKeepsOnlyWhatWasSynced) {
  die_with_a_partial_file();
  boot_the_machine();
  std::ofstream(shelf->path(id, 0, 0), std::ios::app | std::ios::binary) << body.substr(10 << 20, 1 << 20);

  EXPECT_EQ(goes_on_from(), 10u << 20);
  EXPECT_EQ(shelf->hashed_bytes, 10u << 20) << "every kept piece is looked at";
}

TEST_F(Interrupted, AfterAnotherBootCutsTheFileInFrontOfAPieceThatDiffers) {
  die_with_a_partial_file();
  boot_the_machine();
  damage(5 << 20);

  EXPECT_EQ(goes_on_from(), 4u << 20);
  EXPECT_EQ(view(id).files.at(0).wasted_bytes, 6u << 20);
}

TEST_F(Interrupted, AfterAnotherBootTrustsNothingThatHasNoDigests) {
  die_with_a_partial_file();
  boot_the_machine();
  std::function<Result<void>(Tx&)> forget = [&](Tx& tx) {
    return tx.repo<JobRecords>().erase_pieces(id, 0, std::nullopt);
  };
  ASSERT_TRUE(run(store->write(forget)).has_value());

  EXPECT_EQ(goes_on_from(), 0u);
  EXPECT_EQ(shelf->publications.at(0).generation, 1);
}

TEST_F(Interrupted, AfterAnotherBootLooksAtACompleteFileBeforeItIsPublished) {
  die_with_a_partial_file();
  std::ofstream(shelf->path(id, 0, 0), std::ios::app | std::ios::binary) << body.substr(10 << 20);
  change([&](FileRow& row) {
    row.state = FileState::publishing;
    row.size_bytes = body.size();
    row.checkpoint.boot_id = "another";
    row.checkpoint.synced_bytes = body.size();
  });
  damage(9 << 20);

  EXPECT_EQ(goes_on_from(), 8u << 20);
}

TEST_F(Interrupted, AfterAKillLooksAtTheEndOfWhatWasKept) {
  die_with_a_partial_file();
  std::ofstream(shelf->path(id, 0, 0), std::ios::app | std::ios::binary) << body.substr(10 << 20, 1 << 20);

  EXPECT_EQ(goes_on_from(), 11u << 20);
  EXPECT_LE(shelf->hashed_bytes, 9u << 20) << "not all of it";
}

TEST_F(Interrupted, AfterAKillOneDamagedPieceMakesAllOfThemSuspicious) {
  die_with_a_partial_file();
  damage(1);
  damage(9 << 20);

  EXPECT_EQ(goes_on_from(), 0u);
}

TEST_F(Interrupted, ARemovedPartialFileIsFetchedAnew) {
  die_with_a_partial_file();
  std::filesystem::remove(shelf->path(id, 0, 0));

  EXPECT_EQ(goes_on_from(), 0u);
}

TEST_F(Crash, BetweenRenameAndCommitPublishesOnce) {
  transfers.on(a_url, {{.body = "hello"}});
  start();
  shelf->die_before_commit = true;
  shelf->before_publish = [&] { database->dead = true; };
  const JobId id = accept({});
  until([&] { return shelf->files.size() == 1; }, "the file was renamed");
  crash();
  shelf->die_before_commit = false;
  shelf->before_publish = nullptr;

  start();
  const JobView done = until(id, State::done);

  EXPECT_EQ(shelf->publications.size(), 1u);
  EXPECT_EQ(transfers.asked.size(), 1u);
  EXPECT_TRUE(done.files.at(0).published.has_value());
}

TEST_F(Crash, AtEveryWriteLeavesOnePublishedFile) {
  const std::string body(2 << 20, 'e');
  transfers.on(a_url, {{.body = body}});
  start();
  int crashes = 0;
  for (int point = 0; point < 8; ++point) {
    Wanted wanted;
    wanted.id = id_number(point);
    const JobId id = accept(wanted);
    database->dies_after_writes = point;
    until([&] { return database->dead || stored_state(id) == State::done; }, "it dies or ends");
    settle();
    crashes += database->dead ? 1 : 0;
    crash();
    start();
    until(id, State::done);
  }

  EXPECT_GE(crashes, 4);
  EXPECT_EQ(shelf->files.size(), 8u) << "one for each";
  for (const auto& [name, bytes] : shelf->files) EXPECT_EQ(bytes.size(), body.size()) << name;
}

TEST_F(Crash, AStopSavesACheckpointAndTheNextStartGoesOn) {
  const std::string body(8 << 20, 's');
  transfers.on(a_url, {{.body = body, .cut_at = 5 << 20, .hangs = true}, {.body = body}});
  start();
  const JobId id = accept({});
  until([&] { return transfers.running == 1; }, "it runs");
  const int before = shelf->synced;

  stop();
  EXPECT_GT(shelf->synced, before);
  start();
  until(id, State::done);

  EXPECT_EQ(transfers.asked.at(1).offset, 5u << 20);
}

TEST_F(Crash, AMissedStartIsCaughtUpByDefault) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId id = accept({.when = R"({"start":"2026-11-22T01:00:00Z"})"});
  stop();

  clock.advance(std::chrono::hours(2));
  start();

  until(id, State::done);
}

TEST_F(Crash, AMissedStartIsSkippedOrFailsOnDemand) {
  start();
  const JobId skipped =
      accept({.id = id_number(1), .when = R"({"start":"2026-11-22T01:00:00Z","miss":"skip"})"});
  const JobId failed =
      accept({.id = id_number(2), .when = R"({"start":"2026-11-22T01:00:00Z","miss":"fail"})"});
  stop();

  clock.advance(std::chrono::hours(2));
  start();

  EXPECT_EQ(until(skipped, State::expired).job.reason, Reason::missed);
  EXPECT_EQ(until(failed, State::failed).job.reason, Reason::missed);
  EXPECT_TRUE(transfers.asked.empty());
}

TEST_F(Crash, AnUnreadableRecordHarmsOnlyItself) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId broken = accept({.id = id_number(1), .when = R"({"start":"2026-11-22T01:00:00Z"})"});
  const JobId well = accept({.id = id_number(2), .when = R"({"start":"2026-11-22T01:00:00Z"})"});
  std::function<Result<void>(Tx&)> damage = [&](Tx& tx) -> Result<void> {
    Job job = *tx.repo<JobRecords>().find(broken).value();
    job.document = "{";
    return tx.repo<JobRecords>().replace(job);
  };
  ASSERT_TRUE(run(store->write(damage)).has_value());

  pass(std::chrono::hours(1));

  until(well, State::done);
  EXPECT_EQ(view(broken).job.state, State::scheduled);
}

TEST_F(Crash, ASyncThatFailsThrowsThePartialAway) {
  const std::string body(4 << 20, 'f');
  limits.sync_every_bytes = 1 << 20;
  transfers.on(a_url, {{.body = body, .cut_at = 2 << 20, .hangs = true}, {.body = body}});
  shelf->refuse_next_sync = Error{Reason::storage, "input/output error", {}, {}, true};
  start();
  const JobId id = accept({});
  until(id, WaitingFor::retry);

  pass(Millis(1000));
  until(id, State::done);

  EXPECT_EQ(transfers.asked.at(1).offset, 0u);
  EXPECT_EQ(shelf->publications.at(0).generation, 1);
}

}  // namespace
}  // namespace restante::jobs::test
