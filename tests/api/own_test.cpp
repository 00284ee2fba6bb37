// SPDX-License-Identifier: Apache-2.0
// What a person does about the own account: stored logins, one more device, another password.
#include "base/text.hpp"
#include "jobs/records.hpp"
#include "place.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace restante::api::test {
namespace {

struct OwnTest : testing::Test {
  Answer store_login(const std::string& token, const std::string& origin = "https://files.example.org/a/b?c",
                     const std::string& secret = "correct horse") {
    const auto body =
        fmt::format(R"({{"origin":"{}","kind":"basic","user":"ana","secret":"{}"}})", origin, secret);
    return place.send("POST", "/v1/logins", token, body);
  }
  std::size_t logins_of(const std::string& token) {
    return place.send("GET", "/v1/logins", token).json().at("logins").as_array().size();
  }
  /// Of the download that was handed in: document and sealed secrets as they are stored.
  jobs::Job stored(const Answer& accepted) {
    const auto id = JobId::parse(std::string(accepted.json().at("id").as_string()));
    EXPECT_TRUE(id);
    std::function<Result<std::optional<jobs::Job>>(Tx&)> read = [id](Tx& tx) {
      return tx.repo<jobs::JobRecords>().find(*id);
    };
    auto found = place.run(place.store->read_value<std::optional<jobs::Job>>(read));
    EXPECT_TRUE(found && *found);
    return **found;
  }

  Place place;
  const std::string ana = place.connect("ana", accounts::Role::user, "correct horse");
};

TEST_F(OwnTest, AStoredLoginIsShownByItsNamesOnly) {
  const auto made = store_login(ana);

  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json().at("origin"), "https://files.example.org");
  EXPECT_EQ(made.json().at("label"), "ana");
  const auto list = place.send("GET", "/v1/logins", ana).body;
  EXPECT_EQ(list.find("horse"), std::string::npos);
  EXPECT_EQ(made.body.find("horse"), std::string::npos);
  EXPECT_EQ(logins_of(ana), 1u);
}

TEST_F(OwnTest, AnotherLoginForTheSameOriginTakesItsPlace) {
  store_login(ana);
  store_login(ana, "https://FILES.example.org", "another");

  EXPECT_EQ(logins_of(ana), 1u);
}

TEST_F(OwnTest, LoginsThatCannotBeSentAreRefusedWithTheMember) {
  const auto at = [&](const std::string& body) {
    const auto answer = place.send("POST", "/v1/logins", ana, body);
    EXPECT_EQ(answer.status, 400) << body << answer.body;
    const auto problem = answer.json();
    return problem.as_object().contains("pointer") ? std::string(problem.at("pointer").as_string()) : "";
  };

  EXPECT_EQ(at(R"({"origin":"files.example","kind":"basic","user":"a","secret":"b"})"), "/origin");
  EXPECT_EQ(at(R"({"origin":"https://a.example","kind":"basic","secret":"b"})"), "/user");
  EXPECT_EQ(at(R"({"origin":"https://a.example","kind":"ticket","secret":"b"})"), "/kind");
  EXPECT_EQ(at(R"({"origin":"https://a.example","kind":"cookie","secret":"b"})"), "/secret");
  EXPECT_EQ(at(R"({"origin":"https://a.example","kind":"header","user":"X-Key","secret":"a\r\nB: c"})"),
            "/secret");
  EXPECT_EQ(at(R"({"origin":"sftp://a.example","kind":"bearer","secret":"b"})"), "/kind");
  EXPECT_EQ(logins_of(ana), 0u);
}

TEST_F(OwnTest, AnAccountHasSoManyLoginsAtMost) {
  for (int i = 0; i < 100; ++i) store_login(ana, fmt::format("https://s{}.example", i));

  EXPECT_EQ(store_login(ana, "https://one-more.example").reason(), "too-large");
  EXPECT_EQ(store_login(ana, "https://s7.example").status, 201) << "one that is there may be changed";
  EXPECT_EQ(logins_of(ana), 100u);
}

TEST_F(OwnTest, AStoredLoginGoesWithWhatAsksItsOriginOnlyAndIsSealed) {
  const auto before = place.send("POST", "/v1/proxies", ana, place.core(1));
  store_login(ana, "http://127.0.0.1:9/login");
  store_login(ana, "https://other.example");

  const auto core = place.core(2);
  const auto accepted = place.send("POST", "/v1/proxies", ana, core);
  const auto again = place.send("POST", "/v1/proxies", ana, core);

  ASSERT_EQ(accepted.status, 202) << accepted.body;
  EXPECT_TRUE(stored(before).secrets.empty());
  const auto job = stored(accepted);
  ASSERT_FALSE(job.secrets.empty());
  EXPECT_EQ((job.document + job.secrets).find("horse"), std::string::npos);
  const auto plain = place.store->open(job.secrets, job.id.text());
  ASSERT_TRUE(plain);
  EXPECT_NE(plain->find("correct horse"), std::string::npos);
  EXPECT_NE(plain->find(R"("http://127.0.0.1:9")"), std::string::npos);
  EXPECT_EQ(plain->find("other.example"), std::string::npos);
  EXPECT_EQ(again.status, 200) << "the same request, replayed: " << again.body;
}

TEST_F(OwnTest, AStoredLoginSignsNothingThatChangesThingsAndNothingThatRepeats) {
  store_login(ana, "http://127.0.0.1:9/login");
  auto posting = boost::json::parse(place.core(4)).as_object();
  posting.at("what").at("files").at(0).at("sources").at(0).as_object()["request"] = {{"method", "POST"},
                                                                                     {"body", "all=1"}};

  auto repeating = boost::json::parse(place.core(5)).as_object();
  repeating.at("when").as_object()["repeat"] = "FREQ=DAILY";

  const auto posted = place.send("POST", "/v1/proxies", ana, boost::json::serialize(posting));
  const auto repeated = place.send("POST", "/v1/proxies", ana, boost::json::serialize(repeating));

  ASSERT_EQ(posted.status, 202) << posted.body;
  ASSERT_EQ(repeated.status, 202) << repeated.body;
  EXPECT_TRUE(stored(posted).secrets.empty());
  EXPECT_TRUE(stored(repeated).secrets.empty());
}

TEST_F(OwnTest, WhatBringsItsOwnCredentialKeepsThatOne) {
  store_login(ana, "http://127.0.0.1:9/login");

  const auto accepted = place.send(
      "POST", "/v1/proxies", ana,
      place.core(3,
                 R"(,"access":[{"id":"c1","kind":"bearer","scope":["http://127.0.0.1:9"],"token":"mine"}])"));

  const auto job = stored(accepted);
  const auto plain = place.store->open(job.secrets, job.id.text());
  ASSERT_TRUE(plain);
  EXPECT_NE(plain->find("mine"), std::string::npos);
  EXPECT_EQ(plain->find("horse"), std::string::npos);
}

TEST_F(OwnTest, LoginsOfOthersAreNeitherUsedNorSeenNorRemoved) {
  const auto ben = place.connect("ben");
  const auto made = store_login(ana, "http://127.0.0.1:9/login");

  const auto accepted = place.send("POST", "/v1/proxies", ben, place.core(4));
  const std::string path = "/v1/logins/" + std::string(made.json().at("id").as_string());
  const auto foreign = place.send("DELETE", path, ben);
  const auto unknown = place.send("DELETE", "/v1/logins/" + std::string(32, 'f'), ben);

  EXPECT_TRUE(stored(accepted).secrets.empty());
  EXPECT_EQ(logins_of(ben), 0u);
  EXPECT_EQ(foreign.status, 404);
  EXPECT_EQ(foreign.body, unknown.body);
  EXPECT_EQ(place.send("DELETE", path, ana).status, 204);
  EXPECT_EQ(logins_of(ana), 0u);
  EXPECT_TRUE(stored(place.send("POST", "/v1/proxies", ana, place.core(5))).secrets.empty());
}

TEST_F(OwnTest, OneMoreBrowserComesInOnceByAnAddressThatAPersonMade) {
  const auto made = place.send("POST", "/v1/pairings", ana, "{}");

  ASSERT_EQ(made.status, 201) << made.body;
  const std::string url(made.json().at("url").as_string());
  const auto code = url.substr(url.find("&c=") + 3);
  EXPECT_NE(url.find(fmt::format("/pair#k={}&c=", server_jkt)), std::string::npos) << url;
  const auto body = fmt::format(R"({{"code":"{}"}})", code);
  const auto in = place.send("POST", "/v1/session", "", body);
  EXPECT_EQ(in.status, 201);
  EXPECT_EQ(in.json().at("account").at("name"), "ana");
  EXPECT_EQ(place.send("POST", "/v1/session", "", body).status, 401);
}

TEST_F(OwnTest, WhereToLeaveRequestsIsToldToDevicesAndNotToAProgramThatMayOnlySubmit) {
  const auto made = place.send("POST", "/v1/tokens", ana, R"({"kind":"submit","label":"script"})");
  const std::string script(made.json().at("token").as_string());

  const auto to_device = place.send("GET", "/v1/place", ana).json().at("mailboxes").as_array();
  const auto to_script = place.send("GET", "/v1/place", script);

  ASSERT_EQ(to_device.size(), 2u);
  EXPECT_EQ(boost::json::serialize(to_device[0]), R"({"kind":"mail","address":"box@example.org"})");
  EXPECT_EQ(boost::json::serialize(to_device[1]),
            R"({"kind":"webdav","url":"https://dav.example/in/","user":"put","password":"what opens it"})");
  EXPECT_EQ(to_script.status, 200);
  EXPECT_TRUE(to_script.json().at("mailboxes").as_array().empty());
  EXPECT_EQ(place.send("GET", "/v1/place", "").status, 401);
  EXPECT_EQ(place.send("GET", "/.well-known/restante", "").body.find("dav.example"), std::string::npos);
}

TEST_F(OwnTest, AnotherPasswordEndsTheOtherBrowsersAndNotThisOne) {
  const auto sign_in = [&](const std::string& password) {
    return place.send("POST", "/v1/session", "",
                      fmt::format(R"({{"user":"ana","password":"{}"}})", password));
  };
  const std::string here(sign_in("correct horse").json().at("token").as_string());
  const std::string there(sign_in("correct horse").json().at("token").as_string());

  const auto wrong =
      place.send("POST", "/v1/session:password", here, R"({"password":"a","new_password":"battery staple"})");
  const auto too_short = place.send("POST", "/v1/session:password", here,
                                    R"({"password":"correct horse","new_password":"short"})");
  const auto done = place.send("POST", "/v1/session:password", here,
                               R"({"password":"correct horse","new_password":"battery staple"})");

  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(wrong.json().at("pointer"), "/password");
  EXPECT_EQ(too_short.json().at("pointer"), "/new_password");
  ASSERT_EQ(done.status, 204) << done.body;
  EXPECT_EQ(place.send("GET", "/v1/session", here).status, 200);
  EXPECT_EQ(place.send("GET", "/v1/session", there).status, 401);
  EXPECT_EQ(place.send("GET", "/v1/session", ana).status, 200) << "a connected device stays";
  EXPECT_EQ(sign_in("correct horse").status, 401);
  EXPECT_EQ(sign_in("battery staple").status, 201);
}

TEST_F(OwnTest, WhoGuessesThePresentPasswordHasToWait) {
  Answer last;
  for (int i = 0; i < 12; ++i)
    last = place.send("POST", "/v1/session:password", ana,
                      R"({"password":"guess","new_password":"battery staple"})");

  EXPECT_EQ(last.status, 429);
  EXPECT_TRUE(last.headers.contains("retry-after"));
}

}  // namespace
}  // namespace restante::api::test
