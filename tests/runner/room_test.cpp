// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include <algorithm>
#include <filesystem>

namespace restante::jobs::test {
namespace {

constexpr std::uint64_t mib = 1 << 20;
const std::string a_url = "http://content.test/a.bin";

class Room : public Place {};

Script endless(std::size_t bytes) {
  return {.body = std::string(bytes, 'x'), .announces_length = false, .cut_at = bytes, .hangs = true};
}

TEST_F(Room, AsksNobodyForWhatDoesNotFitAndFetchesItWhenThereIsRoom) {
  transfers.on(a_url, {{.body = std::string(3 * mib, 'x')}});
  shelf->volume_bytes = 10 * mib;
  shelf->filled_bytes = 8 * mib;
  start();
  const JobId id = accept({.file_members = ",\"size\":3145728"});

  const JobView waiting = until(id, WaitingFor::retry);
  const auto causes_then = causes(id);
  pass(Millis(10000));
  settle();
  EXPECT_EQ(waiting.job.reason, Reason::disk_full);
  EXPECT_TRUE(transfers.asked.empty());
  EXPECT_EQ(causes(id), causes_then) << "looking again writes nothing";

  shelf->filled_bytes = 0;
  pass(Millis(10000));
  until(id, State::done);
  EXPECT_EQ(transfers.asked.size(), 1u);
}

TEST_F(Room, IsGivenBackByWhatFailsForGood) {
  const std::string body(3 * mib, 'x');
  transfers.on(a_url, {{.body = body, .cut_at = 2 * mib, .reason = Reason::incomplete},
                       {.reason = Reason::forbidden, .transient = false},
                       {.body = body}});
  start();
  const JobId id = accept({});
  until(id, WaitingFor::retry);
  EXPECT_EQ(shelf->held_bytes(), 2 * mib);

  pass(Millis(1000));
  const JobView failed = until(id, State::failed);
  until([&] { return shelf->held_bytes() == 0; }, "the partial is gone");
  EXPECT_EQ(failed.job.reason, Reason::forbidden);
  EXPECT_EQ(failed.files.at(0).checkpoint.written_bytes, 0u);

  run(service->act(ana, id, Action::retry)).value();
  until(id, State::done);
  EXPECT_EQ(transfers.asked.at(2).offset, 0u);
  EXPECT_EQ(shelf->files.at("a.bin"), body);
}

TEST_F(Room, IsKeptByWhatRanOutOfAttempts) {
  const std::string body(3 * mib, 'x');
  transfers.on(a_url, {{.body = body, .cut_at = 2 * mib, .reason = Reason::incomplete}, {.body = body}});
  start();
  const JobId id = accept({.more = R"(,"limits":{"attempts":1})"});
  until(id, State::failed);
  settle();
  EXPECT_EQ(shelf->held_bytes(), 2 * mib);

  run(service->act(ana, id, Action::retry)).value();
  until(id, State::done);
  EXPECT_EQ(transfers.asked.at(1).offset, 2 * mib);
}

TEST_F(Room, KeepsTheReserveFree) {
  transfers.on(a_url, {{.body = std::string(5 * mib, 'x')}});
  shelf->volume_bytes = 8 * mib;
  shelf->reserve_bytes = 4 * mib;
  start();
  const JobId id = accept({});

  const JobView waiting = until(id, WaitingFor::retry);

  EXPECT_EQ(waiting.job.reason, Reason::disk_full);
  EXPECT_EQ(waiting.job.attempt, 0) << "it does not count";
  EXPECT_LE(shelf->held_bytes(), 4 * mib);
}

TEST_F(Room, GivesATransferWhatIsLeftWhenItsShareWasNotEnough) {
  transfers.on(a_url, {{.body = std::string(6 * mib, 'x')}});
  shelf->quota_bytes = 8 * mib;
  start();
  const JobId id = accept({});

  until(id, State::done);

  ASSERT_EQ(transfers.asked.size(), 2u);
  EXPECT_EQ(transfers.asked[0].room_bytes, 2 * mib) << "its size was not known";
}

TEST_F(Room, ManyOfOneAccountTogetherStayWithinTheQuota) {
  shelf->quota_bytes = 20 * mib;
  start();
  std::vector<JobId> ids;
  for (int i = 0; i < 12; ++i) {
    const std::string url = "http://content" + std::to_string(i) + ".test/a.bin";
    transfers.on(url, {endless(6 * mib)});
    ids.push_back(accept({.id = id_number(i), .urls = {{url}}}));
  }
  auto used_up = [&] { return shelf->held_bytes() >= 19 * mib; };
  until(used_up, "the room is used");
  settle();

  EXPECT_GT(transfers.most_running, 8);
  EXPECT_LE(shelf->held_bytes(), 20 * mib);
}

TEST_F(Room, StopsWhatRunsWhenOthersFillTheDisk) {
  limits.room_seen_every = Millis(0);
  transfers.on(a_url, {{.body = std::string(3 * mib, 'x'), .cut_at = mib, .hangs = true},
                       {.body = std::string(3 * mib, 'x')}});
  shelf->volume_bytes = 100 * mib;
  shelf->reserve_bytes = mib / 2;
  transfers.told_progress = [&](std::uint64_t) { shelf->filled_bytes = 100 * mib - mib - mib / 4; };
  start();
  const JobId id = accept({});

  const JobView waiting = until(id, WaitingFor::retry);

  EXPECT_EQ(waiting.job.reason, Reason::disk_full);
  EXPECT_EQ(shelf->held_bytes(), 3 * mib / 4) << "the store gets its reserve back";

  transfers.told_progress = {};
  shelf->filled_bytes = 0;
  pass(Millis(10000));
  until(id, State::done);
  EXPECT_EQ(transfers.asked.back().offset, 3 * mib / 4);
}

TEST_F(Room, WritesTheEndOfARunAsSoonAsTheStoreCanWriteAgain) {
  transfers.on(a_url, {{.body = std::string(3 * mib, 'x'), .cut_at = 2 * mib, .hangs = true},
                       {.body = std::string(3 * mib, 'x')}});
  transfers.told_progress = [&](std::uint64_t) { database->full = true; };
  start();
  const JobId id = accept({});
  auto stopped = [&] { return transfers.asked.size() == 1 && transfers.running == 0; };
  until(stopped, "the run stopped");
  settle();
  EXPECT_EQ(view(id).job.state, State::running) << "reads go on; the change is not written yet";
  EXPECT_EQ(shelf->held_bytes(), 2 * mib);

  transfers.told_progress = {};
  database->full = false;
  const JobView waiting = until(id, WaitingFor::retry);
  EXPECT_EQ(waiting.job.reason, Reason::disk_full);
  EXPECT_EQ(waiting.files.at(0).checkpoint.written_bytes, 2 * mib);
  pass(Millis(10000));
  until(id, State::done);

  EXPECT_EQ(transfers.asked.back().offset, 2 * mib) << "what had come is kept";
}

}  // namespace
}  // namespace restante::jobs::test
