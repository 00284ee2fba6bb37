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
  asked.offset = asked.held_bytes = 50;
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

TEST(Validator, TakesTheIdentityTransferCodingForNone) {
  const auto plan = [](std::string codings) {
    return judge_head(fresh(), head(200, {{"content-length", "10"}, {"transfer-encoding", codings}})).body;
  };

  EXPECT_EQ(plan("identity").framing, Framing::length);
  EXPECT_EQ(plan("identity, chunked").framing, Framing::chunked);
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

HeaderBlock whole(std::string etag, std::string date = "Mon, 01 Jun 2026 10:00:00 GMT",
                  std::string length = "100") {
  return head(
      200,
      {{"etag", std::move(etag)}, {"last-modified", std::move(date)}, {"content-length", std::move(length)}});
}
HeaderBlock rest(std::string etag, std::string date = "Mon, 01 Jun 2026 10:00:00 GMT") {
  return head(
      206,
      {{"content-range", "bytes 50-99/100"}, {"etag", std::move(etag)}, {"last-modified", std::move(date)}});
}
Asked resuming_from_a_mirror() {
  Asked asked = resuming();
  asked.if_range = "\"1f-64-5a\"";
  asked.last_modified = "Mon, 01 Jun 2026 10:00:00 GMT";
  return asked;
}

TEST(Validator, TakesAnotherInodeOfTheSameFileForTheSame) {
  Asked asked = resuming_from_a_mirror();

  EXPECT_EQ(judge_head(asked, whole("\"2e-64-5a\"")).next, Next::again_without_validator);
  asked.without_validator = true;
  EXPECT_EQ(judge_head(asked, rest("\"2e-64-5a\"")).next, Next::body);
  EXPECT_EQ(judge_head(asked, whole("\"2e-64-5a\"")).verdict.outcome, Outcome::restart) << "asked once";
}

TEST(Validator, TakesNothingElseForTheSameWithoutAPersonsWord) {
  const Asked asked = resuming_from_a_mirror();

  for (const HeaderBlock& answer :
       {whole("\"1f-64-5b\""), whole("\"2e-64-5a\"", "Mon, 01 Jun 2026 10:00:01 GMT"),
        whole("\"2e-64-5a\"", "Mon, 01 Jun 2026 10:00:00 GMT", "101"), whole("\"other\""),
        rest("\"1f-64-5b\""), rest("\"2e-64-5a\"", "")}) {
    EXPECT_EQ(judge_head(asked, answer).verdict.outcome, Outcome::restart) << answer.first("etag");
    EXPECT_EQ(judge_head(asked, answer).verdict.reason, Reason::source_changed);
  }
}

TEST(Validator, GoesOnUnderANewLinkWhenSizeAndDateAgree) {
  Asked asked = resuming_from_a_mirror();
  asked.relinked = true;

  EXPECT_EQ(judge_head(asked, whole("\"other\"")).next, Next::again_without_validator);
  EXPECT_EQ(judge_head(asked, whole("\"other\"", "Tue, 02 Jun 2026 10:00:00 GMT")).verdict.reason,
            Reason::source_changed);
  EXPECT_EQ(judge_head(asked, rest("\"1f-64-5a\"", "")).next, Next::body) << "the same strong ETag";
  EXPECT_EQ(judge_head(asked, rest("", "")).verdict.outcome, Outcome::restart) << "no sign at all";
  asked.without_validator = true;
  EXPECT_EQ(judge_head(asked, rest("\"other\"")).next, Next::body);
}

TEST(Validator, GoesOnUnderANewLinkWhenADigestWillProveIt) {
  Asked asked = resuming_from_a_mirror();
  asked.relinked = true;
  asked.digest_given = true;

  EXPECT_EQ(judge_head(asked, whole("\"other\"", "")).next, Next::again_without_validator);
  EXPECT_EQ(judge_head(asked, whole("\"other\"", "", "101")).verdict.outcome, Outcome::restart);
  asked.without_validator = true;
  EXPECT_EQ(judge_head(asked, rest("\"other\"", "")).next, Next::body);
}

TEST(Validator, RefusesAPartWhoseTwoLengthsDiffer) {
  const HeadVerdict verdict =
      judge_head(resuming(), head(206, {{"content-range", "bytes 50-99/100"}, {"content-length", "51"}}));

  EXPECT_EQ(verdict.verdict.reason, Reason::malformed);
}

TEST(Validator, FindsThatEverythingIsHereAlready) {
  Asked asked = resuming();
  asked.offset = 96;
  asked.held_bytes = 100;

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

TEST(Validator, TakesACodingOffUnlessTheFileIsMarkedAsGzip) {
  Asked asked = fresh();
  const auto gzip = [](int status, std::string coding) {
    return head(status, {{"content-encoding", std::move(coding)},
                         {"content-type", "text/plain"},
                         {"content-length", "10"},
                         {"content-range", "bytes 0-9/20"}});
  };

  const HeadVerdict decoded = judge_head(asked, gzip(200, "gzip"));
  EXPECT_EQ(decoded.body.coding, "gzip");
  EXPECT_EQ(decoded.body.expect_bytes, 10U);
  EXPECT_FALSE(decoded.body.total_bytes) << "it counts coded bytes";
  EXPECT_EQ(judge_head(asked, gzip(200, "br")).verdict.reason, Reason::decode);
  EXPECT_EQ(judge_head(asked, gzip(206, "gzip")).verdict.reason, Reason::decode) << "M29";
  asked.names_gzip = true;
  EXPECT_EQ(judge_head(asked, gzip(200, "gzip")).body.coding, "");
  EXPECT_EQ(judge_head(asked, gzip(200, "gzip")).body.total_bytes, 10U);
}

TEST(Validator, WantsACodingToComeToItsEnd) {
  EndFacts facts = ended(Framing::length, 10);
  facts.plan.coding = "gzip";
  facts.plan.expect_bytes = 10;
  facts.decoded_bytes = 30;
  facts.coding_ended = false;

  EXPECT_EQ(judge_end(fresh(), facts).verdict.reason, Reason::incomplete);
  facts.coding_ended = true;
  EXPECT_EQ(judge_end(fresh(), facts).verdict.outcome, Outcome::complete);
  facts.plan.total_bytes = 31;
  EXPECT_EQ(judge_end(fresh(), facts).verdict.reason, Reason::incomplete);
  facts.plan.total_bytes = 29;
  EXPECT_EQ(judge_end(fresh(), facts).verdict.reason, Reason::excess);
}

TEST(Validator, KeepsWhatIsHereWhenAPageComesInsteadOfTheRest) {
  Asked asked = resuming();
  asked.file_wanted = true;
  const HeaderBlock page = head(200, {{"content-type", "text/html"}, {"content-length", "10"}});

  EXPECT_EQ(judge_head(asked, page).verdict.reason, Reason::portal_suspected);
  EXPECT_EQ(judge_head(asked, page).verdict.outcome, Outcome::failed);
  asked.file_wanted = false;
  EXPECT_EQ(judge_head(asked, page).verdict.outcome, Outcome::restart);
}

TEST(Validator, KnowsALinkThatRanOutOnTheWay) {
  const auto reason = [](const Asked& asked, int status, std::string type) {
    return judge_head(asked, head(status, {{"content-type", std::move(type)}})).verdict.reason;
  };

  EXPECT_EQ(reason(resuming(), 403, "application/xml"), Reason::auth_expired);
  EXPECT_EQ(reason(resuming(), 400, "application/xml"), Reason::auth_expired);
  EXPECT_EQ(reason(resuming(), 400, "text/plain"), Reason::forbidden);
  EXPECT_EQ(reason(fresh(), 403, "application/xml"), Reason::forbidden);
}

TEST(Validator, ComesBackForWhatIsNotReadyYet) {
  const Verdict verdict = judge_head(fresh(), head(202, {{"retry-after", "7"}})).verdict;

  EXPECT_EQ(verdict.reason, Reason::server_error);
  EXPECT_TRUE(verdict.transient);
  EXPECT_EQ(verdict.retry_after, Seconds(7));
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
                        Case{511, Reason::portal_suspected, true}, Case{522, Reason::server_error, true},
                        Case{999, Reason::server_error, true}}) {
    const Verdict verdict = judge_head(fresh(), head(c.status)).verdict;
    EXPECT_EQ(verdict.reason, c.reason) << c.status;
    EXPECT_EQ(verdict.transient, c.transient) << c.status;
    EXPECT_NE(verdict.message.find("host.test"), std::string::npos);
  }
}

}  // namespace
}  // namespace restante::transfer
