// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include <gmock/gmock.h>

namespace restante::jobs::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string a_url = "http://content.test/a.bin";
const char* const at_one = R"({"start":"2026-11-22T01:00:00Z"})";

class Turn : public Place {};

TEST_F(Turn, OneBusyAccountDoesNotKeepAnotherWaiting) {
  limits.running_at_once = 2;
  for (int i = 0; i < 10; ++i) transfers.on("http://a.test/" + std::to_string(i), {{.body = "a"}});
  transfers.on("http://b.test/", {{.body = "b"}});
  start();
  std::vector<Submission> many;
  for (int i = 0; i < 10; ++i)
    many.push_back(
        submission({.id = id_number(i), .urls = {{"http://a.test/" + std::to_string(i)}}, .when = at_one}));
  run(service->submit_all(std::move(many)));
  accept({.id = id_number(10), .urls = {{"http://b.test/"}}, .when = at_one}, ben);

  pass(std::chrono::hours(1));
  until([&] { return shelf->files.size() == 11; }, "all are done");

  const auto ben_at = std::find(transfers.started_for.begin(), transfers.started_for.end(), ben.value);
  EXPECT_LE(ben_at - transfers.started_for.begin(), 2) << "ben is among the first";
  EXPECT_LE(transfers.most_running, 2);
}

TEST_F(Turn, KeepsToTheLimitOfEachOrigin) {
  limits.running_per_origin = 2;
  for (int i = 0; i < 8; ++i) transfers.on("http://a.test/" + std::to_string(i), {{.body = "a"}});
  start();
  std::vector<JobId> ids;
  for (int i = 0; i < 8; ++i)
    ids.push_back(accept({.id = id_number(i), .urls = {{"http://a.test/" + std::to_string(i)}}}));

  until([&] { return shelf->files.size() == 8; }, "all are done");

  EXPECT_LE(transfers.most_running_at["http://a.test"], 2);
}

TEST_F(Turn, MoreThanFitsInMemoryIsReadAgainLater) {
  limits.planned_in_memory = 10;
  limits.running_at_once = 4;
  start();
  std::vector<Submission> many;
  for (int i = 0; i < 50; ++i) {
    const std::string url = "http://h" + std::to_string(i) + ".test/f";
    transfers.on(url, {{.body = "x"}});
    many.push_back(submission({.id = id_number(i), .urls = {{url}}}));
  }

  run(service->submit_all(std::move(many)));

  until([&] { return shelf->files.size() == 50; }, "all are done");
}

TEST_F(Turn, ADeadlineThatPassesInLineEndsTheWait) {
  limits.running_at_once = 1;
  transfers.on(a_url, {{.body = "x", .hangs = true}});
  start();
  accept({.id = id_number(1)});
  until([&] { return transfers.running == 1; }, "the only seat is taken");
  const JobId id = accept({.id = id_number(2), .when = R"({"by":"2026-11-22T01:00:00Z","late":"stop"})"});
  settle();

  pass(std::chrono::hours(1));

  EXPECT_EQ(until(id, State::expired).job.reason, Reason::deadline);
  EXPECT_EQ(transfers.running, 1);
}

TEST_F(Turn, ARestThatAContentServerAskedForHoldsForEveryAccount) {
  transfers.on(a_url, {{.reason = Reason::rate_limited, .retry_after = Seconds(120)}, {.body = "a"}});
  transfers.on("http://content.test/b.bin", {{.body = "b"}});
  transfers.on("http://other.test/c.bin", {{.body = "c"}});
  start();
  const JobId told = accept({.id = id_number(1)});
  until(told, WaitingFor::retry);

  const JobId waits = accept({.id = id_number(2), .urls = {{"http://content.test/b.bin"}}}, ben);
  const JobId other = accept({.id = id_number(3), .urls = {{"http://other.test/c.bin"}}}, ben);
  const JobView resting = until(waits, WaitingFor::origin_pause);
  until(other, State::done);
  const auto rows = run(service->history(ben, waits)).value();

  EXPECT_EQ(resting.job.next_run, clock.now() + Seconds(120));
  EXPECT_EQ(resting.job.attempt, 0);
  EXPECT_EQ(rows.back().cause, "origin-pause");
  EXPECT_THAT(service->why(resting), HasSubstr("rest that it asked for"));
  pass(Seconds(119));
  settle();
  EXPECT_EQ(transfers.asked.size(), 2u);

  pass(Seconds(1));
  until(waits, State::done);
  until(told, State::done);
}

TEST_F(Turn, ARefusalWithoutATimeHoldsForEveryAccount) {
  const Script refuses{.reason = Reason::server_error, .http_status = 503};
  transfers.on(a_url, {refuses, {.body = "a"}});
  transfers.on("http://content.test/b.bin", {{.body = "b"}});
  start();
  const JobId told = accept({.id = id_number(1)});
  until(told, WaitingFor::retry);

  const JobId waits = accept({.id = id_number(2), .urls = {{"http://content.test/b.bin"}}}, ben);
  const JobView resting = until(waits, WaitingFor::origin_pause);

  EXPECT_GE(*resting.job.next_run, clock.now() + Millis(750));
  EXPECT_LE(*resting.job.next_run, clock.now() + Millis(1000));
  pass(Millis(700));
  settle();
  EXPECT_EQ(transfers.asked.size(), 1u);
  pass(Millis(400));
  until(waits, State::done);
  until(told, State::done);
}

TEST_F(Turn, ARestThatALookLearnsOfHoldsForDownloads) {
  transfers.on(a_url, {{.reason = Reason::rate_limited, .retry_after = Seconds(120)}, {.body = "a"}});
  transfers.on("http://content.test/b.bin", {{.body = "b"}});
  start();
  accept({.id = id_number(1), .when = R"({"start":"2026-11-23T00:00:00Z"})", .probe = true});
  until([this] { return transfers.asked.size() == 1; }, "the look");
  settle();

  const JobId waits = accept({.id = id_number(2), .urls = {{"http://content.test/b.bin"}}}, ben);

  EXPECT_EQ(until(waits, WaitingFor::origin_pause).job.next_run, clock.now() + Seconds(120));
}

TEST_F(Turn, AFileFromAServerThatRestsIsNotAskedFor) {
  transfers.on(a_url, {{.reason = Reason::rate_limited, .retry_after = Seconds(120)}, {.body = "a"}});
  transfers.on("http://content.test/b.bin", {{.body = "b"}});
  start();
  const JobId id = accept({.urls = {{a_url}, {"http://content.test/b.bin"}}});

  until(id, WaitingFor::retry);

  EXPECT_EQ(transfers.asked.size(), 1u) << "neither the first file again nor the second";
  pass(Seconds(121));
  until(id, State::done);
}

TEST_F(Turn, AServerThatWasOnlyPointedToPutsNobodyElseToRest) {
  transfers.on(a_url, {{.reason = Reason::rate_limited, .retry_after = Seconds(120), .http_status = 302}});
  transfers.on("http://content.test/b.bin", {{.body = "b"}});
  start();
  const JobId told = accept({.id = id_number(1)});
  until(told, WaitingFor::retry);

  const JobId free = accept({.id = id_number(2), .urls = {{"http://content.test/b.bin"}}}, ben);

  until(free, State::done);
}

TEST_F(Turn, APersonDoesNotOverruleARest) {
  transfers.on(a_url, {{.reason = Reason::rate_limited, .retry_after = Seconds(60)}});
  start();
  const JobId id = accept({});
  until(id, WaitingFor::retry);

  run(service->act(ana, id, Action::now)).value();

  EXPECT_EQ(until(id, WaitingFor::origin_pause).job.next_run, clock.now() + Seconds(60));
  EXPECT_EQ(transfers.asked.size(), 1u);
}

class Telling : public Place {
protected:
  std::unique_ptr<Subscription> subscribe(std::optional<JobId> job, std::optional<std::int64_t> after) {
    return std::move(run(service->subscribe(ana, job, after)).value());
  }
  std::optional<Event> next(Subscription& from) { return run(from.next(Millis(500))).value(); }
  std::vector<Event> all(Subscription& from) {
    std::vector<Event> out;
    while (auto event = next(from)) out.push_back(std::move(*event));
    return out;
  }
};

TEST_F(Telling, TellsEveryChangeAndTheFile) {
  transfers.on(a_url, {{.body = "hello"}});
  start();
  auto watching = subscribe(std::nullopt, std::nullopt);

  const JobId id = accept({});
  until(id, State::done);
  std::vector<std::string> kinds;
  for (const Event& event : all(*watching)) kinds.push_back(event.kind);

  EXPECT_THAT(kinds,
              ElementsAre("job.state", "job.state", "job.progress", "job.state", "file.done", "job.state"));
}

TEST_F(Telling, ResumesAfterANumberWithoutAGapOrARepeat) {
  transfers.on(a_url, {{.body = "hello"}});
  start();
  const JobId id = accept({});
  until(id, State::done);
  const auto rows = history(id);
  ASSERT_EQ(rows.size(), 4u);

  auto watching = subscribe(std::nullopt, rows.at(1).seq);
  const auto events = all(*watching);

  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events.at(0).seq, rows.at(2).seq);
  EXPECT_EQ(events.at(1).kind, "file.done");
  EXPECT_EQ(events.at(2).seq, rows.at(3).seq);
  EXPECT_THAT(events.at(2).data, HasSubstr(R"("to":"done")"));
}

TEST_F(Telling, AWatcherOfOneJobHearsOnlyOfThat) {
  start();
  const JobId one = accept({.id = id_number(1), .when = at_one});
  auto watching = subscribe(one, std::nullopt);
  accept({.id = id_number(2), .when = at_one});

  run(service->act(ana, one, Action::pause)).value();

  const auto events = all(*watching);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events.at(0).job, one);
}

TEST_F(Telling, AnotherAccountHearsNothing) {
  start();
  auto watching = std::move(run(service->subscribe(ben, std::nullopt, std::nullopt)).value());

  accept({.when = at_one});

  EXPECT_FALSE(next(*watching).has_value());
}

TEST_F(Telling, AWatcherThatDoesNotReadIsToldToReadAgain) {
  start();
  auto watching = subscribe(std::nullopt, std::nullopt);
  for (int batch = 0; batch < 5; ++batch) {
    std::vector<Submission> many;
    for (int i = 0; i < 250; ++i)
      many.push_back(submission({.id = id_number(batch * 1000 + i), .when = at_one}));
    run(service->submit_all(std::move(many)));
  }

  EXPECT_EQ(run(watching->next(Millis(10))).error().reason, Reason::busy);
}

class Looks : public Place {};

TEST_F(Looks, FirstAtWhatStartsLater) {
  transfers.on(a_url, {{.body = "12345"}});
  start();
  const JobId id = accept({.when = at_one, .probe = true});

  const JobView seen = run(service->find_looked_at(ana, id, Millis(5000))).value();

  ASSERT_TRUE(seen.job.probe.has_value());
  EXPECT_EQ(seen.job.probe->name, "a.bin");
  EXPECT_EQ(seen.job.probe->size_bytes, 5u);
  EXPECT_TRUE(seen.job.probe->resumable);
  EXPECT_EQ(seen.job.state, State::scheduled);
  EXPECT_EQ(seen.files.at(0).size_bytes, 5u);
  EXPECT_TRUE(transfers.asked.at(0).probe);
}

TEST_F(Looks, NotAtAllWhenToldNotTo) {
  start();

  const JobId id = accept({.when = at_one, .probe = false});
  const JobView seen = run(service->find_looked_at(ana, id, Millis(5000))).value();

  EXPECT_FALSE(seen.job.probe.has_value());
  EXPECT_TRUE(transfers.asked.empty());
}

TEST_F(Looks, AndFailsAtOnceWhatTheGuardRefuses) {
  transfers.on(a_url, {{.reason = Reason::address, .transient = false}});
  start();

  const JobId id = accept({.when = at_one, .probe = true});
  run(service->find_looked_at(ana, id, Millis(5000))).value();
  const JobView failed = view(id);

  EXPECT_EQ(failed.job.state, State::failed);
  EXPECT_EQ(failed.job.reason, Reason::address);
}

TEST_F(Looks, ButKeepsWhatMayExistLater) {
  transfers.on(a_url, {{.reason = Reason::not_found, .transient = false}});
  start();

  const JobId id = accept({.when = at_one, .probe = true});
  const JobView seen = run(service->find_looked_at(ana, id, Millis(5000))).value();

  EXPECT_EQ(seen.job.state, State::scheduled);
  EXPECT_EQ(seen.job.probe->refused, Reason::not_found);
}

TEST_F(Looks, AtTheFirstAnswerOfWhatRunsAtOnce) {
  transfers.on(a_url, {{.body = std::string(100, 'x'), .cut_at = 50, .hangs = true}});
  start();
  const JobId id = accept({});

  const JobView seen = run(service->find_looked_at(ana, id, Millis(5000))).value();

  ASSERT_TRUE(seen.job.probe.has_value());
  EXPECT_EQ(seen.job.probe->size_bytes, 100u);
}

}  // namespace
}  // namespace restante::jobs::test
