// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include <gmock/gmock.h>

namespace restante::jobs::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string a_url = "http://content.test/a.bin";
const std::string mirror = "http://mirror.test/a.bin";

class Life : public Place {};

TEST_F(Life, PublishesWhatIsDueAtOnce) {
  transfers.on(a_url, {{.body = "hello"}});
  start();

  const JobId id = accept({});
  const JobView done = until(id, State::done);

  EXPECT_EQ(shelf->files.at("a.bin"), "hello");
  EXPECT_EQ(done.files.at(0).name, "a.bin");
  EXPECT_EQ(done.files.at(0).size_bytes, 5u);
  EXPECT_TRUE(done.files.at(0).published.has_value());
  EXPECT_THAT(causes(id), ElementsAre("accepted", "due", "file 0: received", "file 0: published"));
}

TEST_F(Life, GoesByTheNameOfTheFileThatIsThere) {
  transfers.on(a_url, {{.body = "hello", .name_hint = "evil name.txt"}});
  start();
  auto watching = std::move(run(service->subscribe(ana, std::nullopt, std::nullopt)).value());
  const JobId plain = accept({.id = id_number(1)});
  const JobId in_folder = accept({.id = id_number(2), .file_members = R"(,"path":"sub")"});
  const JobId titled = accept({.id = id_number(3), .what = R"(,"title":"Minutes")"});
  const JobId several = accept({.id = id_number(4), .urls = {{a_url}, {a_url}}});
  EXPECT_EQ(view(several).job.name, "a.bin");

  const JobView done = until(plain, State::done);
  until(in_folder, State::done);
  until(titled, State::done);
  until(several, State::done);
  const JobPage listed = run(service->list(ana, {})).value();
  std::string told;
  while (auto event = run(watching->next(Millis(200))).value())
    if (event->job == plain && event->kind == "job.state") told = event->data;

  EXPECT_EQ(done.job.name, "evil name.txt");
  EXPECT_EQ(done.job.name, done.files.at(0).name);
  EXPECT_EQ(view(in_folder).job.name, "evil name.txt")
      << "without the folder: " + view(in_folder).files.at(0).name;
  EXPECT_EQ(view(titled).job.name, "Minutes");
  EXPECT_EQ(view(several).job.name, "a.bin");
  EXPECT_EQ(listed.jobs.at(3).name, "evil name.txt");
  EXPECT_THAT(told, HasSubstr("evil name.txt"));
}

TEST_F(Life, StartsAtItsTimeAndNotBefore) {
  transfers.on(a_url, {{.body = "hello"}});
  start();
  const JobId id = accept({.when = R"({"start":"2026-11-22T02:00:00Z"})"});

  pass(std::chrono::minutes(119));
  settle();
  EXPECT_EQ(view(id).job.state, State::scheduled);
  EXPECT_TRUE(transfers.asked.empty());

  pass(std::chrono::minutes(1));
  until(id, State::done);
}

TEST_F(Life, RunsOnlyInItsWindowAndGoesOnInTheNext) {
  transfers.on(a_url, {{.body = std::string(3 << 20, 'w'), .cut_at = 2 << 20, .hangs = true},
                       {.body = std::string(3 << 20, 'w')}});
  start();
  const JobId id = accept({.when = R"({"tz":"UTC","windows":[{"from":"01:00","to":"02:00"}]})"});
  settle();
  EXPECT_EQ(view(id).job.waiting_for, WaitingFor::window);

  pass(std::chrono::minutes(60));
  until([&] { return transfers.running == 1; }, "it runs in its window");
  pass(std::chrono::minutes(60));
  const JobView closed = until(id, WaitingFor::window);
  until([&] { return transfers.running == 0; }, "it ends with its window");
  EXPECT_EQ(closed.job.next_run, Instant(Seconds(1795305600 + 25 * 3600)));
  pass(std::chrono::hours(23));
  until(id, State::done);

  EXPECT_EQ(transfers.asked.at(1).offset, 2u << 20);
  EXPECT_EQ(shelf->files.at("a.bin").size(), 3u << 20);
}

TEST_F(Life, ExpiresAtItsDeadlineIfItIsToStopThen) {
  transfers.on(a_url, {{.body = "x", .hangs = true}});
  start();
  const JobId id = accept({.when = R"({"by":"2026-11-22T01:00:00Z","late":"stop"})"});
  until([&] { return transfers.running == 1; }, "it runs");

  pass(std::chrono::hours(1));
  const JobView expired = until(id, State::expired);

  EXPECT_EQ(expired.job.reason, Reason::deadline);
  until([&] { return transfers.running == 0; }, "its transfer ends");
}

TEST_F(Life, GoesOnAfterItsDeadlineAndSaysThatItIsLate) {
  transfers.on(a_url, {{.body = "x", .hangs = true}});
  start();
  const JobId id = accept({.when = R"({"by":"2026-11-22T01:00:00Z"})"});
  until([&] { return transfers.running == 1; }, "it runs");

  pass(std::chrono::hours(1));
  until([&] { return causes(id).size() == 3; }, "the delay is told");

  EXPECT_THAT(causes(id), ElementsAre("accepted", "due", "late"));
  EXPECT_EQ(view(id).job.state, State::running);
  EXPECT_EQ(view(id).plan, "cannot");
}

TEST_F(Life, TriesAgainLaterAndGoesOnWhereItStopped) {
  const std::string body(3 << 20, 'r');
  transfers.on(a_url, {{.body = body, .cut_at = 2 << 20, .reason = Reason::incomplete}, {.body = body}});
  start();
  const JobId id = accept({});
  const JobView waiting = until(id, WaitingFor::retry);
  EXPECT_EQ(waiting.job.reason, Reason::incomplete);
  EXPECT_GE(*waiting.job.next_run - clock.now(), Millis(750));
  EXPECT_LE(*waiting.job.next_run - clock.now(), Millis(1000));

  pass(Millis(700));
  settle();
  EXPECT_EQ(transfers.asked.size(), 1u);
  pass(Millis(300));
  until(id, State::done);

  EXPECT_EQ(transfers.asked.at(1).offset, 2u << 20);
  EXPECT_EQ(transfers.asked.at(1).if_range, "\"one\"");
  EXPECT_EQ(shelf->files.at("a.bin"), body);
}

TEST_F(Life, ObeysRetryAfter) {
  transfers.on(a_url, {{.reason = Reason::rate_limited, .retry_after = Seconds(120)}, {.body = "ok"}});
  start();
  const JobId id = accept({});
  const JobView waiting = until(id, WaitingFor::retry);

  EXPECT_EQ(waiting.job.next_run, clock.now() + Seconds(120));
}

TEST_F(Life, FailsAfterItsAttempts) {
  transfers.on(a_url, {{.reason = Reason::unreachable}});
  start();
  const JobId id = accept({.more = R"(,"limits":{"attempts":2})"});
  until(id, WaitingFor::retry);

  pass(Millis(1000));
  const JobView failed = until(id, State::failed);

  EXPECT_EQ(failed.job.reason, Reason::unreachable);
  EXPECT_EQ(failed.job.attempt, 2);
  EXPECT_EQ(transfers.asked.size(), 2u);
}

TEST_F(Life, FetchesWhatAppearsALittleAfterItsStart) {
  const Script missing{.reason = Reason::not_found, .transient = false};
  transfers.on(a_url, {missing, missing, {.body = "here"}});
  start();
  const JobId id = accept({.when = R"({"start":"2026-11-22T02:00:00Z"})"});

  pass(std::chrono::hours(2));
  const Instant at_start = clock.now();
  const JobView first = until(id, WaitingFor::retry);
  pass(std::chrono::minutes(2));
  until([&] { return transfers.asked.size() == 2; }, "it is asked for again");
  const JobView second = until(id, WaitingFor::retry);
  pass(std::chrono::minutes(6));
  until(id, State::done);

  EXPECT_EQ(first.job.next_run, at_start + std::chrono::minutes(2));
  EXPECT_EQ(second.job.next_run, at_start + std::chrono::minutes(8));
}

TEST_F(Life, NeverPromisesToTryAgainWhatFailedForGood) {
  transfers.on(a_url, {{.reason = Reason::unreachable}});
  transfers.on(mirror, {{.reason = Reason::not_found, .transient = false}});
  start();
  const JobId unreachable = accept({.id = id_number(1), .more = R"(,"limits":{"attempts":1})"});
  const JobId missing = accept({.id = id_number(2), .urls = {{mirror}}});
  const JobId late =
      accept({.id = id_number(3),
              .when = R"({"start":"2026-11-23T02:00:00Z","by":"2026-11-23T03:00:00Z","late":"stop"})"});

  const std::string out_of_tries = service->why(until(unreachable, State::failed));
  const std::string gone = service->why(until(missing, State::failed));
  pass(std::chrono::hours(28));
  const std::string expired = service->why(until(late, State::expired));

  EXPECT_EQ(out_of_tries, "no connection could be made. It was tried 1 time; `restante retry " +
                              unreachable.text() + "` tries it again.");
  EXPECT_EQ(gone, "it does not exist; check the address or the id. `restante retry " + missing.text() +
                      "` tries it again then.");
  EXPECT_EQ(expired, "it could not be done by its deadline; send it again with a later --by.");
}

TEST_F(Life, TakesTheNextSourceWhenOneWillNotGiveIt) {
  transfers.on(a_url, {{.reason = Reason::not_found, .transient = false}});
  transfers.on(mirror, {{.body = "mirrored"}});
  start();

  const JobId id = accept({.urls = {{a_url, mirror}}});
  until(id, State::done);

  EXPECT_EQ(shelf->files.at("a.bin"), "mirrored");
}

TEST_F(Life, TriesSourcesInTurnWhenNoneAnswers) {
  transfers.on(a_url, {{.reason = Reason::unreachable}});
  transfers.on(mirror, {{.reason = Reason::unreachable}});
  start();
  const JobId id = accept({.urls = {{a_url, mirror}}});
  until(id, WaitingFor::retry);

  for (std::size_t tries = 2; tries <= 3; ++tries) {
    pass(Millis(4000));
    until([&] { return transfers.asked.size() == tries; }, "another attempt");
    until(id, WaitingFor::retry);
  }

  EXPECT_EQ(transfers.asked.at(0).url, a_url);
  EXPECT_EQ(transfers.asked.at(1).url, mirror);
  EXPECT_EQ(transfers.asked.at(2).url, a_url);
}

TEST_F(Life, StopsAfterOneTryWhenAPasswordIsNeeded) {
  transfers.on(a_url, {{.reason = Reason::auth_required, .transient = false}});
  start();

  const JobId id = accept({});
  const JobView failed = until(id, State::failed);

  EXPECT_EQ(failed.job.reason, Reason::auth_required);
  EXPECT_EQ(transfers.asked.size(), 1u);
}

TEST_F(Life, WaitsForAPersonBehindASignInPageThatStays) {
  const Script page{.reason = Reason::portal_suspected, .transient = true};
  transfers.on(a_url, {page, page, page, {.body = "ok"}});
  start();
  const JobId id = accept({});
  for (const std::size_t tries : {1u, 2u}) {
    until([&] { return transfers.asked.size() == tries; }, "another try");
    until(id, WaitingFor::retry);
    pass(Millis(2000));
  }
  const JobView held = until(id, State::held);
  EXPECT_EQ(held.job.reason, Reason::portal_suspected);

  run(service->act(ana, id, Action::resume)).value();
  until(id, State::done);
}

TEST_F(Life, BeginsANewPartialWhenTheServerWillNotGoOn) {
  const std::string body(4 << 20, 'n');
  transfers.on(a_url, {{.body = body, .cut_at = 2 << 20, .reason = Reason::incomplete},
                       {.body = body, .ignores_ranges = true},
                       {.body = body}});
  start();
  const JobId id = accept({});
  until(id, WaitingFor::retry);

  pass(Millis(1000));
  until(id, State::done);

  EXPECT_EQ(transfers.asked.at(1).offset, 2u << 20);
  EXPECT_EQ(transfers.asked.at(2).offset, 0u);
  EXPECT_EQ(shelf->publications.at(0).generation, 1);
  EXPECT_NE(::access(shelf->path(id, 0, 0).c_str(), F_OK), 0) << "the old partial is gone";
}

TEST_F(Life, TellsThatTheSourceChangedWhileItWasFetched) {
  const std::string body(4 << 20, 'o'), other(4 << 20, 'n');
  transfers.on(a_url, {{.body = body, .cut_at = 2 << 20, .reason = Reason::incomplete}});
  start();
  const JobId id = accept({});
  until(id, WaitingFor::retry);
  transfers.on(a_url, {{.body = other, .etag = "\"two\"", .reason_of_restart = Reason::source_changed}});

  pass(Millis(1000));
  const JobView done = until(id, State::done);

  EXPECT_TRUE(shelf->files.at("a.bin") == other);
  EXPECT_EQ(done.files.at(0).wasted_bytes, 2u << 20);
  EXPECT_THAT(causes(id), testing::Contains("file 0: begins again"));
  for (const HistoryRow& row : history(id))
    if (row.cause == "file 0: begins again") EXPECT_EQ(row.reason, Reason::source_changed);
}

TEST_F(Life, GoesBackToTheLongerPartialWhenANewOneCameToLess) {
  const std::string body(8 << 20, 'l');
  transfers.on(a_url, {{.body = body, .cut_at = 6 << 20, .reason = Reason::incomplete},
                       {.body = body, .ignores_ranges = true},
                       {.body = body, .cut_at = 2 << 20, .reason = Reason::incomplete},
                       {.body = body}});
  start();
  const JobId id = accept({});
  until(id, WaitingFor::retry);
  pass(Millis(1000));
  until([&] { return transfers.asked.size() == 3; }, "it began again");
  until(id, WaitingFor::retry);
  EXPECT_EQ(view(id).files.at(0).wasted_bytes, 6u << 20);

  pass(Millis(10000));
  const JobView done = until(id, State::done);

  EXPECT_EQ(transfers.asked.at(2).offset, 0u);
  EXPECT_EQ(transfers.asked.at(3).offset, 6u << 20);
  EXPECT_EQ(shelf->publications.at(0).generation, 0);
  EXPECT_EQ(done.files.at(0).wasted_bytes, 2u << 20);
  EXPECT_TRUE(shelf->files.at("a.bin") == body);
}

TEST_F(Life, StartsOverWithoutAStrongValidator) {
  const std::string body(3 << 20, 'v');
  transfers.on(a_url, {{.body = body, .etag = "W/\"weak\"", .cut_at = 2 << 20, .reason = Reason::incomplete},
                       {.body = body}});
  start();
  const JobId id = accept({});
  until(id, WaitingFor::retry);

  pass(Millis(1000));
  until(id, State::done);

  EXPECT_EQ(transfers.asked.at(1).offset, 0u);
}

TEST_F(Life, SavesButMarksWhatNothingProves) {
  transfers.on(a_url, {{.body = "who knows", .announces_length = false}});
  start();

  const JobId id = accept({});
  const JobView done = until(id, State::done);

  EXPECT_EQ(done.job.reason, Reason::complete_unverified);
  EXPECT_FALSE(done.files.at(0).verified);
  EXPECT_THAT(shelf->publications.at(0).flags, ElementsAre("complete-unverified"));
}

TEST_F(Life, NeverPublishesWhatItsChecksumContradicts) {
  transfers.on(a_url, {{.body = "wrong"}});
  start();

  const JobId id = accept({.file_members = ",\"digest\":{\"sha-256\":\"" + std::string(64, '0') + "\"}"});
  const JobView failed = until(id, State::failed);

  EXPECT_EQ(failed.job.reason, Reason::digest_mismatch);
  EXPECT_EQ(transfers.asked.size(), 2u) << "fetched again once";
  EXPECT_TRUE(shelf->files.empty());
}

TEST_F(Life, ProvesAChecksumThatTheWorkerDidNotCompute) {
  transfers.computes_digests = false;
  transfers.on(a_url, {{.body = "hello", .announces_length = false}});
  start();

  const std::string hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  const JobId id = accept({.file_members = ",\"digest\":{\"sha-256\":\"" + hello + "\"}"});
  const JobView done = until(id, State::done);

  EXPECT_FALSE(done.job.reason.has_value()) << "a checksum is proof";
  EXPECT_EQ(done.files.at(0).sha256, hello);
  EXPECT_THAT(causes(id),
              ElementsAre("accepted", "due", "file 0: received", "file 0: received", "file 0: published"));
}

TEST_F(Life, DoesNotPublishAnotherSizeThanTheDocumentSays) {
  transfers.on(a_url, {{.body = "four"}});
  start();

  const JobId id = accept({.file_members = R"(,"size":3)"});
  const JobView failed = until(id, State::failed);

  EXPECT_EQ(failed.job.reason, Reason::excess);
  EXPECT_TRUE(shelf->files.empty());
}

TEST_F(Life, BringsEveryFileOfAJob) {
  transfers.on("http://content.test/1", {{.body = "one"}});
  transfers.on("http://content.test/2", {{.reason = Reason::unreachable}, {.body = "two"}});
  transfers.on("http://content.test/3", {{.body = "three"}});
  start();
  const JobId id =
      accept({.urls = {{"http://content.test/1"}, {"http://content.test/2"}, {"http://content.test/3"}}});
  const JobView waiting = until(id, WaitingFor::retry);
  EXPECT_EQ(shelf->files.size(), 2u) << "each file publishes alone";
  EXPECT_EQ(waiting.files.at(1).state, FileState::pending);

  pass(Millis(1000));
  until(id, State::done);

  EXPECT_EQ(shelf->files.at("2"), "two");
  EXPECT_EQ(transfers.asked.size(), 4u) << "what is there is not fetched again";
}

TEST_F(Life, WaitsForRoomWithoutUsingUpAttempts) {
  transfers.on(a_url, {{.reason = Reason::quota, .transient = false}, {.body = "ok"}});
  start();
  const JobId id = accept({.more = R"(,"limits":{"attempts":1})"});
  until(id, WaitingFor::quota);

  pass(std::chrono::minutes(10));
  until(id, State::done);
}

TEST_F(Life, TriesToPublishAgainWithoutFetchingAgain) {
  transfers.on(a_url, {{.body = "hello"}});
  start();
  shelf->refuse_next_publish = Error{Reason::disk_full, "no space", {}, {}, true};
  const JobId id = accept({});
  const JobView waiting = until(id, WaitingFor::retry);
  EXPECT_EQ(waiting.job.reason, Reason::disk_full);

  pass(std::chrono::minutes(10));
  until(id, State::done);

  EXPECT_EQ(transfers.asked.size(), 1u);
  EXPECT_EQ(shelf->files.at("a.bin"), "hello");
}

}  // namespace
}  // namespace restante::jobs::test
