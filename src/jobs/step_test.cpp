// SPDX-License-Identifier: Apache-2.0
#include "jobs/step.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace restante::jobs {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const Instant now{Seconds(1795305600)};  // 2026-11-22T00:00:00Z, a Sunday

Control in(State state, std::optional<Instant> next = now) {
  Control out;
  out.state = state;
  if (state == State::scheduled || state == State::waiting) out.next_run = next;
  out.attempt = state == State::scheduled ? 0 : 1;
  return out;
}

Terms plain() {
  Terms terms;
  terms.hours.zone = "UTC";
  return terms;
}

Terms due_by(Instant by, proxy::Late late) {
  Terms terms = plain();
  terms.hours.by = by;
  terms.hours.late = late;
  return terms;
}

Terms in_hours(int from_minute, int to_minute) {
  Terms terms = plain();
  terms.hours.windows = {proxy::Window{{}, from_minute, to_minute}};
  return terms;
}

Trouble trouble(Reason reason) {
  return Trouble{reason, "what happened", {}};
}

const std::vector<State> every_state = {State::scheduled,  State::waiting,   State::running, State::verifying,
                                        State::publishing, State::done,      State::paused,  State::held,
                                        State::failed,     State::cancelled, State::expired};

std::vector<JobEvent> every_event() {
  std::vector<JobEvent> out = {event::Due{false, now},
                               event::Due{true, now},
                               event::Due{true, now + hours(2)},
                               event::Due{false, now, now + hours(1)},
                               event::FoundInterrupted{},
                               event::Received{0, true},
                               event::Received{0, false},
                               event::StartedOver{0, Reason::source_changed},
                               event::FilePublished{0, false, false},
                               event::FilePublished{0, true, false},
                               event::FilePublished{0, true, true},
                               event::RoundEnded{trouble(Reason::timeout), {}, {}, 0},
                               event::RoundEnded{trouble(Reason::quota), {}, {}, 0},
                               event::RoundEnded{{}, trouble(Reason::host_key), {}, 0},
                               event::RoundEnded{{}, {}, trouble(Reason::forbidden), 0},
                               event::Alarm{now},
                               event::Refused{trouble(Reason::address)},
                               event::Refreshed{},
                               event::Changed{false},
                               event::Changed{true}};
  for (Action action : {Action::pause, Action::resume, Action::retry, Action::now, Action::cancel})
    out.push_back(event::Acted{action});
  return out;
}

std::vector<Terms> every_terms() {
  Terms skipping = plain(), failing = plain(), tried = plain(), later = plain();
  skipping.hours.miss = proxy::Miss::skip;
  failing.hours.miss = proxy::Miss::fail;
  tried.attempts = 1;
  later.hours.start = now + hours(1);
  return {plain(),
          skipping,
          failing,
          tried,
          later,
          in_hours(600, 660),
          due_by(now - hours(1), proxy::Late::stop),
          due_by(now, proxy::Late::carry_on),
          due_by(now + hours(1), proxy::Late::stop)};
}

std::string edge(State from, State to) {
  return std::string(name(from)) + " > " + std::string(name(to));
}

/// The table of docs/internals/jobs.md.
TEST(Step, ReachesExactlyTheTransitionsOfTheTable) {
  std::set<std::string> reached;
  for (const State state : every_state)
    for (const Terms& terms : every_terms())
      for (const JobEvent& what : every_event()) {
        const Step next = step(in(state), what, terms, now);
        if (next.to.state != state) reached.insert(edge(state, next.to.state));
      }

  std::set<std::string> table;
  auto from = [&](State state, std::vector<State> to) {
    for (const State one : to) table.insert(edge(state, one));
  };
  using enum State;
  from(scheduled, {waiting, running, paused, failed, cancelled, expired, done});
  from(waiting, {scheduled, running, paused, failed, cancelled, expired, done});
  from(running, {verifying, publishing, waiting, paused, held, failed, cancelled, expired, done});
  from(verifying, {running, publishing, waiting, paused, held, failed, cancelled, expired, done});
  from(publishing, {running, verifying, waiting, held, failed, done});
  from(paused, {scheduled, waiting, failed, cancelled, done});
  from(held, {scheduled, waiting, cancelled, done});
  from(failed, {scheduled, waiting, done});
  from(expired, {scheduled, waiting, done});

  EXPECT_EQ(reached, table) << ::testing::PrintToString(reached);
}

TEST(Step, HasNoWayOutOfDoneAndCancelled) {
  for (const State state : {State::done, State::cancelled})
    for (const Terms& terms : every_terms())
      for (const JobEvent& what : every_event()) {
        const Step next = step(in(state), what, terms, now);
        EXPECT_EQ(next.to.state, state) << what.index();
      }
}

TEST(Step, ErasesSecretsExactlyWhenAJobEndsForGood) {
  for (const State state : every_state)
    for (const Terms& terms : every_terms())
      for (const JobEvent& what : every_event()) {
        const Step next = step(in(state), what, terms, now);
        if (next.to.state == state) continue;
        const bool good = next.to.state == State::done || next.to.state == State::cancelled ||
                          (next.to.state == State::expired && next.to.reason == Reason::deadline);
        EXPECT_EQ(next.erase_secrets, good) << edge(state, next.to.state);
      }
}

TEST(Step, TellsEveryChangeOfStateInTheHistory) {
  for (const State state : every_state)
    for (const Terms& terms : every_terms())
      for (const JobEvent& what : every_event()) {
        const Step next = step(in(state), what, terms, now);
        if (next.to.state != state) EXPECT_FALSE(next.cause.empty()) << edge(state, next.to.state);
        if (next.forbidden) EXPECT_EQ(next.to.state, state);
      }
}

TEST(Step, AWaitingJobAlwaysHasATimeAndAnEndedOneNone) {
  for (const State state : every_state)
    for (const Terms& terms : every_terms())
      for (const JobEvent& what : every_event()) {
        const Step next = step(in(state), what, terms, now);
        if (!next.changed || next.to.state == state) continue;
        const bool waits = next.to.state == State::scheduled || next.to.state == State::waiting;
        EXPECT_EQ(next.to.next_run.has_value(), waits) << edge(state, next.to.state);
      }
}

TEST(Step, IgnoresAJobThatIsNotDueYet) {
  const Step next = step(in(State::waiting, now + minutes(1)), event::Due{true, now}, plain(), now);

  EXPECT_FALSE(next.changed);
}

TEST(Step, IsNotMissedWithinAMinuteOfTheStart) {
  Terms terms = plain();
  terms.hours.miss = proxy::Miss::fail;

  const Step close =
      step(in(State::scheduled), event::Due{true, now + Seconds(60)}, terms, now + Seconds(60));
  const Step far = step(in(State::scheduled), event::Due{true, now + Seconds(61)}, terms, now + Seconds(61));

  EXPECT_EQ(close.to.state, State::running);
  EXPECT_EQ(far.to.state, State::failed);
  EXPECT_EQ(far.to.reason, Reason::missed);
}

TEST(Step, WaitsForTheWindowButLooksAtTheDeadlineFirst) {
  Terms terms = in_hours(600, 660);
  terms.hours.by = now + hours(2);
  terms.hours.late = proxy::Late::stop;

  const Step next = step(in(State::waiting), event::Due{true, now}, terms, now);

  EXPECT_EQ(next.to.waiting_for, WaitingFor::window);
  EXPECT_EQ(next.to.next_run, now + hours(2));
}

TEST(Step, TellsALateJobOnce) {
  const Terms terms = due_by(now, proxy::Late::carry_on);

  const Step first = step(in(State::waiting, now), event::Due{true, now}, terms, now);
  const Step again =
      step(in(State::waiting, now + minutes(1)), event::Due{true, now}, terms, now + minutes(1));

  EXPECT_EQ(first.cause, "late");
  EXPECT_EQ(first.to.state, State::running);
  EXPECT_EQ(again.cause, "due");
}

TEST(Step, FailsWhenItsAttemptsAreUsedUp) {
  Terms terms = plain();
  terms.attempts = 3;
  Control third = in(State::running, std::nullopt);
  third.attempt = 3;

  const Step next = step(third, event::RoundEnded{trouble(Reason::timeout), {}, {}, 0}, terms, now);

  EXPECT_EQ(next.to.state, State::failed);
  EXPECT_EQ(next.to.reason, Reason::timeout);
  EXPECT_EQ(next.to.message, "what happened");
}

TEST(Step, AsksAPersonWhenTheFewAttemptsThatAreWorthItAreUsedUp) {
  Trouble portal = trouble(Reason::portal_suspected);
  portal.attempts = 3;
  const auto state_after = [&](int attempt) {
    Control running = in(State::running);
    running.attempt = attempt;
    return step(running, event::RoundEnded{portal, {}, {}, 0}, plain(), now).to.state;
  };

  EXPECT_EQ(state_after(2), State::waiting);
  EXPECT_EQ(state_after(3), State::held);
}

TEST(Step, GivesAContentServerItsRestAndTellsOnlyTheFirst) {
  const event::Due first{false, now, now + minutes(2)};
  const event::Due another{false, now, now + minutes(4)};

  const Step rests = step(in(State::waiting), first, plain(), now);
  const Step again = step(rests.to, another, plain(), now + minutes(2));
  const Step in_line = step(rests.to, event::Due{false, now}, plain(), now + minutes(2));
  const Step runs = step(again.to, event::Due{true, now}, plain(), now + minutes(4));

  EXPECT_EQ(rests.to.waiting_for, WaitingFor::origin_pause);
  EXPECT_EQ(rests.to.next_run, now + minutes(2));
  EXPECT_EQ(rests.cause, "origin-pause");
  EXPECT_EQ(again.to.next_run, now + minutes(4));
  EXPECT_EQ(again.cause, "");
  EXPECT_FALSE(in_line.changed) << "it only has to wait for its turn";
  EXPECT_EQ(runs.to.state, State::running);
}

TEST(Step, LooksAtTheDeadlineAlthoughTheContentServerRests) {
  const Terms terms = due_by(now + minutes(1), proxy::Late::stop);

  const Step rests = step(in(State::waiting), event::Due{false, now, now + minutes(2)}, terms, now);
  const Step late = step(rests.to, event::Due{false, now, now + minutes(2)}, terms, now + minutes(1));

  EXPECT_EQ(rests.to.next_run, now + minutes(1));
  EXPECT_EQ(late.to.state, State::expired);
}

TEST(Step, ThrowsAwayWhatCameOnlyWhenItWillNeverBeCompleted) {
  Terms once = plain();
  once.attempts = 1;
  const auto broken = [&](Reason reason) {
    return step(in(State::running), event::RoundEnded{{}, {}, trouble(reason), 0}, plain(), now);
  };

  EXPECT_TRUE(broken(Reason::too_large).discard_partials);
  EXPECT_FALSE(broken(Reason::digest_mismatch).discard_partials) << "it stays in quarantine";
  EXPECT_TRUE(broken(Reason::not_found).discard_partials);
  EXPECT_FALSE(broken(Reason::auth_required).discard_partials);
  EXPECT_FALSE(broken(Reason::server_error).discard_partials);
  EXPECT_FALSE(step(in(State::running), event::RoundEnded{trouble(Reason::timeout), {}, {}, 0}, once, now)
                   .discard_partials);
}

TEST(Step, PutsARetryIntoTheNextWindow) {
  const Terms terms = in_hours(0, 1);
  const Instant last_second = now + Seconds(59) + Millis(500);

  const Step next =
      step(in(State::running), event::RoundEnded{trouble(Reason::timeout), {}, {}, 0}, terms, last_second);

  EXPECT_EQ(next.to.next_run, now + hours(24));
}

TEST(Step, TriesTheOtherFilesAgainBeforeItAsksAPerson) {
  const event::RoundEnded round{trouble(Reason::timeout), trouble(Reason::host_key),
                                trouble(Reason::forbidden), 0};

  EXPECT_EQ(step(in(State::running), round, plain(), now).to.waiting_for, WaitingFor::retry);
}

TEST(Step, AnInterruptedAttemptDoesNotCount) {
  const Step next = step(in(State::running), event::FoundInterrupted{}, plain(), now);

  EXPECT_EQ(next.to.attempt, 0);
  EXPECT_EQ(next.to.next_run, now);
}

TEST(Step, PublishingIsNotBrokenOff) {
  for (const Action action : {Action::pause, Action::cancel}) {
    const Step next = step(in(State::publishing), event::Acted{action}, plain(), now);
    EXPECT_TRUE(next.forbidden);
    EXPECT_FALSE(next.stop_transfers);
  }
}

TEST(Step, AMissedJobCanBeTriedAgainAnExpiredOneNot) {
  Control missed = in(State::expired, std::nullopt);
  missed.reason = Reason::missed;

  EXPECT_EQ(step(missed, event::Acted{Action::retry}, plain(), now).to.state, State::waiting);
  EXPECT_TRUE(step(missed, event::Acted{Action::retry}, due_by(now, proxy::Late::stop), now).forbidden);
}

TEST(Begin, IsScheduledOnlyForALaterStart) {
  Terms later = plain(), past = plain();
  later.hours.start = now + hours(1);
  past.hours.start = now - hours(1);

  EXPECT_EQ(begin(later, now).state, State::scheduled);
  EXPECT_EQ(begin(later, now).next_run, now + hours(1));
  Terms later_in_hours = in_hours(600, 660);
  later_in_hours.hours.start = now + hours(1);
  EXPECT_EQ(begin(later_in_hours, now).state, State::scheduled);
  EXPECT_EQ(begin(later_in_hours, now).next_run, now + hours(10));
  EXPECT_EQ(begin(past, now).state, State::waiting);
  EXPECT_EQ(begin(past, now).next_run, now);
  EXPECT_EQ(begin(in_hours(600, 660), now).waiting_for, WaitingFor::window);
  EXPECT_EQ(begin(in_hours(600, 660), now).next_run, now + hours(10));
}

TEST(Names, OfStatesAreReadBack) {
  for (const State state : every_state) EXPECT_EQ(state_from_name(name(state)), state);
  EXPECT_FALSE(state_from_name("no such").has_value());
}

}  // namespace
}  // namespace restante::jobs
