// SPDX-License-Identifier: Apache-2.0
// Downloads that repeat.
#include "jobs/series.hpp"

#include "base/text.hpp"
#include "jobs/acceptance.hpp"
#include "place.hpp"

#include <gmock/gmock.h>

namespace restante::jobs::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string a_url = "http://content.test/a.bin";
const std::string at_two = R"({"start":"2026-11-22T02:00:00Z","repeat":"FREQ=DAILY"})";
const std::string a_password =
    R"(,"access":[{"id":"one","kind":"basic","scope":["http://content.test"],"user":"u","password":"swordfish"}])";

class Repetition : public Place {
protected:
  /// All jobs of ana, oldest first: occurrence and state.
  std::vector<std::string> all() {
    std::vector<std::string> out;
    for (const Job& job : jobs()) {
      const std::string at = job.occurrence ? to_rfc3339(*job.occurrence).substr(0, 13) : "once";
      out.push_back(at + " " + std::string(name(job.state)));
    }
    return out;
  }

  std::vector<Job> jobs() {
    JobFilter filter;
    filter.limit = 1000;
    auto page = run(service->list(ana, filter)).value();
    return {page.jobs.rbegin(), page.jobs.rend()};
  }

  JobId newest() { return jobs().back().id; }

  Result<Accepted> submit(const Wanted& wanted) { return run(service->submit(submission(wanted))); }

  std::optional<Series> series() {
    std::function<Result<std::optional<Series>>(Tx&)> work = [&](Tx& tx) {
      return tx.repo<SeriesRecords>().find(job_id(DeviceId{std::string(43, 'D')}, Wanted().id));
    };
    return run(store->read_value<std::optional<Series>>(work)).value();
  }

  /// What the disk says, whether the service lives or not.
  Job stored(JobId id) {
    std::function<Result<std::optional<Job>>(Tx&)> work = [&](Tx& tx) {
      return tx.repo<JobRecords>().find(id);
    };
    return run(store->read_value<std::optional<Job>>(work)).value().value();
  }
  std::string stored_secrets(JobId id) { return stored(id).secrets; }
  State stored_state(JobId id) { return stored(id).state; }

  /// Until the time has come, and what is due then has come to that state.
  void comes_to(JobId id, State state, Millis after) {
    pass(after);
    until(id, state);
  }
};

TEST_F(Repetition, MakesTheNextInTheMomentInWhichOneIsDue) {
  transfers.on(a_url, {{.body = "ok"}});
  start();

  const JobId first = accept({.when = at_two});
  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 scheduled"));
  comes_to(first, State::done, 2h);

  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 done", "2026-11-23T02 scheduled"));
  comes_to(newest(), State::done, 24h);
  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 done", "2026-11-23T02 done", "2026-11-24T02 scheduled"));
  EXPECT_EQ(transfers.asked.size(), 2u);
}

TEST_F(Repetition, GivesEachOccurrenceTheIdOfTheContract) {
  start();

  const JobId id = accept({.when = at_two});

  const std::string key = "restante-job" + std::string(1, '\0') + std::string(43, 'D') +
                          std::string(1, '\0') + Wanted().id + std::string(1, '\0') + "2026-11-22T02:00:00Z";
  const Digest256 digest = sha256(key);
  EXPECT_TRUE(std::equal(id.bytes.begin(), id.bytes.end(), digest.begin()));
}

TEST_F(Repetition, WithoutAStartBeginsAtOnce) {
  transfers.on(a_url, {{.body = "ok"}});
  start();

  until(accept({.when = R"({"repeat":"FREQ=WEEKLY"})"}), State::done);

  EXPECT_THAT(all(), ElementsAre("2026-11-22T00 done", "2026-11-29T00 scheduled"));
}

TEST_F(Repetition, EndsAfterItsCount) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId first = accept(
      {.when = R"({"start":"2026-11-22T02:00:00Z","repeat":"FREQ=DAILY;COUNT=2"})", .more = a_password});

  comes_to(first, State::done, 2h);
  EXPECT_FALSE(series()->secrets.empty());
  comes_to(newest(), State::done, 24h);

  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 done", "2026-11-23T02 done"));
  EXPECT_TRUE(series()->over);
  EXPECT_THAT(series()->secrets, IsEmpty());
}

TEST_F(Repetition, GoesByTheClocksOfItsZone) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  accept({.when = R"({"tz":"America/New_York","start":"2027-03-13T02:30:00-05:00[America/New_York]",)"
                  R"("by":"2027-03-13T08:00:00-05:00[America/New_York]","repeat":"FREQ=DAILY"})"});
  clock.set(*from_rfc3339("2027-03-13T07:30:00Z"));
  timer->poke();
  until([&] { return jobs().size() == 2; }, "the next is made");

  const JobView next = view(newest());

  EXPECT_EQ(to_rfc3339(*next.job.next_run), "2027-03-14T07:30:00Z") << "02:30 does not exist on that day";
  EXPECT_THAT(next.job.document, HasSubstr("2027-03-14T12:00:00Z")) << "and its deadline is eight again";
}

TEST_F(Repetition, RunsOnceForAllThatItMissed) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId first = accept({.when = at_two});
  stop();

  clock.advance(5 * 24h);
  start();
  until(first, State::done);

  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 done", "2026-11-27T02 scheduled"));
}

TEST_F(Repetition, GoesOnWithTheNextWhenWhatWasMissedIsSkipped) {
  start();
  const JobId first =
      accept({.when = R"({"start":"2026-11-22T02:00:00Z","repeat":"FREQ=DAILY","miss":"skip"})"});
  stop();

  clock.advance(5 * 24h);
  start();
  until(first, State::expired);

  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 expired", "2026-11-27T02 scheduled"));
  EXPECT_THAT(transfers.asked, IsEmpty());
}

TEST_F(Repetition, MakesUpOnceForAStartThatHasPassedWhenItComes) {
  transfers.on(a_url, {{.body = "ok"}});
  start();

  until(accept({.when = R"({"start":"2026-11-01T02:00:00Z","repeat":"FREQ=DAILY"})"}), State::done);

  EXPECT_THAT(all(), ElementsAre("2026-11-21T02 done", "2026-11-22T02 scheduled"));
}

TEST_F(Repetition, EndsWhenTheOneToComeIsCancelled) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  comes_to(accept({.when = at_two, .more = a_password}), State::done, 2h);

  run(service->act(ana, newest(), Action::cancel)).value();
  pass(72h);
  settle();

  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 done", "2026-11-23T02 cancelled"));
  EXPECT_THAT(series()->secrets, IsEmpty());
  EXPECT_THAT(stored_secrets(newest()), IsEmpty());
}

TEST_F(Repetition, GoesOnWhenTheOneUnderWayIsCancelledOrFails) {
  transfers.on(a_url, {{.body = "slow", .hangs = true}, {.reason = Reason::forbidden, .transient = false}});
  start();
  const JobId first = accept({.when = at_two});
  pass(2h);
  until([&] { return transfers.running == 1; }, "it runs");

  run(service->act(ana, first, Action::cancel)).value();
  comes_to(newest(), State::failed, 24h);

  EXPECT_THAT(all(),
              ElementsAre("2026-11-22T02 cancelled", "2026-11-23T02 failed", "2026-11-24T02 scheduled"));
}

TEST_F(Repetition, EndsWhenTheGuardRefusesIt) {
  transfers.on(a_url, {{.reason = Reason::address, .transient = false}});
  start();

  const JobId first = accept({.when = at_two, .probe = true});
  until(first, State::failed);

  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 failed"));
  EXPECT_TRUE(series()->over);
}

TEST_F(Repetition, RestsWhileTheOneToComeIsPaused) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId first = accept({.when = at_two});

  run(service->act(ana, first, Action::pause)).value();
  pass(72h);
  settle();
  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 paused"));
  run(service->act(ana, first, Action::resume)).value();
  until(first, State::done);

  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 done", "2026-11-25T02 scheduled"));
}

TEST_F(Repetition, NowBringsForwardTheOneToCome) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId first = accept({.when = at_two});

  run(service->act(ana, first, Action::now)).value();
  until(first, State::done);

  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 done", "2026-11-23T02 scheduled"));
}

TEST_F(Repetition, TheSameDocumentAgainIsAReplayOfThePresentOne) {
  transfers.on(a_url, {{.body = "slow", .hangs = true}});
  start();
  Submission once = submission({.when = at_two});
  const Submission again = once;
  const JobId first = run(service->submit(std::move(once))).value().job.id;
  EXPECT_EQ(run(service->submit(again)).value().job.id, first);
  pass(2h);
  until([&] { return transfers.running == 1; }, "it runs");

  const auto under_way = run(service->submit(again)).value();
  EXPECT_TRUE(under_way.replayed);
  EXPECT_EQ(under_way.job.id, first);
  run(service->act(ana, first, Action::cancel)).value();
  until(first, State::cancelled);

  EXPECT_EQ(run(service->submit(again)).value().job.id, newest());
  EXPECT_EQ(view(series()->id).job.id, newest()) << "as the id of the document leads there";
  EXPECT_EQ(jobs().size(), 2u);
}

TEST_F(Repetition, AnIdStandsForOneRequestOnly) {
  start();
  accept({.when = at_two});
  accept({.id = id_number(2)});

  EXPECT_EQ(submit({.urls = {{"http://other.test/"}}, .when = at_two}).error().reason, Reason::conflict);
  EXPECT_EQ(submit({}).error().reason, Reason::conflict);
  EXPECT_EQ(submit({.id = id_number(2), .rev = 5, .when = at_two}).error().reason, Reason::conflict);
}

TEST_F(Repetition, AHigherRevisionReplacesWhatIsToCome) {
  transfers.on("http://other.test/b.bin", {{.body = "new"}});
  start();
  accept({.when = at_two});

  const auto same_time = submit({.rev = 1, .urls = {{"http://other.test/b.bin"}}, .when = at_two});
  ASSERT_TRUE(same_time) << same_time.error().message;
  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 scheduled"));
  const auto later = submit({.rev = 2,
                             .urls = {{"http://other.test/b.bin"}},
                             .when = R"({"start":"2026-11-22T03:00:00Z","repeat":"FREQ=WEEKLY"})"});
  ASSERT_TRUE(later) << later.error().message;
  comes_to(later->job.id, State::done, 3h);

  EXPECT_THAT(all(), ElementsAre("2026-11-22T03 done", "2026-11-29T03 scheduled"));
  EXPECT_EQ(shelf->files.at("b.bin"), "new");
  EXPECT_EQ(submit({.rev = 1, .when = at_two}).error().reason, Reason::conflict);
}

TEST_F(Repetition, ADocumentCancelsAllOfIt) {
  transfers.on(a_url, {{.body = "slow", .hangs = true}});
  start();
  const JobId first = accept({.when = at_two});
  pass(2h);
  until([&] { return transfers.running == 1; }, "it runs");

  const auto cancelled = submit({.rev = 1, .cancel = true});

  ASSERT_TRUE(cancelled) << cancelled.error().message;
  until(first, State::cancelled);
  until([&] { return transfers.running == 0; }, "what ran was stopped");
  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 cancelled", "2026-11-23T02 cancelled"));
  EXPECT_TRUE(series()->over);
}

TEST_F(Repetition, EachOccurrenceHasTheSecretsSealedForItself) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId first = accept({.when = at_two, .more = a_password});
  comes_to(first, State::done, 2h);
  const JobId second = newest();

  EXPECT_THAT(stored_secrets(first), IsEmpty());
  EXPECT_FALSE(stored_secrets(second).empty());
  EXPECT_THAT(stored_secrets(second), Not(HasSubstr("swordfish")));
  EXPECT_THAT(series()->secrets + series()->document, Not(HasSubstr("swordfish")));
  comes_to(second, State::done, 24h);

  EXPECT_EQ(transfers.asked.at(1).credentials, 1u);
}

TEST_F(Repetition, AChangeOfTheOneToComeHoldsForThoseAfterItButForItsTime) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId first = accept({.when = at_two});
  Change change;
  change.folder = "films";
  change.start = std::optional<std::string>("2026-11-22T05:00:00Z");

  run(service->change(ana, first, change, 1)).value();
  comes_to(first, State::done, 5h);
  comes_to(newest(), State::done, 21h);

  EXPECT_THAT(all(), ElementsAre("2026-11-22T02 done", "2026-11-23T02 done", "2026-11-24T02 scheduled"));
  EXPECT_TRUE(shelf->files.contains("films/a.bin"));
  EXPECT_EQ(shelf->files.size(), 2u);
  for (const auto& publication : shelf->publications)
    EXPECT_THAT(publication.wanted_name, HasSubstr("films/"));
}

TEST_F(Repetition, ItsRecordsGoOneByOneAndWithTheLastTheSeries) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const Wanted wanted{.when = R"({"start":"2026-11-22T02:00:00Z","repeat":"FREQ=DAILY;COUNT=2"})"};
  const JobId first = accept(wanted);
  comes_to(first, State::done, 2h);
  ASSERT_TRUE(run(service->remove(ana, first)));
  EXPECT_TRUE(series());
  comes_to(newest(), State::done, 24h);

  ASSERT_TRUE(run(service->remove(ana, newest())));

  EXPECT_FALSE(series());
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(Repetition, NeverComesIsRefused) {
  start();

  EXPECT_EQ(submit({.when = R"({"repeat":"FREQ=DAILY;UNTIL=20200101"})"}).error().pointer, "/when/repeat");
  EXPECT_EQ(submit({.when = R"({"repeat":"FREQ=DAILY;BYHOUR=1"})"}).error().reason, Reason::invalid);
}

TEST_F(Repetition, AmongManyAtOnceIsAnsweredAsAlone) {
  start();
  std::vector<Submission> many;
  for (int i = 0; i < 3; ++i) many.push_back(submission({.id = id_number(i), .when = at_two}));
  many.push_back(submission({.id = id_number(1), .when = at_two}));

  const auto results = run(service->submit_all(std::move(many)));

  EXPECT_TRUE(results.at(3).value().replayed);
  EXPECT_EQ(results.at(3)->job.id, results.at(1)->job.id);
  EXPECT_EQ(jobs().size(), 3u);
}

TEST_F(Repetition, ADeathAtAnyWriteLeavesExactlyOneToCome) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  JobId head = accept({.when = at_two});

  int deaths = 0;
  for (int point = 0; point < 8; ++point) {
    database->dies_after_writes = point;
    pass(point == 0 ? 2h : 24h);
    until([&] { return database->dead || stored_state(head) == State::done; }, "it dies or ends");
    settle();
    deaths += database->dead ? 1 : 0;
    crash();
    start();
    until(head, State::done);

    const auto now = all();
    EXPECT_EQ(now.size(), static_cast<std::size_t>(point) + 2) << "death after write " << point;
    EXPECT_THAT(now.back(), HasSubstr("scheduled"));
    head = newest();
  }

  EXPECT_GE(deaths, 3);
}

}  // namespace
}  // namespace restante::jobs::test
