// SPDX-License-Identifier: Apache-2.0
#include "jobs/resume.hpp"
#include "jobs/retry.hpp"
#include "jobs/time_plan.hpp"

#include <gtest/gtest.h>

namespace restante::jobs {
namespace {

using std::chrono::hours;

const Instant now{Seconds(1795305600)};  // 2026-11-22T00:00:00Z

TEST(Retry, WaitsLongerAfterEachTransientFailure) {
  const RetryRules rules;
  Millis before{0};
  for (int attempt = 1; attempt <= 10; ++attempt) {
    const Millis shortest = retry_delay(attempt, 0.999, std::nullopt, rules);
    EXPECT_GT(shortest, before) << attempt;
    before = retry_delay(attempt, 0, std::nullopt, rules);
  }
}

TEST(Retry, StaysBelowTheLongestWait) {
  EXPECT_EQ(retry_delay(100, 0, std::nullopt, RetryRules{}), Millis(600000));
  EXPECT_GE(retry_delay(100, 0.999, std::nullopt, RetryRules{}), Millis(450000));
}

TEST(Retry, NeverComesBeforeTheServerAllows) {
  EXPECT_EQ(retry_delay(1, 0, Seconds(30), RetryRules{}), Millis(30000));
  EXPECT_EQ(retry_delay(10, 0, Seconds(1), RetryRules{}), Millis(512000));
}

TEST(Retry, DoesNotObeyAnAbsurdServer) {
  EXPECT_EQ(retry_delay(1, 0, Seconds(10000000), RetryRules{}), Millis(86400000));
  EXPECT_EQ(retry_delay(1, 0, Seconds(-5), RetryRules{}), Millis(1000));
}

Hours by(Instant deadline) {
  Hours out;
  out.zone = "UTC";
  out.by = deadline;
  return out;
}

TEST(TimePlan, IsOnTimeWithoutADeadline) {
  EXPECT_EQ(plan(Hours{}, now, now, 1000, 1).verdict, "on-time");
}

TEST(TimePlan, CannotWhenTheDeadlineIsBeforeItsHours) {
  EXPECT_EQ(plan(by(now + hours(1)), now, now + hours(1), {}, {}).verdict, "cannot");
  EXPECT_EQ(plan(by(now), now, now, {}, {}).verdict, "cannot");
  EXPECT_FALSE(plan(by(now), now, now, {}, {}).reason.empty());
}

TEST(TimePlan, IsTightWithLessThanHalfAsMuchAgain) {
  const Hours deadline = by(now + Seconds(150));

  EXPECT_EQ(plan(deadline, now, now, 100, 1).verdict, "on-time");
  EXPECT_EQ(plan(deadline, now, now, 101, 1).verdict, "tight");
  EXPECT_EQ(plan(deadline, now, now, 150, 1).verdict, "tight");
  EXPECT_EQ(plan(deadline, now, now, 151, 1).verdict, "cannot");
}

TEST(TimePlan, CountsOnlyTheHoursInWhichBytesMayFlow) {
  Hours deadline = by(now + hours(48));
  deadline.windows = {proxy::Window{{}, 60, 120}};

  EXPECT_EQ(plan(deadline, now, now, 2 * 3600, 1).verdict, "tight");
  EXPECT_EQ(plan(deadline, now, now, 2 * 3600 + 1, 1).verdict, "cannot");
}

TEST(TimePlan, RunsNextAtTheStartOrTheOpeningAfterIt) {
  Hours night;
  night.zone = "UTC";
  night.windows = {proxy::Window{{}, 60, 120}};

  EXPECT_EQ(next_run(Hours{}, now), now);
  EXPECT_EQ(next_run(night, now), now + hours(1));
  night.start = now + hours(2);
  EXPECT_EQ(next_run(night, now), now + hours(25));
}

TEST(TimePlan, RingsWhenTheWindowClosesOrTheDeadlinePasses) {
  Hours night = by(now + hours(3));
  night.windows = {proxy::Window{{}, 0, 120}};

  EXPECT_EQ(next_alarm(night, now), now + hours(2));
  night.by = now + hours(1);
  EXPECT_EQ(next_alarm(night, now), now + hours(1));
  EXPECT_FALSE(next_alarm(Hours{}, now).has_value());
}

TEST(HttpDate, IsReadInItsPreferredForm) {
  EXPECT_EQ(from_http_date("Sun, 22 Nov 2026 00:00:00 GMT"), now);
  EXPECT_FALSE(from_http_date("Sunday, 22-Nov-26 00:00:00 GMT").has_value());
  EXPECT_FALSE(from_http_date("").has_value());
  EXPECT_FALSE(from_http_date("Sun, 32 Nov 2026 00:00:00 GMT").has_value());
}

ResponseFacts facts(std::string etag, std::string modified, std::string date = {}) {
  ResponseFacts out;
  out.date = std::move(date);
  out.etag = std::move(etag);
  out.last_modified = std::move(modified);
  out.total_bytes = 100;
  return out;
}

TEST(Resume, TrustsAStrongEtagAndADateOnlyWhereThereIsNoEtag) {
  const std::string old = "Sat, 21 Nov 2026 00:00:00 GMT";
  const std::string fresh = "Sat, 21 Nov 2026 23:59:30 GMT";

  EXPECT_EQ(strong_validator(begin_checkpoint(facts("\"e\"", old), "b", now)), "\"e\"");
  EXPECT_EQ(strong_validator(begin_checkpoint(facts("", old), "b", now)), old);
  EXPECT_EQ(strong_validator(begin_checkpoint(facts("", fresh), "b", now)), "");
  EXPECT_EQ(strong_validator(begin_checkpoint(facts("W/\"e\"", old), "b", now)), "") << "RFC 9110 13.1.5";
}

TEST(Resume, TrustsADateThatTheServersOwnClockLeavesASecondBehind) {
  const std::string modified = "Sat, 21 Nov 2026 23:59:59 GMT";
  const auto at = [&](const char* date) {
    return strong_validator(begin_checkpoint(facts("", modified, date), "b", now));
  };

  EXPECT_EQ(at("Sun, 22 Nov 2026 00:00:00 GMT"), modified);
  EXPECT_EQ(at("Sat, 21 Nov 2026 23:59:59 GMT"), "");
  EXPECT_EQ(at("Sun, 22 Nov 2026 05:00:00 GMT"), modified) << "whatever our own clock says";
}

TEST(Resume, GoesOnWithoutAValidatorIfADigestProvesTheEnd) {
  const Checkpoint weak = begin_checkpoint(facts("W/\"e\"", ""), "run", now);

  EXPECT_EQ(resume_offset(weak, 60, "run", DigestGiven::yes), 60u);
  EXPECT_EQ(resume_offset(weak, 60, "run", DigestGiven::no), 0u);
}

TEST(Resume, GoesOnUnderANewLinkBySizeAndDate) {
  const std::string old = "Sat, 21 Nov 2026 00:00:00 GMT";
  Checkpoint checkpoint = begin_checkpoint(facts("W/\"e\"", old), "run", now);

  EXPECT_EQ(resume_offset(checkpoint, 60, "run", DigestGiven::no), 0u);
  checkpoint.relinked = true;
  EXPECT_EQ(resume_offset(checkpoint, 60, "run", DigestGiven::no), 60u);
  checkpoint.total_bytes.reset();
  EXPECT_EQ(resume_offset(checkpoint, 60, "run", DigestGiven::no), 0u);
}

TEST(Resume, TakesTheValidatorsOfTheAnswerThatGoesOn) {
  Checkpoint before = begin_checkpoint(facts("\"a\"", "Sat, 21 Nov 2026 00:00:00 GMT"), "one", now);
  before.synced_bytes = 70;
  before.relinked = true;

  const Checkpoint same =
      continued(begin_checkpoint(facts("\"a\"", "x"), "one", now), facts("", ""), 50, "two", now);
  const Checkpoint next = continued(before, facts("\"b\"", ""), 50, "two", now);

  EXPECT_EQ(same.etag, "\"a\"") << "a 206 need not repeat it";
  EXPECT_EQ(next.etag, "\"b\"");
  EXPECT_EQ(next.last_modified, "");
  EXPECT_FALSE(next.relinked);
  EXPECT_EQ(next.boot_id, "two");
  EXPECT_EQ(next.written_bytes, 50u);
  EXPECT_EQ(next.synced_bytes, 50u);
}

TEST(Resume, KeepsWhatTheKernelHadInTheSameMachineRun) {
  Checkpoint checkpoint = begin_checkpoint(facts("\"e\"", ""), "run", now);
  checkpoint.synced_bytes = 10;

  EXPECT_EQ(resume_offset(checkpoint, 60, "run", DigestGiven::no), 60u);
  EXPECT_EQ(resume_offset(checkpoint, 60, "another", DigestGiven::no), 10u);
  EXPECT_EQ(resume_offset(checkpoint, 5, "another", DigestGiven::no), 5u);
  checkpoint.boot_id.clear();
  EXPECT_EQ(resume_offset(checkpoint, 60, "", DigestGiven::no), 10u);
}

TEST(Resume, StartsOverWithoutProofOrWithTooMuch) {
  EXPECT_EQ(resume_offset(begin_checkpoint(facts("W/\"e\"", ""), "run", now), 60, "run", DigestGiven::no),
            0u);
  EXPECT_EQ(resume_offset(begin_checkpoint(facts("\"e\"", ""), "run", now), 101, "run", DigestGiven::no), 0u);
  EXPECT_EQ(resume_offset(Checkpoint{}, 60, "run", DigestGiven::no), 0u);
}

}  // namespace
}  // namespace restante::jobs
