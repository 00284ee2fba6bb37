// SPDX-License-Identifier: Apache-2.0
#include "jobs/file_step.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace restante::jobs {
namespace {

using ::testing::ElementsAre;

TransferResult complete(std::uint64_t bytes) {
  TransferResult out;
  out.outcome = Outcome::complete;
  out.received_bytes = bytes;
  return out;
}

TransferResult failed(Reason reason, bool transient) {
  TransferResult out;
  out.outcome = Outcome::failed;
  out.reason = reason;
  out.transient = transient;
  return out;
}

FileTerms sources(int count) {
  FileTerms out;
  out.sources = count;
  return out;
}

FileRow row_with_partial() {
  FileRow row;
  row.checkpoint.etag = "\"e\"";
  row.checkpoint.written_bytes = 50;
  return row;
}

TEST(FileStep, PublishesWhatIsComplete) {
  const FileStep next = after_transfer({}, {}, sources(1), complete(5), 0);

  EXPECT_EQ(next.next, Next::publish);
  EXPECT_EQ(next.row.size_bytes, 5u);
  EXPECT_TRUE(next.row.verified);
}

TEST(FileStep, AKnownSizeProvesWhatTheServerDidNotSay) {
  TransferResult result = complete(5);
  result.outcome = Outcome::unverified;
  FileTerms known = sources(1);
  known.size_bytes = 5;

  EXPECT_FALSE(after_transfer({}, {}, sources(1), result, 0).row.verified);
  EXPECT_TRUE(after_transfer({}, {}, known, result, 0).row.verified);
}

TEST(FileStep, NeverPublishesAnotherSizeThanKnown) {
  FileTerms known = sources(1);
  known.size_bytes = 5;

  EXPECT_EQ(after_transfer({}, {}, known, complete(6), 0).trouble.reason, Reason::excess);
  EXPECT_EQ(after_transfer({}, {}, known, complete(4), 0).next, Next::later);
  EXPECT_EQ(after_transfer({}, {}, known, complete(4), 0).trouble.reason, Reason::incomplete);
}

TEST(FileStep, RefusesMoreThanAllowedAndNothingAtAll) {
  FileTerms small = sources(1), empty = sources(1);
  small.max_bytes = 4;
  empty.allow_empty = true;

  EXPECT_EQ(after_transfer({}, {}, small, complete(5), 0).trouble.reason, Reason::too_large);
  EXPECT_EQ(after_transfer({}, {}, sources(1), complete(0), 0).trouble.reason, Reason::empty_result);
  EXPECT_EQ(after_transfer({}, {}, empty, complete(0), 0).next, Next::publish);
}

TEST(FileStep, GoesRoundTheSourcesUntilAllAreBroken) {
  FileStep next = after_transfer({}, {}, sources(2), failed(Reason::not_found, false), 0);
  EXPECT_EQ(next.next, Next::transfer);
  EXPECT_EQ(next.row.source, 1);
  EXPECT_EQ(next.row.generation, 1) << "bytes of two sources are never mixed";

  next = after_transfer(next.row, next.tries, sources(2), failed(Reason::forbidden, false), 0);
  EXPECT_EQ(next.next, Next::broken);
  EXPECT_EQ(next.trouble.reason, Reason::not_found) << "what the first source said";
  EXPECT_EQ(next.row.state, FileState::failed);
}

TEST(FileStep, AsksTwiceMoreForWhatIsNotThereAtItsStart) {
  const Instant start{Seconds(1795305600)};
  const FileStep missing = after_transfer({}, {}, sources(1), failed(Reason::not_found, false), 0);
  const auto wait_at = [&](Millis after) {
    const FileStep at = wait_for_release(missing, start, start + after);
    return at.next == Next::later ? at.trouble.retry_after : std::nullopt;
  };

  EXPECT_EQ(wait_at(Millis(0)), Seconds(120));
  EXPECT_EQ(wait_at(Millis(500)), Seconds(120)) << "never before its time";
  EXPECT_EQ(wait_at(Seconds(120)), Seconds(360));
  EXPECT_EQ(wait_at(Seconds(480)), std::nullopt);
  EXPECT_EQ(wait_for_release(missing, start, start).row.state, FileState::pending);
  EXPECT_EQ(wait_for_release(missing, start, start + Seconds(480)).row.state, FileState::failed);
}

TEST(FileStep, WithoutAStartWhatIsNotThereFailsAtOnce) {
  const Instant now{Seconds(1795305600)};
  const FileStep missing = after_transfer({}, {}, sources(1), failed(Reason::not_found, false), 0);
  const FileStep forbidden = after_transfer({}, {}, sources(1), failed(Reason::forbidden, false), 0);

  EXPECT_EQ(wait_for_release(missing, std::nullopt, now).next, Next::broken);
  EXPECT_EQ(wait_for_release(forbidden, now, now).next, Next::broken);
}

TEST(FileStep, AsksAPersonWhenAnySourceNeedsOne) {
  FileStep next = after_transfer({}, {}, sources(2), failed(Reason::auth_expired, false), 0);
  next = after_transfer(next.row, next.tries, sources(2), failed(Reason::not_found, false), 0);

  EXPECT_EQ(next.next, Next::person);
  EXPECT_EQ(next.trouble.reason, Reason::auth_expired);
  EXPECT_EQ(after_transfer({}, {}, sources(1), failed(Reason::auth_required, false), 0).next, Next::broken);
}

TEST(FileStep, TriesAPortalAndANameThatDoesNotExistAFewTimesOnly) {
  FileRow named;
  named.name = "login";
  named.media_type = "text/html";

  const FileStep portal = after_transfer(named, {}, sources(1), failed(Reason::portal_suspected, true), 0);
  const FileStep no_name = after_transfer({}, {}, sources(1), failed(Reason::dns, false), 0);
  const FileStep fault = after_transfer({}, {}, sources(1), failed(Reason::dns, true), 0);

  EXPECT_EQ(portal.next, Next::later);
  EXPECT_EQ(portal.trouble.attempts, 3);
  EXPECT_EQ(portal.row.name + portal.row.media_type, "") << "they were the page's";
  EXPECT_EQ(no_name.next, Next::later);
  EXPECT_EQ(no_name.trouble.attempts, 3);
  EXPECT_EQ(fault.trouble.attempts, std::nullopt) << "a name server's fault passes";
}

TEST(FileStep, FetchesOnceMoreWhatIsNotAsItsChecksumSaysAndThenNeverPublishesIt) {
  FileRow row;
  row.checkpoint.etag = "\"a\"";
  const TransferResult wrong = failed(Reason::digest_mismatch, false);

  FileStep next = after_transfer(row, {}, sources(1), wrong, 0);
  EXPECT_EQ(next.next, Next::transfer);
  EXPECT_EQ(next.row.generation, 1) << "from the beginning";
  next.row.checkpoint.etag = "\"a\"";
  next = after_transfer(next.row, next.tries, sources(1), wrong, 0);

  EXPECT_EQ(next.next, Next::broken);
  EXPECT_EQ(next.trouble.reason, Reason::digest_mismatch);
  EXPECT_EQ(next.row.checkpoint.etag, "") << "nothing goes on from these bytes";
}

TEST(FileStep, ARetryStaysWithTheSourceThatBroughtSomething) {
  TransferResult moved = failed(Reason::incomplete, true), stuck = failed(Reason::incomplete, true);
  moved.received_bytes = 60;
  stuck.received_bytes = 50;

  const FileStep kept = after_transfer(row_with_partial(), {}, sources(2), moved, 50);
  const FileStep left = after_transfer(row_with_partial(), {}, sources(2), stuck, 50);

  EXPECT_EQ(kept.row.source, 0);
  EXPECT_EQ(kept.row.generation, 0);
  EXPECT_EQ(left.row.source, 1);
  EXPECT_EQ(left.row.generation, 1);
}

TEST(FileStep, ALoneSourceKeepsItsPartial) {
  const FileStep next = after_transfer(row_with_partial(), {}, sources(1), failed(Reason::timeout, true), 50);

  EXPECT_EQ(next.next, Next::later);
  EXPECT_EQ(next.row.generation, 0);
  EXPECT_EQ(next.row.checkpoint.written_bytes, 50u);
}

TEST(FileStep, ARestartMakesANewPartialAtMostThreeTimesARound) {
  TransferResult restart = failed(Reason::source_changed, true);
  restart.outcome = Outcome::restart;
  FileStep next;
  next.row = row_with_partial();
  for (int i = 1; i <= 3; ++i) {
    next = after_transfer(next.row, next.tries, sources(1), restart, 50);
    EXPECT_EQ(next.next, Next::transfer);
    EXPECT_EQ(next.row.generation, i);
  }

  next = after_transfer(next.row, next.tries, sources(1), restart, 50);

  EXPECT_EQ(next.next, Next::later);
  EXPECT_EQ(next.trouble.reason, Reason::source_changed);
}

FileTerms with_digest(int count) {
  FileTerms out = sources(count);
  out.algorithm = "sha-256";
  out.digest = "ab";
  return out;
}

TEST(FileStep, AnotherSourceGoesOnWithWhatCameIfADigestWillProveIt) {
  FileRow row = row_with_partial();
  row.checkpoint.total_bytes = 100;
  FileRow whole = row;
  whole.checkpoint.written_bytes = 100;

  const FileStep gone = after_transfer(row, {}, with_digest(2), failed(Reason::not_found, false), 50);
  const FileStep slow = after_transfer(row, {}, with_digest(2), failed(Reason::timeout, true), 50);
  const FileStep unproven = after_transfer(row, {}, sources(2), failed(Reason::not_found, false), 50);
  const FileStep all = after_transfer(whole, {}, with_digest(2), failed(Reason::not_found, false), 50);

  for (const FileStep& next : {gone, slow}) {
    EXPECT_EQ(next.row.source, 1);
    EXPECT_EQ(next.row.generation, 0);
    EXPECT_EQ(next.row.checkpoint.written_bytes, 50u);
    EXPECT_EQ(next.row.checkpoint.etag, "") << "it was the other server's";
  }
  EXPECT_EQ(unproven.row.generation, 1) << "bytes of two sources are not mixed";
  EXPECT_EQ(all.row.generation, 1) << "nothing is missing, so what is there is wrong";
}

TEST(FileStep, ComparesADigestInAnyCase) {
  TransferResult result = complete(5);
  result.outcome = Outcome::unverified;
  result.digest_hex = "AB";

  const FileStep next = after_transfer({}, {}, with_digest(1), result, 0);

  EXPECT_EQ(next.next, Next::publish);
  EXPECT_TRUE(next.row.verified);
  EXPECT_EQ(next.row.sha256, "ab");
}

TEST(FileStep, HashesWhatWasNotHashedInTheStream) {
  EXPECT_EQ(after_transfer({}, {}, with_digest(1), complete(5), 0).next, Next::verify);
}

TEST(FileStep, FetchesAWrongContentOnceAgainThenElsewhere) {
  FileStep next = after_digest({}, {}, with_digest(2), "cd");
  EXPECT_EQ(next.next, Next::transfer);
  EXPECT_EQ(next.row.source, 0);
  EXPECT_EQ(next.row.generation, 1);

  next = after_digest(next.row, next.tries, with_digest(2), "cd");
  EXPECT_EQ(next.next, Next::transfer);
  EXPECT_EQ(next.row.source, 1);

  next = after_digest(next.row, next.tries, with_digest(2), "cd");
  next = after_digest(next.row, next.tries, with_digest(2), "cd");
  EXPECT_EQ(next.next, Next::broken);
  EXPECT_EQ(next.trouble.reason, Reason::digest_mismatch);
}

TEST(FileStep, KeepsACompleteFileWhenOurOwnDiskRefuses) {
  FileRow row;
  row.state = FileState::publishing;

  const FileStep next = after_error(row, {}, Error{Reason::disk_full, "full", {}, {}, true});

  EXPECT_EQ(next.next, Next::later);
  EXPECT_EQ(next.row.state, FileState::publishing);
}

TEST(FileStep, TakesTheStrongestDigestAndTheFirstPriority) {
  proxy::Document document;
  proxy::File file;
  file.digests = {{"md5", "1"}, {"sha-512", "2"}};
  for (const int priority : {5, 1, 5}) {
    proxy::Source source;
    source.priority = priority;
    file.sources.push_back(source);
  }
  document.files.push_back(file);

  EXPECT_EQ(terms_of(document, 0).algorithm, "sha-512");
  EXPECT_THAT(source_order(file), ElementsAre(1, 0, 2));
}

TEST(FileStep, SetsAsideWhatAServerWillNotGoOnWith) {
  TransferResult result = failed(Reason::incomplete, true);
  result.outcome = Outcome::restart;

  const FileStep next = after_transfer(row_with_partial(), {}, sources(1), result, 50);

  EXPECT_EQ(next.next, Next::transfer);
  EXPECT_EQ(next.row.generation, 1);
  EXPECT_EQ(next.row.wasted_bytes, 50u);
  ASSERT_TRUE(next.row.old);
  EXPECT_EQ(next.row.old->generation, 0);
  EXPECT_EQ(next.row.old->checkpoint.etag, "\"e\"");
  ASSERT_TRUE(next.started_over);
  EXPECT_EQ(next.started_over->reason, Reason::incomplete);
}

TEST(FileStep, KeepsNothingOfAContentThatChanged) {
  TransferResult result = failed(Reason::source_changed, true);
  result.outcome = Outcome::restart;
  FileRow row = row_with_partial();
  row.old = OldPartial{};

  const FileStep next = after_transfer(row, {}, sources(1), result, 50);

  EXPECT_FALSE(next.row.old);
  EXPECT_EQ(next.row.wasted_bytes, 50u);
  ASSERT_TRUE(next.started_over);
  EXPECT_EQ(next.started_over->reason, Reason::source_changed);
}

TEST(FileStep, GoesBackToWhatWasSetAsideUntilTheNewOneIsLonger) {
  FileRow row = row_with_partial();
  set_aside(row);
  FileRow longer = row;

  EXPECT_TRUE(take_back(row, 20));
  EXPECT_EQ(row.generation, 0);
  EXPECT_EQ(row.checkpoint.etag, "\"e\"");
  EXPECT_EQ(row.wasted_bytes, 20u) << "only what the new one had brought";
  EXPECT_FALSE(row.old);
  EXPECT_FALSE(take_back(longer, 50));
  EXPECT_EQ(longer.generation, 1);
}

TEST(FileStep, NeverUsesTheNumberOfAPartialFileTwice) {
  FileRow row = row_with_partial();
  row.generation = 1;
  row.old = OldPartial{4, {}};

  start_over(row);

  EXPECT_EQ(row.generation, 5);
}

}  // namespace
}  // namespace restante::jobs
