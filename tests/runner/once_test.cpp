// SPDX-License-Identifier: Apache-2.0
// A document may come any number of times, in any order: it is taken once.
#include "jobs/acceptance.hpp"
#include "jobs/replay_records.hpp"
#include "place.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

namespace restante::jobs::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string a_url = "http://content.test/a.bin";
const std::string b_url = "http://content.test/b.bin";
const char* const at_one = R"({"start":"2026-11-22T01:00:00Z"})";

class Once : public Place {
protected:
  Result<Accepted> submit(const Submission& what) { return run(service->submit(what)); }
  Result<Accepted> submit(const Wanted& wanted) { return submit(submission(wanted)); }

  JobId id_of(const Wanted& wanted) { return job_id(DeviceId{std::string(43, 'D')}, wanted.id); }

  void remove(JobId id) {
    const auto removed = run(service->remove(ana, id));
    ASSERT_TRUE(removed) << removed.error().message;
  }

  /// Done, and its record erased.
  void run_and_erase(const Submission& what) {
    const JobId id = submit(what).value().job.id;
    until(id, State::done);
    remove(id);
  }

  std::size_t jobs() { return run(service->list(ana, JobFilter{})).value().jobs.size(); }

  bool remembered(JobId id) {
    std::function<Result<std::optional<Replay>>(Tx&)> work = [&](Tx& tx) {
      return tx.repo<ReplayRecords>().find(id);
    };
    return run(store->read_value<std::optional<Replay>>(work)).value().has_value();
  }

  /// Transfers of this address so far.
  std::ptrdiff_t fetched(const std::string& url) {
    return std::count_if(transfers.asked.begin(), transfers.asked.end(),
                         [&](const Asked& asked) { return asked.url == url; });
  }
};

TEST_F(Once, ADocumentWhoseRecordWasErasedIsKnownAndNotFetchedAgain) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const Submission once = submission({});
  run_and_erase(once);

  const auto again = submit(once);
  settle();

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->job.id, id_of({}));
  EXPECT_EQ(again->job.state, State::done);
  EXPECT_EQ(again->job.created, Instant(Seconds(1795305600)));
  EXPECT_EQ(jobs(), 0u);
  EXPECT_EQ(fetched(a_url), 1);
}

TEST_F(Once, ABatchKnowsDocumentsWhoseRecordWasErased) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const Submission once = submission({});
  run_and_erase(once);

  const auto answers = run(service->submit_all({once, submission({.urls = {{b_url}}})}));

  EXPECT_TRUE(answers.at(0).value().replayed);
  EXPECT_EQ(answers.at(1).error().reason, Reason::conflict);
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(Once, WhatWasErasedStaysKnownAfterACrash) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const Submission once = submission({});
  run_and_erase(once);

  crash();
  start();

  EXPECT_TRUE(submit(once).value().replayed);
}

TEST_F(Once, AnotherDocumentWithTheIdOfAnErasedOneIsAConflictInEveryRevision) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  run_and_erase(submission({.rev = 2}));

  for (const std::int64_t rev : {1, 2, 3}) {
    const auto other = submit({.rev = rev, .urls = {{b_url}}});

    ASSERT_FALSE(other) << rev;
    EXPECT_EQ(other.error().reason, Reason::conflict);
  }
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(Once, AnotherDeviceMayUseTheSameId) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  run_and_erase(submission({}));

  EXPECT_FALSE(run(service->submit(submission({}, ben))).value().replayed);
}

TEST_F(Once, AnErasedDocumentIsForgottenADayAfterItCouldBeHandedIn) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  run_and_erase(submission({}));

  stop();
  clock.advance(48h - 1s);
  start();
  settle();
  EXPECT_TRUE(remembered(id_of({})));

  stop();
  clock.advance(2s);
  start();
  until([&] { return !remembered(id_of({})); }, "it is forgotten");
}

TEST_F(Once, ARecordThatIsErasedWhenNobodyCanHandItInAnyMoreLeavesNoMemory) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const JobId id = accept({});
  until(id, State::done);
  pass(49h);

  remove(id);

  EXPECT_FALSE(remembered(id));
}

TEST_F(Once, ARepetitionWhoseLastRecordWasErasedDoesNotBeginAgain) {
  transfers.on(a_url, {{.body = "ok"}});
  start();
  const Submission daily =
      submission({.when = R"({"start":"2026-11-22T01:00:00Z","repeat":"FREQ=DAILY;COUNT=1"})"});
  const JobId only = submit(daily).value().job.id;
  pass(1h);
  until(only, State::done);
  remove(only);

  const auto again = submit(daily);

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->job.state, State::done);
  EXPECT_EQ(jobs(), 0u);
  EXPECT_EQ(submit({.rev = 1}).error().reason, Reason::conflict);
}

TEST_F(Once, ACancelledOccurrenceThatIsErasedLeavesItsRepetitionEnded) {
  start();
  const Submission daily = submission({.when = R"({"start":"2026-11-22T01:00:00Z","repeat":"FREQ=DAILY"})"});
  const JobId next = submit(daily).value().job.id;
  ASSERT_TRUE(submit({.rev = 1, .cancel = true}));
  remove(next);

  EXPECT_TRUE(submit(daily).value().replayed);
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(Once, WhatWasCancelledBeforeItCameIsRefusedWhenItComes) {
  start();
  EXPECT_EQ(submit({.rev = 1, .cancel = true}).error().reason, Reason::not_found);

  for (const std::int64_t rev : {0, 1, 2}) {
    const auto late = submit({.rev = rev});

    ASSERT_FALSE(late) << rev;
    EXPECT_EQ(late.error().reason, Reason::conflict);
    EXPECT_THAT(late.error().message, HasSubstr("cancelled"));
  }
  EXPECT_EQ(submit({.when = R"({"start":"2026-11-22T01:00:00Z","repeat":"FREQ=DAILY"})"}).error().reason,
            Reason::conflict);
  EXPECT_EQ(submit({.rev = 1, .cancel = true}).error().reason, Reason::not_found);
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(Once, ABatchRemembersWhatWasCancelledBeforeItCame) {
  start();

  const auto answers = run(service->submit_all({submission({.rev = 1, .cancel = true}), submission({})}));

  EXPECT_EQ(answers.at(0).error().reason, Reason::not_found);
  EXPECT_EQ(answers.at(1).error().reason, Reason::conflict);
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(Once, ACancellationOfWhatIsNotHereHasALimit) {
  limits.early_cancels = 2;
  start();
  for (int number : {1, 2}) submit({.id = id_number(number), .cancel = true});

  EXPECT_EQ(submit({.id = id_number(3), .cancel = true}).error().reason, Reason::busy);
  EXPECT_EQ(submit({.id = id_number(1), .rev = 1, .cancel = true}).error().reason, Reason::not_found);
  EXPECT_FALSE(remembered(id_of({.id = id_number(3)})));
}

TEST_F(Once, ALowerRevisionDoesNotCancel) {
  start();
  const JobId id = accept({.rev = 2, .when = at_one});

  EXPECT_EQ(submit({.rev = 1, .cancel = true}).error().reason, Reason::conflict);
  EXPECT_EQ(view(id).job.state, State::scheduled);
}

/// What a revision meets: how a job comes to a state, and whether it gives way then.
struct Met {
  const char* what;
  void (*bring)(Once&, JobId);
  bool gives_way;
};

class Revision : public Once, public testing::WithParamInterface<Met> {
public:
  void act(JobId id, Action action) { ASSERT_TRUE(run(service->act(ana, id, action))); }
  void comes_to(JobId id, State state) {
    pass(1h);
    until(id, state);
  }
};

TEST_P(Revision, ReplacesWhatHasNotRunAndNothingElse) {
  transfers.on(a_url, {{.reason = Reason::forbidden, .transient = false}});
  transfers.on(b_url, {{.body = "new"}});
  start();
  const JobId id = accept({.when = at_one});
  GetParam().bring(*this, id);
  const State before = view(id).job.state;

  const auto replaced = submit({.rev = 1, .urls = {{b_url}}});

  EXPECT_EQ(jobs(), 1u);
  if (GetParam().gives_way) {
    ASSERT_TRUE(replaced) << replaced.error().message;
    EXPECT_EQ(replaced->job.id, id);
    EXPECT_EQ(view(id).job.rev, 1);
  } else {
    EXPECT_EQ(replaced.error().reason, Reason::conflict);
    EXPECT_EQ(view(id).job.state, before);
    EXPECT_EQ(view(id).job.rev, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(
    States, Revision,
    testing::Values(
        Met{"scheduled", [](Once&, JobId) {}, true},
        Met{"paused", [](Once& place, JobId id) { static_cast<Revision&>(place).act(id, Action::pause); },
            true},
        Met{"failed",
            [](Once& place, JobId id) { static_cast<Revision&>(place).comes_to(id, State::failed); }, true},
        Met{"cancelled", [](Once& place, JobId id) { static_cast<Revision&>(place).act(id, Action::cancel); },
            false}),
    [](const auto& tested) { return std::string(tested.param.what); });

TEST_F(Once, ARevisionReplacesWhatIsHeldOrWaitsForItsNextAttempt) {
  const Script page{.reason = Reason::portal_suspected};
  transfers.on(a_url, {page});
  transfers.on(b_url, {{.body = "new"}});
  for (const State met : {State::waiting, State::held}) {
    const int number = static_cast<int>(met);
    start();
    const JobId id = accept({.id = id_number(number)});
    until(id, WaitingFor::retry);
    while (met == State::held && view(id).job.state != State::held) {
      pass(2s);
      settle();
    }

    const auto replaced = submit({.id = id_number(number), .rev = 1, .urls = {{b_url}}});

    ASSERT_TRUE(replaced) << replaced.error().message;
    until(id, State::done);
    EXPECT_EQ(jobs(), met == State::waiting ? 1u : 2u);
  }
}

/// What may come over the channels, in any order and any number of times.
class AnyOrder : public Once, public testing::WithParamInterface<unsigned> {
protected:
  using Channel = std::function<void(const std::vector<Submission>&)>;

  /// Each at least once, some again.
  std::vector<Submission> shuffled(std::vector<Submission> documents, std::mt19937& random) {
    const std::size_t kinds = documents.size();
    for (std::size_t again = random() % 6; again > 0; --again)
      documents.push_back(documents[random() % kinds]);
    std::shuffle(documents.begin(), documents.end(), random);
    return documents;
  }

  /// By one channel or another, one after the other or two at the same time, with crashes in between.
  void deliver(const std::vector<Submission>& documents, std::mt19937& random) {
    for (std::size_t i = 0; i < documents.size();) {
      const Submission& one = documents[i];
      const Submission& other = documents[std::min(i + 1, documents.size() - 1)];
      switch (random() % 4) {
        case 0:
          (void)run(service->submit(one));
          i += 1;
          break;
        case 1:
          (void)run(service->submit_all({one, other}));
          i += 2;
          break;
        case 2:
          (void)run(both(one, other));
          i += 2;
          break;
        default:
          crash();
          start();
      }
    }
  }

  Task<int> both(Submission one, Submission other) {
    auto first = service->submit(std::move(one));
    int answers = 0;
    Signal ended(Executor(loop.get_executor()));
    asio::co_spawn(loop, answer(*service, std::move(other), answers, ended), asio::detached);
    (void)co_await std::move(first);
    while (answers == 0) (void)co_await ended.wait_for(1s);
    co_return answers;
  }

  static Task<> answer(Service& service, Submission what, int& answers, Signal& ended) {
    (void)co_await service.submit(std::move(what));
    ++answers;
    ended.notify();
  }
};

TEST_P(AnyOrder, EndsCancelledAndFetchesNothingIfACancellationIsAmongThem) {
  std::mt19937 random(GetParam());
  start();
  const std::vector<Submission> documents = {submission({.urls = {{a_url}}, .when = at_one}),
                                             submission({.rev = 1, .urls = {{b_url}}, .when = at_one}),
                                             submission({.rev = 2, .cancel = true})};

  deliver(shuffled(documents, random), random);
  pass(2h);

  const auto left = run(service->list(ana, JobFilter{})).value().jobs;
  EXPECT_LE(left.size(), 1u);
  for (const Job& job : left) EXPECT_EQ(job.state, State::cancelled);
  EXPECT_THAT(transfers.asked, IsEmpty());
}

TEST_P(AnyOrder, EndsWithTheLastRevisionFetchedOnce) {
  std::mt19937 random(GetParam());
  transfers.on(a_url, {{.body = "old"}});
  transfers.on(b_url, {{.body = "new"}});
  start();
  const std::vector<Submission> documents = {submission({.urls = {{a_url}}, .when = at_one}),
                                             submission({.rev = 1, .urls = {{b_url}}, .when = at_one})};
  const auto order = shuffled(documents, random);

  deliver(order, random);
  pass(2h);
  until(id_of({}), State::done);
  deliver(order, random);
  remove(id_of({}));
  deliver(order, random);
  pass(2h);

  EXPECT_EQ(fetched(a_url), 0);
  EXPECT_EQ(fetched(b_url), 1);
  EXPECT_EQ(jobs(), 0u);
}

TEST_P(AnyOrder, FetchesEachRevisionAtMostOnceIfItRunsAtOnce) {
  std::mt19937 random(GetParam());
  transfers.on(a_url, {{.body = "old"}});
  transfers.on(b_url, {{.body = "new"}});
  start();
  const auto order = shuffled({submission({.urls = {{a_url}}}), submission({.rev = 1, .urls = {{b_url}}}),
                               submission({.rev = 2, .cancel = true})},
                              random);

  for (const Submission& one : order) {
    deliver({one}, random);
    if (random() % 2 == 0) settle();
  }
  settle();

  EXPECT_LE(fetched(a_url), 1);
  EXPECT_LE(fetched(b_url), 1);
  EXPECT_LE(jobs(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyOrder, testing::Range(1u, 25u));

}  // namespace
}  // namespace restante::jobs::test
