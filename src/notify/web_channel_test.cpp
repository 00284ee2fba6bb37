// SPDX-License-Identifier: Apache-2.0
#include "notify/web_channel.hpp"

#include "base/text.hpp"
#include "notify/signing.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>

namespace restante::notify {
namespace {

namespace json = boost::json;
using Outcome = Delivery::Outcome;

struct Asked final : Requests {
  std::vector<net::SmallRequest> requests;
  net::Lan lan = net::Lan::refused;
  Result<net::SmallAnswer> answer = net::SmallAnswer{200, {}, {}};
  Task<Result<net::SmallAnswer>> request(AccountId, net::Lan l, net::SmallRequest one) override {
    lan = l;
    requests.push_back(std::move(one));
    co_return answer;
  }
  void forget(AccountId) override {}
};

struct Rules final : jobs::AccountRules {
  bool may_use_lan(AccountId account) const override { return account.value == 7; }
};

class WebChannels : public testing::Test {
protected:
  Delivery send(Channel& channel, Contact contact) {
    asio::io_context loop;
    std::optional<Delivery> out;
    auto body = [](Channel& c, Contact to, Message m, std::optional<Delivery>& o) -> Task<> {
      o.emplace(co_await c.send(std::move(to), std::move(m)));
    };
    asio::co_spawn(loop, body(channel, std::move(contact), message_, out), asio::detached);
    loop.run();
    return out.value();
  }
  Contact webhook() const {
    Contact out;
    out.account = AccountId{1};
    out.kind = Kind::webhook;
    out.address = "https://hooks.example/in?key=1";
    EXPECT_TRUE(webhook_.check(out));
    return out;
  }
  Contact topic(const std::string& token = {}) const {
    Contact out;
    out.account = AccountId{1};
    out.kind = Kind::ntfy;
    out.address = "https://ntfy.example/my_topic";
    out.secret = token;
    EXPECT_TRUE(ntfy_.check(out));
    return out;
  }
  Outcome outcome_of(Channel& channel, const Contact& contact, int status) {
    asked_.answer = net::SmallAnswer{status, {}, {}};
    return send(channel, contact).outcome;
  }
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : asked_.requests.back().headers)
      if (key == name) return value;
    return {};
  }
  json::object body() const { return json::parse(asked_.requests.back().body).as_object(); }

  WebChannels() {
    message_.id = *NoticeId::parse("00112233445566778899aabbccddeeff");
    message_.event = Event::job_done;
    message_.at = Instant(Seconds(1700000000));
    message_.title = "Restante: a download is here";
    message_.text = "\"a.bin\" is here (1.2 MiB).";
    message_.files = {{"a\r\nb\x1b[2J.bin", 5, "https://place.example/d/tok", ""}};
    message_.url = "https://place.example/d/tok";
    message_.data = R"({"job":"j1","files":[{"name":"a.bin"}]})";
  }

  ManualClock clock_{Instant(Seconds(1700000100))};
  Asked asked_;
  Rules rules_;
  WebhookChannel webhook_{asked_, rules_, clock_, {}};
  NtfyChannel ntfy_{asked_, rules_, clock_, {}};
  Message message_;
};

TEST_F(WebChannels, AWebhookIsSignedAndSaysWhatHappened) {
  const Contact contact = webhook();

  EXPECT_EQ(send(webhook_, contact).outcome, Outcome::sent);

  const auto& request = asked_.requests.at(0);
  EXPECT_EQ(request.method + " " + request.url, "POST https://hooks.example/in?key=1");
  EXPECT_EQ(request.deadline, Millis(20000));
  EXPECT_EQ(header("webhook-id"), "00112233445566778899aabbccddeeff");
  EXPECT_EQ(header("webhook-timestamp"), "1700000100");
  EXPECT_EQ(header("webhook-signature"),
            sign_webhook(contact.secret, message_.id.text(), 1700000100, request.body, clock_.now()).value());
  EXPECT_EQ(body().at("type").as_string(), "job.done");
  EXPECT_EQ(body().at("timestamp").as_string(), "2023-11-14T22:13:20Z");
  EXPECT_EQ(body().at("data").as_object().at("job").as_string(), "j1");
  EXPECT_EQ(body().at("data").as_object().at("url").as_string(), "https://place.example/d/tok");
}

TEST_F(WebChannels, ARepetitionHasTheSameIdAndBodyAndANewTime) {
  const Contact contact = webhook();
  send(webhook_, contact);
  clock_.advance(Seconds(300));
  send(webhook_, contact);

  EXPECT_EQ(asked_.requests[0].body, asked_.requests[1].body);
  EXPECT_EQ(asked_.requests[0].headers[1], asked_.requests[1].headers[1]);
  EXPECT_EQ(header("webhook-timestamp"), "1700000400");
}

TEST_F(WebChannels, WhatAWebhooksAnswerMeans) {
  const Contact contact = webhook();
  for (int status : {200, 201, 202, 204, 299})
    EXPECT_EQ(outcome_of(webhook_, contact, status), Outcome::sent);
  for (int status : {300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 413, 429, 500, 503})
    EXPECT_EQ(outcome_of(webhook_, contact, status), Outcome::later) << status;
  EXPECT_EQ(outcome_of(webhook_, contact, 410), Outcome::gone);
}

TEST_F(WebChannels, WhatATopicsAnswerMeans) {
  const Contact contact = topic();
  for (int status : {400, 401, 403, 404, 413})
    EXPECT_EQ(outcome_of(ntfy_, contact, status), Outcome::refused) << status;
  for (int status : {302, 429, 500, 507})
    EXPECT_EQ(outcome_of(ntfy_, contact, status), Outcome::later) << status;
  EXPECT_EQ(outcome_of(ntfy_, contact, 410), Outcome::gone);
}

TEST_F(WebChannels, RetryAfterIsHandedOnWithinADay) {
  asked_.answer = net::SmallAnswer{503, Seconds(90), {}};
  EXPECT_EQ(send(webhook_, webhook()).retry_after, Seconds(90));
  asked_.answer = net::SmallAnswer{429, Seconds(10 * 86400), {}};
  EXPECT_EQ(send(webhook_, webhook()).retry_after, Seconds(86400));
}

TEST_F(WebChannels, AFailureIsToldWithoutTheAddress) {
  const std::pair<Reason, Outcome> cases[] = {
      {Reason::address, Outcome::refused}, {Reason::scheme, Outcome::refused},
      {Reason::tls, Outcome::later},       {Reason::dns, Outcome::later},
      {Reason::timeout, Outcome::later},   {Reason::busy, Outcome::later},
      {Reason::malformed, Outcome::later}, {Reason::worker_died, Outcome::later}};
  for (const auto& [reason, outcome] : cases) {
    asked_.answer = fail(reason, "hooks.example did something");
    const Delivery delivery = send(webhook_, webhook());
    EXPECT_EQ(delivery.outcome, outcome) << code(reason);
    EXPECT_FALSE(delivery.message.empty());
    EXPECT_EQ(delivery.message.find("example"), std::string::npos) << delivery.message;
  }
}

TEST_F(WebChannels, OnlyAnAccountThatMayReachesTheLocalNetwork) {
  Contact contact = webhook();
  send(webhook_, contact);
  EXPECT_EQ(asked_.lan, net::Lan::refused);
  contact.account = AccountId{7};
  send(webhook_, contact);
  EXPECT_EQ(asked_.lan, net::Lan::allowed);
}

TEST_F(WebChannels, ATopicIsToldInTheBodySoThatNoNameIsAHeader) {
  message_.title = "a\r\nX-Evil: 1";

  EXPECT_EQ(send(ntfy_, topic("tk_abc")).outcome, Outcome::sent);

  EXPECT_EQ(asked_.requests.at(0).url, "https://ntfy.example/");
  EXPECT_EQ(header("Authorization"), "Bearer tk_abc");
  EXPECT_EQ(body().at("topic").as_string(), "my_topic");
  EXPECT_EQ(body().at("title").as_string(), "a\r\nX-Evil: 1");
  EXPECT_EQ(body().at("click").as_string(), "https://place.example/d/tok");
  EXPECT_EQ(body().at("message").as_string().find('\x1b'), json::string::npos);
  for (const auto& [name, value] : asked_.requests[0].headers)
    EXPECT_TRUE(std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; })) << name;
}

TEST_F(WebChannels, AConfirmationHasItsNumber) {
  message_.event = Event::contact_confirm;
  message_.code = "314159";

  send(ntfy_, topic());

  EXPECT_NE(body().at("message").as_string().find("314159"), json::string::npos);
}

TEST_F(WebChannels, WhatIsTooLongIsCut) {
  json::array files;
  for (int i = 0; i < 100; ++i) files.push_back(json::object{{"name", std::string(500, 'x')}});
  message_.data = json::serialize(json::object{{"job", "j1"}, {"files", files}});
  for (int i = 0; i < 100; ++i) message_.others.push_back(std::string(200, 'y'));

  const std::string hook = webhook_body(message_, 19000), note = ntfy_body("t", message_, 3000);

  EXPECT_LE(hook.size(), 19000u);
  EXPECT_GT(json::parse(hook).at("data").at("files").as_array().size(), 10u);
  EXPECT_LE(json::parse(note).at("message").as_string().size(), 3000u);
}

TEST_F(WebChannels, AddressesThatAreNoneAreRefused) {
  for (const char* bad : {"ftp://a.example/", "https://u:p@a.example/", "https://a.example\r\nX: y/",
                          "mailto:a@b", "https://", "javascript:1", "//a.example/x"}) {
    Contact contact;
    contact.address = bad;
    EXPECT_FALSE(webhook_.check(contact)) << bad;
    EXPECT_FALSE(ntfy_.check(contact)) << bad;
  }
  for (const char* bad : {"https://a.example", "https://a.example/a/b", "https://a.example/a?auth=x",
                          "https://a.example/%0d%0a", "https://a.example/a%20b"}) {
    Contact contact;
    contact.address = bad;
    EXPECT_FALSE(ntfy_.check(contact)) << bad;
  }
  for (const char* bad : {"two words", "line\nbreak", "caf\xc3\xa9"}) {
    Contact contact = topic();
    contact.secret = bad;
    EXPECT_FALSE(ntfy_.check(contact)) << bad;
  }
}

TEST_F(WebChannels, AWebhooksSecretIsMadeHere) {
  EXPECT_TRUE(webhook().secret.starts_with("whsec_"));
  Contact weak;
  weak.address = "https://a.example/";
  weak.secret = "whsec_AAAA";
  EXPECT_FALSE(webhook_.check(weak));
}

}  // namespace
}  // namespace restante::notify
