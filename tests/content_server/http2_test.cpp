// SPDX-License-Identifier: Apache-2.0
#include "driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Rows M68: a content server that speaks HTTP/2, and how it may go wrong (http2.py).
namespace restante::test {
namespace {

using jobs::Outcome;

constexpr std::size_t size = 100'000;

class Http2 : public testing::Test {
protected:
  static void SetUpTestSuite() {
    server_ = new ContentServer;
    worker_ = new WorkerDriver(server_->ca_file);
    always_ = new WorkerDriver(server_->ca_file, {}, "always");
  }
  static void TearDownTestSuite() {
    delete always_;
    delete worker_;
    delete server_;
  }

  static jobs::TransferOrder order_for(const std::string& url) {
    jobs::TransferOrder order;
    order.source.url = url;
    order.stall = Millis(2000);
    return order;
  }
  static Fetched fetch(const std::string& path) { return worker_->fetch(order_for(server_->http2 + path)); }
  static void expect_whole(const Fetched& got, Outcome outcome = Outcome::complete) {
    EXPECT_EQ(got.result.outcome, outcome) << got.result.message;
    EXPECT_TRUE(got.file == content(size));
  }

  static ContentServer* server_;
  static WorkerDriver *worker_, *always_;
};

ContentServer* Http2::server_ = nullptr;
WorkerDriver* Http2::worker_ = nullptr;
WorkerDriver* Http2::always_ = nullptr;

TEST_F(Http2, IsSpokenWithAServerThatSpeaksNothingElse) {
  expect_whole(fetch("/good"));
}

TEST_F(Http2, IsNotSpokenWhereHttp1IsAnswered) {
  const Fetched got = worker_->fetch(order_for(server_->both + "/good"));

  EXPECT_EQ(got.result.reason, Reason::not_found) << "a path of the HTTP/2 side alone";
}

TEST_F(Http2, IsSpokenWhereverItIsOfferedIfTheOperatorSaysSo) {
  expect_whole(always_->fetch(order_for(server_->both + "/good")));
  const Fetched one = always_->fetch(order_for(server_->https + "/m1-twin"));
  EXPECT_NE(one.result.reason, Reason::tls) << one.result.message;
}

TEST_F(Http2, IsNeverSpokenIfTheOperatorSaysSo) {
  WorkerDriver never(server_->ca_file, {}, "never");

  const Fetched got = never.fetch(order_for(server_->http2 + "/good"));

  EXPECT_EQ(got.result.reason, Reason::tls);
  EXPECT_THAT(got.result.message, testing::HasSubstr("no version of HTTP"));
}

TEST_F(Http2, GoesOnFromTheMiddle) {
  jobs::TransferOrder order = order_for(server_->http2 + "/good");
  order.if_range = "\"v1\"";

  const Fetched got = worker_->fetch(std::move(order), content(size).substr(0, 40'000));

  expect_whole(got);
}

TEST_F(Http2, AnEndWithoutALengthProvesNothing) {
  expect_whole(fetch("/no-length"), Outcome::unverified);
}

TEST_F(Http2, AnEndWithoutALengthIsProvenByADigestBehindIt) {
  expect_whole(fetch("/trailers"));
  EXPECT_EQ(fetch("/trailers-wrong").result.reason, Reason::digest_mismatch);
}

TEST_F(Http2, AStreamThatIsResetEarlyIsNotWhole) {
  const Fetched with_length = fetch("/early-reset-length"), without = fetch("/early-reset");

  EXPECT_EQ(with_length.result.outcome, Outcome::failed);
  EXPECT_EQ(with_length.result.reason, Reason::incomplete);
  EXPECT_NE(without.result.outcome, Outcome::complete) << "nothing tells it from an end";
}

TEST_F(Http2, AStreamThatIsRefusedIsAskedForAgain) {
  expect_whole(fetch("/refused"));
}

TEST_F(Http2, AServerThatGoesAwayInTheMiddleIsAskedForTheRestLater) {
  const Fetched first = fetch("/goaway");
  EXPECT_EQ(first.result.reason, Reason::incomplete) << first.result.message;
  EXPECT_TRUE(first.result.transient);
  ASSERT_GT(first.result.received_bytes, 0U);

  jobs::TransferOrder order = order_for(server_->http2 + "/goaway");
  order.if_range = "\"v1\"";
  const Fetched second = worker_->fetch(std::move(order), first.file.substr(0, first.result.received_bytes));

  expect_whole(second);
}

TEST_F(Http2, AServerThatGoesAwayWhenItIsDoneIsRight) {
  expect_whole(fetch("/goaway-graceful"));
  expect_whole(fetch("/good"));
}

TEST_F(Http2, AServerThatWantsHttp1AfterAllGetsIt) {
  const Fetched got = always_->fetch(order_for(server_->both + "/http11"));

  EXPECT_EQ(got.result.reason, Reason::not_found) << got.result.message;
}

TEST_F(Http2, LengthsThatDoNotFitAreNotWhole) {
  for (const char* path : {"/longer", "/shorter"}) {
    const Fetched got = fetch(path);
    EXPECT_EQ(got.result.outcome, Outcome::failed) << path;
    EXPECT_THAT(got.result.reason, testing::AnyOf(Reason::incomplete, Reason::malformed, Reason::excess))
        << path << " " << got.result.message;
  }
}

TEST_F(Http2, FieldsOfTheConnectionAreRefused) {
  EXPECT_EQ(fetch("/connection-field").result.outcome, Outcome::failed);
}

TEST_F(Http2, WhatNobodyAskedForHarmsNobody) {
  for (const char* path : {"/push", "/continuation", "/pings", "/many-headers"}) {
    const Fetched got = fetch(path);
    EXPECT_EQ(got.result.outcome, Outcome::failed) << path;
    expect_whole(fetch("/good"));
  }
}

TEST_F(Http2, WhatAKeptConnectionDidNotAnswerIsAskedAgain) {  // M51
  expect_whole(fetch("/good"));
  expect_whole(fetch("/first-only"));
}

TEST_F(Http2, OtherAnswersMeanTheSame) {
  EXPECT_EQ(fetch("/not-found").result.reason, Reason::not_found);
  EXPECT_EQ(fetch("/empty").result.reason, Reason::empty_result);
  EXPECT_EQ(fetch("/stall").result.reason, Reason::timeout);
  expect_whole(fetch("/interim"));
}

}  // namespace
}  // namespace restante::test
