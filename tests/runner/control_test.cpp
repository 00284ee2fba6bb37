// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include <gmock/gmock.h>

namespace restante::jobs::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string a_url = "http://content.test/a.bin";
const char* const at_one = R"({"start":"2026-11-22T01:00:00Z"})";

class Control : public Place {
protected:
  Result<JobView> act(JobId id, Action action) { return run(service->act(ana, id, action)); }
  Result<Accepted> submit(const Wanted& wanted) { return run(service->submit(submission(wanted))); }
  std::string stored_secrets(JobId id) {
    std::function<Result<std::optional<Job>>(Tx&)> work = [&](Tx& tx) {
      return tx.repo<JobRecords>().find(id);
    };
    return run(store->read_value<std::optional<Job>>(work)).value()->secrets;
  }
};

const std::string a_password =
    R"(,"access":[{"id":"c1","kind":"basic","scope":["http://content.test"],"user":"u","password":"swordfish"}])";

TEST_F(Control, PauseKeepsThePartialAndResumeGoesOn) {
  const std::string body(4 << 20, 'p');
  transfers.on(a_url, {{.body = body, .cut_at = 2 << 20, .hangs = true}, {.body = body}});
  start();
  const JobId id = accept({});
  until([&] { return transfers.running == 1; }, "it runs");

  EXPECT_EQ(act(id, Action::pause).value().job.state, State::paused);
  until([&] { return transfers.running == 0; }, "its transfer ends");
  settle();
  EXPECT_EQ(view(id).job.state, State::paused);
  EXPECT_TRUE(act(id, Action::resume).has_value());
  until(id, State::done);

  EXPECT_EQ(transfers.asked.at(1).offset, 2u << 20);
}

TEST_F(Control, WhatTricklesBeginsAnewWhereItStoppedIfThatCanBe) {
  limits.low_speed = 1ull << 30;
  limits.low_speed_time = Seconds(1);
  const std::string body(4 << 20, 'p'), no_sign = "http://content.test/b.bin",
                                        slowed = "http://content.test/c.bin";
  transfers.on(a_url, {{.body = body, .cut_at = 2 << 20, .hangs = true}, {.body = body}});
  transfers.on(no_sign, {{.body = body, .etag = "", .cut_at = 2 << 20, .hangs = true}});
  transfers.on(slowed, {{.body = body, .cut_at = 2 << 20, .hangs = true}});
  start();
  const JobId other = accept({.id = id_number(1), .urls = {{no_sign}}});
  const JobId by_us = accept({.id = id_number(2), .urls = {{slowed}}, .more = ",\"limits\":{\"rate\":1000}"});
  until([&] { return transfers.running == 2; }, "they run");

  const JobId id = accept({});
  EXPECT_EQ(until(id, WaitingFor::retry).job.reason, Reason::timeout);
  pass(Seconds(2));
  until(id, State::done);

  EXPECT_EQ(transfers.asked.back().offset, 2u << 20);
  EXPECT_EQ(view(other).job.state, State::running);
  EXPECT_EQ(view(by_us).job.state, State::running);
}

TEST_F(Control, ResumeRightAfterPauseRunsAgain) {
  transfers.on(a_url, {{.body = "x", .hangs = true}, {.body = "ok"}});
  start();
  const JobId id = accept({});
  until([&] { return transfers.running == 1; }, "it runs");

  EXPECT_TRUE(act(id, Action::pause).has_value());
  EXPECT_TRUE(act(id, Action::resume).has_value());

  until(id, State::done);
}

TEST_F(Control, CancelEndsTheTransferAndDiscardsWhatCame) {
  transfers.on(a_url, {{.body = std::string(4 << 20, 'c'), .cut_at = 2 << 20, .hangs = true}});
  start();
  const JobId id = accept({.more = a_password});
  until([&] { return transfers.running == 1; }, "it runs");
  EXPECT_FALSE(stored_secrets(id).empty());

  EXPECT_EQ(act(id, Action::cancel).value().job.state, State::cancelled);
  until([&] { return ::access(shelf->path(id, 0, 0).c_str(), F_OK) != 0; }, "the partial is gone");

  EXPECT_TRUE(stored_secrets(id).empty());
  EXPECT_EQ(act(id, Action::resume).error().reason, Reason::conflict);
  EXPECT_EQ(act(id, Action::cancel).error().reason, Reason::conflict);
}

TEST_F(Control, NowIgnoresStartAndWindows) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId id = accept(
      {.when = R"({"start":"2026-11-23T01:00:00Z","tz":"UTC","windows":[{"from":"05:00","to":"06:00"}]})"});

  EXPECT_TRUE(act(id, Action::now).has_value());

  until(id, State::done);
}

TEST_F(Control, RetryOfAFailedOneBeginsItsAttemptsAnew) {
  transfers.on(a_url, {{.reason = Reason::not_found, .transient = false}, {.body = "ok"}});
  start();
  const JobId id = accept({});
  until(id, State::failed);

  EXPECT_TRUE(act(id, Action::retry).has_value());
  const JobView done = until(id, State::done);

  EXPECT_EQ(done.job.attempt, 1);
  EXPECT_EQ(act(id, Action::retry).error().reason, Reason::conflict);
}

TEST_F(Control, RemoveErasesTheRecordOfAnEndedJobOnly) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId live = accept({.id = id_number(1), .when = at_one});
  const JobId over = accept({.id = id_number(2)});
  until(over, State::done);

  EXPECT_TRUE(run(service->remove(ana, live)).has_value());
  EXPECT_TRUE(run(service->remove(ana, over)).has_value());

  EXPECT_EQ(view(live).job.state, State::cancelled);
  EXPECT_EQ(run(service->find(ana, over)).error().reason, Reason::not_found);
  EXPECT_EQ(shelf->files.size(), 1u) << "the published file stays";
}

TEST_F(Control, AForeignJobIsLikeAnUnknownOne) {
  start();
  const JobId id = accept({.when = at_one});
  const JobId unknown;

  for (const JobId one : {id, unknown}) {
    EXPECT_EQ(run(service->find(ben, one)).error().reason, Reason::not_found);
    EXPECT_EQ(run(service->act(ben, one, Action::cancel)).error().reason, Reason::not_found);
    EXPECT_EQ(run(service->change(ben, one, Change{}, 1)).error().reason, Reason::not_found);
    EXPECT_EQ(run(service->remove(ben, one)).error().reason, Reason::not_found);
    EXPECT_EQ(run(service->history(ben, one)).error().reason, Reason::not_found);
  }
}

TEST_F(Control, ChangeMovesTheStartAndNeedsTheRightVersion) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId id = accept({.when = at_one});
  Change change;
  change.start = std::optional<std::string>("2026-11-22T03:00:00Z");
  change.name = "other.bin";

  const JobView changed = run(service->change(ana, id, change, 1)).value();
  EXPECT_EQ(changed.job.version, 2);
  EXPECT_EQ(changed.job.next_run, Instant(Seconds(1795305600 + 3 * 3600)));
  EXPECT_EQ(run(service->change(ana, id, change, 1)).error().reason, Reason::precondition);
  pass(std::chrono::hours(2));
  settle();
  EXPECT_EQ(view(id).job.state, State::scheduled);
  pass(std::chrono::hours(1));
  until(id, State::done);

  EXPECT_EQ(shelf->files.count("other.bin"), 1u);
}

TEST_F(Control, ChangeKeepsTheSecrets) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId id = accept({.when = at_one, .more = a_password});
  Change change;
  change.folder = "films";

  run(service->change(ana, id, change, 1)).value();
  pass(std::chrono::hours(1));
  until(id, State::done);

  EXPECT_EQ(transfers.asked.at(0).credentials, 1u);
  EXPECT_TRUE(shelf->files.contains("films/a.bin"));
  EXPECT_TRUE(stored_secrets(id).empty()) << "erased when the job ends";
}

TEST_F(Control, AFailedDownloadKeepsItsSecretsForAWeekOnly) {
  transfers.on(a_url, {{.reason = Reason::forbidden, .transient = false}});
  limits.forgets_every = Millis(10);
  start();
  const JobId id = accept({.more = a_password});
  until(id, State::failed);

  pass(std::chrono::hours(7 * 24 - 1));
  settle();
  EXPECT_FALSE(stored_secrets(id).empty());
  pass(std::chrono::hours(2));

  until([&] { return stored_secrets(id).empty(); }, "they are erased");
  EXPECT_EQ(view(id).job.state, State::failed);
}

TEST_F(Control, NoAnswerShowsASecret) {
  start();
  const JobId id = accept({.when = at_one, .more = a_password});

  const JobView shown = view(id);

  EXPECT_TRUE(shown.job.secrets.empty());
  EXPECT_THAT(shown.job.document, Not(HasSubstr("swordfish")));
  EXPECT_THAT(stored_secrets(id), Not(HasSubstr("swordfish")));
}

TEST_F(Control, TheSameDocumentAgainIsAReplay) {
  start();
  const Submission once = submission({.when = at_one});
  const Submission again = once;

  const auto first = run(service->submit(once));
  const auto second = run(service->submit(again));

  EXPECT_FALSE(first->replayed);
  EXPECT_TRUE(second->replayed);
  EXPECT_EQ(first->job.id, second->job.id);
}

TEST_F(Control, AnotherDocumentWithTheSameIdIsAConflict) {
  start();
  accept({.when = at_one});

  EXPECT_EQ(submit({.urls = {{"http://other.test/"}}, .when = at_one}).error().reason, Reason::conflict);
}

TEST_F(Control, AHigherRevisionReplacesWhatHasNotBegun) {
  transfers.on("http://other.test/b.bin", {{.body = "new"}});
  start();
  const JobId id = accept({.rev = 1, .when = at_one});

  const auto replaced = submit({.rev = 2, .urls = {{"http://other.test/b.bin"}}});
  ASSERT_TRUE(replaced.has_value());
  EXPECT_EQ(replaced->job.id, id);
  until(id, State::done);

  EXPECT_EQ(shelf->files.at("b.bin"), "new");
  EXPECT_EQ(submit({.rev = 1, .urls = {{"http://third.test/"}}}).error().reason, Reason::conflict);
}

TEST_F(Control, AHigherRevisionDoesNotReplaceWhatRuns) {
  transfers.on(a_url, {{.body = "x", .hangs = true}});
  start();
  accept({});
  until([&] { return transfers.running == 1; }, "it runs");

  EXPECT_EQ(submit({.rev = 1}).error().reason, Reason::conflict);
}

TEST_F(Control, ADocumentCanCancelAnother) {
  start();
  const JobId id = accept({.when = at_one});

  const auto cancelled = submit({.rev = 1, .cancel = true});

  ASSERT_TRUE(cancelled.has_value()) << cancelled.error().message;
  EXPECT_EQ(view(id).job.state, State::cancelled);
  EXPECT_EQ(submit({.id = id_number(9), .cancel = true}).error().reason, Reason::not_found);
}

TEST_F(Control, AnExpiredDocumentIsRefused) {
  start();
  Submission late = submission({});
  clock.advance(std::chrono::hours(25));

  EXPECT_EQ(run(service->submit(late)).error().reason, Reason::expired);
}

TEST_F(Control, ManyAtOnceAreAnsweredOneByOne) {
  start();
  std::vector<Submission> many;
  for (int i = 0; i < 300; ++i) many.push_back(submission({.id = id_number(i), .when = at_one}));
  many.push_back(submission({.id = id_number(5), .when = at_one}));
  many.push_back(submission({.id = id_number(6), .urls = {{"http://other.test/"}}, .when = at_one}));

  const auto answers = run(service->submit_all(std::move(many)));

  ASSERT_EQ(answers.size(), 302u);
  EXPECT_FALSE(answers[0]->replayed);
  EXPECT_TRUE(answers[300]->replayed);
  EXPECT_EQ(answers[301].error().reason, Reason::conflict);
  EXPECT_EQ(run(service->list(ana, JobFilter{.states = {}, .cursor = "", .limit = 1000}))->jobs.size(), 300u);
}

TEST_F(Control, TheKindsOfWhyAreSentences) {
  start();
  const JobId id = accept({.when = at_one});

  EXPECT_THAT(service->why(view(id)), HasSubstr("It starts at 2026-11-22 01:00"));
}

}  // namespace
}  // namespace restante::jobs::test
