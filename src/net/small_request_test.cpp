// SPDX-License-Identifier: Apache-2.0
#include "net/small_request.hpp"

#include <gtest/gtest.h>

namespace restante::net {
namespace {

SmallRequest request() {
  SmallRequest out;
  out.url = "https://hooks.example/in?key=1";
  out.headers = {{"Content-Type", "application/json"}, {"Authorization", "Bearer abc"}};
  out.body = "{}";
  return out;
}

Reason refusal(const SmallRequest& request) {
  const auto checked = check(request);
  return checked ? Reason::complete_unverified : checked.error().reason;
}

TEST(SmallRequest, IsTakenWithItsUrlReadOnce) {
  const auto url = check(request());

  ASSERT_TRUE(url);
  EXPECT_EQ(url->text, "https://hooks.example/in?key=1");
  EXPECT_EQ(url->port, 443);
}

TEST(SmallRequest, AHeaderThatWouldBreakItsLineIsRefused) {
  for (const std::string& bad : {std::string("a\r\nX: b"), std::string("a\nb"), std::string("a\0b", 3),
                                 std::string("\x7f"), std::string("ä"), std::string()}) {
    auto value = request();
    value.headers.emplace_back("X-A", bad);
    EXPECT_EQ(refusal(value), Reason::malformed) << bad;
    auto name = request();
    name.headers.emplace_back("X" + bad + (bad.empty() ? ":" : ""), "v");
    EXPECT_EQ(refusal(name), Reason::malformed) << bad;
  }
}

TEST(SmallRequest, WhatWeDecideOurselvesCannotBeGiven) {
  for (const char* name : {"Host", "content-length", "Transfer-Encoding", "CONNECTION", "Expect"}) {
    auto one = request();
    one.headers.emplace_back(name, "x");
    EXPECT_EQ(refusal(one), Reason::malformed) << name;
  }
}

TEST(SmallRequest, AnAddressThatIsNoneIsRefused) {
  const std::pair<const char*, Reason> cases[] = {{"ftp://a/", Reason::scheme},
                                                  {"file:///etc/passwd", Reason::scheme},
                                                  {"https://u:p@a.example/", Reason::invalid},
                                                  {"https://a.example\r\n/", Reason::invalid},
                                                  {"hooks", Reason::invalid}};
  for (const auto& [text, reason] : cases) {
    auto one = request();
    one.url = text;
    EXPECT_EQ(refusal(one), reason) << text;
  }
}

TEST(SmallRequest, AnAtBehindThePathIsNoUser) {
  auto one = request();
  one.url = "https://a.example/@me?to=b@c";

  EXPECT_TRUE(check(one));
}

TEST(SmallRequest, HasBounds) {
  auto body = request(), headers = request(), many = request(), answer = request(), slow = request();
  body.body.assign(20001, 'x');
  headers.headers.emplace_back("X", std::string(8192, 'x'));
  for (int i = 0; i < 20; ++i) many.headers.emplace_back("X", "y");
  answer.answer_bytes = 4097;
  slow.deadline = Millis(30001);

  for (const auto* one : {&body, &headers, &many, &answer}) EXPECT_EQ(refusal(*one), Reason::too_large);
  EXPECT_EQ(refusal(slow), Reason::malformed);
}

}  // namespace
}  // namespace restante::net
