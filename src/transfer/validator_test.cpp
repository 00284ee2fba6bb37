// SPDX-License-Identifier: Apache-2.0
#include "transfer/validator.hpp"

#include <gtest/gtest.h>

namespace restante::transfer {
namespace {

using jobs::Outcome;
using Next = HeadVerdict::Next;

HeaderBlock head(int status, std::vector<std::pair<std::string, std::string>> fields = {}) {
  return HeaderBlock{status, "Words", std::move(fields)};
}
Asked fresh() {
  Asked asked;
  asked.host = "host.test";
  return asked;
}
Asked resuming() {
  Asked asked = fresh();
  asked.offset = 50;
  asked.if_range = "\"a\"";
  asked.known_size = 100;
  return asked;
}
EndFacts ended(Framing framing, std::uint64_t received) {
  EndFacts facts;
  facts.plan.framing = framing;
  facts.received_bytes = received;
  return facts;
}

TEST(Validator, TakesABodyWithLength) {
  const HeadVerdict verdict = judge_head(fresh(), head(200, {{"content-length", "10"}}));

  EXPECT_EQ(verdict.next, Next::body);
  EXPECT_EQ(verdict.body.framing, Framing::length);
  EXPECT_EQ(verdict.body.total_bytes, 10U);
}

TEST(Validator, RefusesTwoDifferentLengthsAlsoInOneField) {
  EXPECT_EQ(
      judge_head(fresh(), head(200, {{"content-length", "10"}, {"content-length", "11"}})).verdict.reason,
      Reason::malformed);
  EXPECT_EQ(judge_head(fresh(), head(200, {{"content-length", "10, 11"}})).verdict.reason, Reason::malformed);
  EXPECT_EQ(judge_head(fresh(), head(200, {{"content-length", "10"}, {"content-length", "10"}})).next,
            Next::body);
}

TEST(Validator, LetsChunkedWinOverLengthAndClosesAfterwards) {
  const HeadVerdict verdict =
      judge_head(fresh(), head(200, {{"content-length", "10"}, {"transfer-encoding", "chunked"}}));

  EXPECT_EQ(verdict.body.framing, Framing::chunked);
  EXPECT_FALSE(verdict.body.expect_bytes);
  EXPECT_TRUE(verdict.body.close_after);
}

TEST(Validator, RefusesTransferCodingsThatNobodyAskedFor) {
  EXPECT_EQ(judge_head(fresh(), head(200, {{"transfer-encoding", "gzip, chunked"}})).verdict.reason,
            Reason::malformed);
}

TEST(Validator, GoesOnOnlyWithTheSameEntityAtTheRightPlace) {
  const auto outcome = [](std::string range, std::string etag) {
    return judge_head(resuming(),
                      head(206, {{"content-range", std::move(range)}, {"etag", std::move(etag)}}));
  };

  EXPECT_EQ(outcome("bytes 50-99/100", "\"a\"").next, Next::body);
  EXPECT_EQ(outcome("bytes 50-99/100", "\"b\"").verdict.outcome, Outcome::restart);
  EXPECT_EQ(outcome("bytes 51-99/100", "\"a\"").verdict.outcome, Outcome::restart);
  EXPECT_EQ(outcome("bytes 50-100/101", "\"a\"").verdict.reason, Reason::source_changed);
  EXPECT_EQ(outcome("lines 50-99/100", "\"a\"").verdict.reason, Reason::malformed);
  EXPECT_EQ(outcome("bytes 50-99/*", "\"a\"").body.total_bytes, 100U);
}

TEST(Validator, RefusesAPartWhoseTwoLengthsDiffer) {
  const HeadVerdict verdict =
      judge_head(resuming(), head(206, {{"content-range", "bytes 50-99/100"}, {"content-length", "51"}}));

  EXPECT_EQ(verdict.verdict.reason, Reason::malformed);
}

TEST(Validator, FindsThatEverythingIsHereAlready) {
  Asked asked = resuming();
  asked.offset = 100;

  EXPECT_EQ(
      judge_head(asked, head(416, {{"content-range", "bytes */100"}, {"etag", "\"a\""}})).verdict.outcome,
      Outcome::complete);
  EXPECT_EQ(judge_head(asked, head(416, {{"content-range", "bytes */100"}})).verdict.outcome,
            Outcome::complete);
  EXPECT_EQ(
      judge_head(asked, head(416, {{"content-range", "bytes */100"}, {"etag", "\"b\""}})).verdict.outcome,
      Outcome::restart);
  EXPECT_EQ(judge_head(asked, head(416, {})).verdict.outcome, Outcome::restart);
}

TEST(Validator, TreatsAnUnaskedRangeErrorAsARefusal) {
  EXPECT_EQ(judge_head(fresh(), head(416)).verdict.outcome, Outcome::failed);
}

TEST(Validator, FollowsOnlyRedirectsWithAPlace) {
  EXPECT_EQ(judge_head(fresh(), head(302, {{"location", "/x"}})).next, Next::redirect);
  EXPECT_EQ(judge_head(fresh(), head(302)).verdict.reason, Reason::redirect_refused);
  EXPECT_EQ(judge_head(fresh(), head(305, {{"location", "/x"}})).verdict.reason, Reason::redirect_refused);
}

TEST(Validator, AsksOnceMoreWhenNothingConditionalWasAsked) {
  Asked asked = fresh();
  EXPECT_EQ(judge_head(asked, head(304)).next, Next::again_without_cache);
  asked.without_cache = true;
  EXPECT_EQ(judge_head(asked, head(304)).verdict.reason, Reason::malformed);
}

TEST(Validator, StoresAGzipFileThatIsMarkedAsGzip) {
  Asked asked = fresh();
  const HeaderBlock gzip = head(200, {{"content-encoding", "gzip"}, {"content-type", "text/plain"}});

  EXPECT_EQ(judge_head(asked, gzip).verdict.reason, Reason::decode);
  asked.names_gzip = true;
  EXPECT_EQ(judge_head(asked, gzip).next, Next::body);
}

TEST(Validator, ProvesABodyWithoutLengthByCloseNotifyOnly) {
  EndFacts facts = ended(Framing::close, 10);
  EXPECT_EQ(judge_end(fresh(), facts).verdict.outcome, Outcome::unverified);
  facts.tls = true;
  EXPECT_EQ(judge_end(fresh(), facts).verdict.reason, Reason::incomplete);
  facts.clean_tls_close = true;
  EXPECT_EQ(judge_end(fresh(), facts).verdict.outcome, Outcome::complete);
}

TEST(Validator, TakesADigestAsProofAgainstEveryOtherSign) {
  EndFacts facts = ended(Framing::close, 10);
  facts.end = BodyEnd::cut;
  facts.digest = DigestState::agrees;
  facts.excess = true;

  EXPECT_EQ(judge_end(fresh(), facts).verdict.outcome, Outcome::complete);
}

TEST(Validator, RefusesADifferentDigestEvenWithTheRightLength) {
  EndFacts facts = ended(Framing::length, 10);
  facts.plan.expect_bytes = facts.plan.total_bytes = 10;
  facts.digest = DigestState::differs;

  EXPECT_EQ(judge_end(fresh(), facts).verdict.reason, Reason::digest_mismatch);
}

TEST(Validator, PublishesTheAnnouncedBytesOfAnExcessOnlyIfTheSizeIsKnown) {
  EndFacts facts = ended(Framing::length, 10);
  facts.plan.expect_bytes = facts.plan.total_bytes = 10;
  facts.excess = true;
  Asked asked = fresh();
  EXPECT_EQ(judge_end(asked, facts).verdict.reason, Reason::excess);

  asked.known_size = 10;

  EXPECT_EQ(judge_end(asked, facts).verdict.outcome, Outcome::complete);
}

TEST(Validator, AsksForTheRestOfAPiece) {
  EndFacts facts = ended(Framing::length, 10);
  facts.plan.part = true;
  facts.plan.expect_bytes = 10;
  facts.plan.total_bytes = 100;

  EXPECT_TRUE(judge_end(fresh(), facts).ask_for_rest);
  facts.received_bytes = 9;
  EXPECT_EQ(judge_end(fresh(), facts).verdict.reason, Reason::incomplete);
}

TEST(Validator, DoesNotTakeTheEndOfAPartForTheEndOfTheContent) {
  EndFacts facts = ended(Framing::length, 10);
  facts.plan.part = true;
  facts.plan.expect_bytes = 10;

  EXPECT_EQ(judge_end(fresh(), facts).verdict.outcome, Outcome::unverified);
}

TEST(Validator, SaysWhatAStatusMeans) {
  struct Case {
    int status;
    Reason reason;
    bool transient;
  };
  for (const Case& c : {Case{401, Reason::auth_required, false}, Case{402, Reason::payment, false},
                        Case{403, Reason::forbidden, false}, Case{404, Reason::not_found, false},
                        Case{407, Reason::server_error, false}, Case{408, Reason::timeout, true},
                        Case{410, Reason::not_found, false}, Case{418, Reason::forbidden, false},
                        Case{429, Reason::rate_limited, true}, Case{451, Reason::forbidden, false},
                        Case{500, Reason::server_error, true}, Case{501, Reason::server_error, false},
                        Case{511, Reason::portal_suspected, false}, Case{522, Reason::server_error, true},
                        Case{999, Reason::server_error, true}}) {
    const Verdict verdict = judge_head(fresh(), head(c.status)).verdict;
    EXPECT_EQ(verdict.reason, c.reason) << c.status;
    EXPECT_EQ(verdict.transient, c.transient) << c.status;
    EXPECT_NE(verdict.message.find("host.test"), std::string::npos);
  }
}

}  // namespace
}  // namespace restante::transfer
