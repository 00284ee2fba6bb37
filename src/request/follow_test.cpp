// SPDX-License-Identifier: Apache-2.0
#include "request/follow.hpp"

#include "request/test_place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace restante::request {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string stream(const std::string& events) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + events;
}

FollowLimits quick() {
  FollowLimits limits;
  limits.retry = std::chrono::milliseconds(1);
  limits.give_up = std::chrono::seconds(1);
  return limits;
}

TEST(Follow, GoesOnAfterTheLastEventWhenTheConnectionIsCut) {
  std::vector<std::string> requests;
  TestPlace place([&](const std::string& request) {
    requests.push_back(request);
    if (requests.size() == 1)
      return stream(
          "retry: 1\n\nid: 41\nevent: job.state\ndata: {\"job\":\"j\",\"to\":\"running\"}\n\n"
          "event: job.progress\ndata: {\"job\":\"j\",\"received_bytes\":5,\"size_bytes\":10}\n\nid: "
          "42\ndata: ha");
    return stream("id: 42\nevent: job.state\ndata: {\"job\":\"j\",\"from\":\"running\",\"to\":\"done\"}\n\n");
  });
  std::vector<std::string> seen;
  int connections = 0, cuts = 0;
  Follow what;
  what.limits = quick();
  what.job = "j";
  what.take = [&](const Update& update) {
    seen.push_back(update.type + " " + update.to + std::to_string(update.received_bytes));
    return update.to != "done";
  };
  what.connected = [&] { return ++connections > 0; };
  what.cut = [&](const Error&) { ++cuts; };

  const auto done = follow(place.calls, what);

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(seen, ElementsAre("job.state running0", "job.progress 5", "job.state done0"));
  EXPECT_EQ(connections, 2);
  EXPECT_EQ(cuts, 1);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_THAT(requests[0], HasSubstr("GET /v1/events?job=j "));
  EXPECT_THAT(requests[0], Not(HasSubstr("Last-Event-ID")));
  EXPECT_THAT(requests[1], HasSubstr("Last-Event-ID: 41\r\n"));
}

TEST(Follow, EndsAtOnceWhenThePresentStateSaysSo) {
  TestPlace place([&](const std::string&) { return stream("data: {}\n\n"); });
  int taken = 0;
  Follow what;
  what.limits = quick();
  what.take = [&](const Update&) { return ++taken > 0; };
  what.connected = [] { return false; };

  EXPECT_TRUE(follow(place.calls, what));
  EXPECT_EQ(taken, 0);
}

TEST(Follow, EndsWithTheRefusalOfThePlace) {
  TestPlace place([&](const std::string&) {
    return net::stub_answer(404, problem_header,
                            R"({"type":"/problems/not-found","detail":"no such download"})");
  });
  Follow what;
  what.limits = quick();
  what.take = [](const Update&) { return true; };
  what.connected = [] { return true; };

  const auto done = follow(place.calls, what);

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "no such download");
}

TEST(Follow, GivesUpWhenThePlaceStaysAway) {
  TestPlace place([&](const std::string&) { return std::string(); });
  Follow what;
  what.limits = quick();
  what.limits.give_up = std::chrono::seconds(0);
  what.take = [](const Update&) { return true; };
  what.connected = [] { return true; };

  const auto done = follow(place.calls, what);

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, Reason::unreachable);
}

}  // namespace
}  // namespace restante::request
