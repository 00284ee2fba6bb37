// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace restante::api::test {
namespace {

TEST(Door, NothingButOpenRoutesIsAnsweredWithoutAToken) {
  Place place;

  for (const char* path : {"/healthz", "/.well-known/restante", "/v1/openapi.json"})
    EXPECT_EQ(place.send("GET", path).status, 200) << path;
  for (const char* path : {"/v1/jobs", "/v1/files", "/v1/events", "/v1/devices", "/v1/session", "/nothing"}) {
    const auto answer = place.send("GET", path);
    EXPECT_EQ(answer.status, 401) << path;
    EXPECT_EQ(answer.headers.at("www-authenticate"), "Bearer");
  }
}

TEST(Door, BeforeSetUpNobodySignsIn) {
  Place place;

  const auto answer = place.send("POST", "/v1/session", "", R"({"user":"admin","password":"admin admin"})");

  EXPECT_EQ(answer.status, 401);
}

TEST(Door, ForeignNamesAreMisdirectedAndToldWhichLineToAdd) {
  Place place;
  auto request = place.request("GET", "/healthz");
  request.headers[0].second = "evil.example:8470";

  const auto answer = place.send(request);

  EXPECT_EQ(answer.status, 421);
  EXPECT_NE(answer.body.find("[listen] hosts = [\\\"evil.example\\\"]"), std::string::npos) << answer.body;
}

TEST(Door, APageOfAnotherSiteChangesNothing) {
  Place place;
  const auto token = place.connect("ana");
  for (const char* origin :
       {"http://evil.example", "null", "https://127.0.0.1:8470.evil.example", "http://127.0.0.1"}) {
    auto request = place.request("POST", "/v1/proxies", token, place.core(1));
    request.headers.emplace_back("Origin", origin);
    EXPECT_EQ(place.send(request).status, 403) << origin;
  }
  auto own = place.request("POST", "/v1/proxies", token, place.core(1));
  own.headers.emplace_back("Origin", "http://127.0.0.1:8470");

  EXPECT_EQ(place.send(own).status, 202);
}

TEST(Door, ManyBytesAreTakenOnlyFromThoseWhoAreKnown) {
  ApiLimits limits;
  Place place;
  const auto token = place.connect("ana");
  const auto limit = [&](const std::string& with, const char* type) {
    return place.api->body_limit(place.request("POST", "/v1/proxies", with, "x", type));
  };

  EXPECT_EQ(limit("", "application/jsonl"), limits.small_body_bytes);
  EXPECT_EQ(limit(token, "application/json"), limits.document_bytes);
  EXPECT_EQ(limit(token, "application/jsonl; charset=utf-8"), limits.batch_bytes);
  EXPECT_EQ(place.api->body_limit(place.request("GET", "/v1/jobs", token)), limits.small_body_bytes);
}

TEST(Door, SecretsDoNotTravelInTheClear) {
  Place place;
  const auto token = place.connect("ana");
  const std::string access =
      R"(,"access":[{"id":"c","kind":"basic","scope":["http://127.0.0.1:9"],"user":"u","password":"p"}])";
  const auto from_afar = [&](http::Request request, bool tls) {
    request.peer.both_loopback = false;
    request.peer.tls = tls;
    return place.send(std::move(request));
  };

  const auto clear = from_afar(place.request("POST", "/v1/proxies", token, place.core(1, access)), false);
  const auto harmless = from_afar(place.request("POST", "/v1/proxies", token, place.core(2)), false);
  const auto secure = from_afar(place.request("POST", "/v1/proxies", token, place.core(3, access)), true);
  const auto password = from_afar(
      place.request("POST", "/v1/session", "", R"({"user":"ana","password":"correct horse"})"), false);

  EXPECT_EQ(clear.status, 403);
  EXPECT_EQ(clear.reason(), "insecure");
  EXPECT_EQ(harmless.status, 202);
  EXPECT_EQ(secure.status, 202);
  EXPECT_EQ(password.reason(), "insecure");
}

TEST(Door, AClosedPlaceSaysThatItStops) {
  Place place;
  place.api->close();

  const auto answer = place.send("GET", "/healthz");

  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.at("retry-after"), "1");
}

TEST(Proxies, AreAcceptedOnceAndReplayedAfterwards) {
  Place place;
  const auto token = place.connect("ana");

  const auto first = place.send("POST", "/v1/proxies", token, place.core(1));
  const auto again = place.send("POST", "/v1/proxies", token, place.core(1));
  const auto other = place.send("POST", "/v1/proxies", token, place.core(1, R"(,"keep":"P1D")"));

  ASSERT_EQ(first.status, 202) << first.body;
  EXPECT_EQ(first.headers.at("location"), "/v1/jobs/" + std::string(first.json().at("id").as_string()));
  EXPECT_EQ(first.json().at("state"), "scheduled");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.json().at("id"), first.json().at("id"));
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(place.send("GET", "/v1/proxies/00000000-0000-4000-8000-000000000001", token).status, 200);
}

TEST(Proxies, AreRefusedWithAPointerWhenTheyAreForOthers) {
  Place place;
  const auto token = place.connect("ana");
  const auto refused = [&](std::string body, int status = 400) {
    const auto answer = place.send("POST", "/v1/proxies", token, std::move(body));
    EXPECT_EQ(answer.status, status) << answer.body;
    return std::string(answer.json().at("pointer").as_string());
  };
  std::string elsewhere = place.core(1);
  elsewhere.replace(elsewhere.find(server_jkt), 43, std::string(43, 'A'));

  EXPECT_EQ(refused(elsewhere, 422), "/aud") << "another place's";
  EXPECT_EQ(refused(place.core(1, R"(,"iss":{"jkt":")" + std::string(43, 'A') + "\"}")), "/iss/jkt");
  EXPECT_EQ(refused(place.core(1, R"(,"iss":{"account":"ben"})")), "/iss/account");
  EXPECT_EQ(place.send("POST", "/v1/proxies", token, place.core(1), "text/plain").status, 415);
}

TEST(Proxies, SubmittingTooOftenIsSlowedDown) {
  ApiLimits limits;
  limits.submit_per_minute = 2;
  Place place(limits);
  const auto token = place.connect("ana");
  const auto first = place.send("POST", "/v1/proxies", token, place.core(1));
  place.send("POST", "/v1/proxies", token, place.core(2));

  const auto third = place.send("POST", "/v1/proxies", token, place.core(3));

  EXPECT_EQ(first.headers.at("ratelimit-policy"), "\"submit\";q=2;w=60");
  EXPECT_TRUE(first.headers.at("ratelimit").starts_with("\"submit\";r=1;"));
  EXPECT_EQ(third.status, 429);
  EXPECT_GE(std::stoi(third.headers.at("retry-after")), 1);
}

TEST(Batch, AnswersEachLineInOrderAndCountsOnce) {
  ApiLimits limits;
  limits.submit_per_minute = 1;
  limits.batch_step = 2;
  Place place(limits);
  const auto token = place.connect("ana");
  const std::string lines = place.core(1) + "\n{broken\n\r\n" + place.core(2) + "\r\n" + place.core(1) +
                            "\n" + place.core(3, R"(,"iss":{"account":"ben"})") + "\n" + place.core(4);

  const auto answer = place.send("POST", "/v1/proxies", token, lines, "application/jsonl");

  ASSERT_EQ(answer.status, 200) << answer.body;
  std::vector<std::string> statuses;
  std::string_view rest = answer.body;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = boost::json::parse(rest.substr(0, end));
    statuses.emplace_back(line.at("status").as_string());
    if (statuses.back() == "refused")
      statuses.back() += " " + std::string(line.at("error").at("reason").as_string());
    rest.remove_prefix(end + 1);
  }
  EXPECT_EQ(statuses, (std::vector<std::string>{"accepted", "refused malformed", "accepted", "replayed",
                                                "refused invalid", "accepted"}));
}

TEST(Jobs, AreListedPageByPageNewestFirst) {
  Place place;
  const auto token = place.connect("ana");
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(place.submit(token, i));
  std::vector<std::string> seen;

  std::string path = "/v1/jobs?limit=2&state=scheduled,waiting";
  while (!path.empty()) {
    const auto page = place.send("GET", path, token);
    ASSERT_EQ(page.status, 200) << page.body;
    const auto listed = page.json();
    for (const auto& job : listed.as_array()) seen.emplace_back(job.at("id").as_string());
    const auto link = page.headers.find("link");
    path = link == page.headers.end() ? "" : link->second.substr(1, link->second.find('>') - 1);
  }

  EXPECT_EQ(seen, std::vector<std::string>(ids.rbegin(), ids.rend()));
  EXPECT_EQ(place.send("GET", "/v1/jobs?state=done", token).body, "[]");
  EXPECT_EQ(place.send("GET", "/v1/jobs?state=nonsense", token).status, 400);
  EXPECT_EQ(place.send("GET", "/v1/jobs?limit=1001", token).status, 400);
}

TEST(Jobs, AreChangedOnlyAtTheVersionThatWasSeen) {
  Place place;
  const auto token = place.connect("ana");
  const auto path = "/v1/jobs/" + place.submit(token, 1);
  const auto change = [&](const char* if_match) {
    auto request =
        place.request("PATCH", path, token, R"({"name":"new.bin"})", "application/merge-patch+json");
    if (if_match != nullptr) request.headers.emplace_back("If-Match", if_match);
    return place.send(request);
  };

  EXPECT_EQ(change(nullptr).status, 428);
  EXPECT_EQ(change("\"7\"").status, 412);
  EXPECT_EQ(change("*x").status, 412);
  const auto done = change("\"1\"");
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.json().at("name"), "new.bin");
  EXPECT_EQ(done.headers.at("etag"), "\"2\"");
}

TEST(Jobs, AnswerToActionsAndSayWhatTheyCannot) {
  Place place;
  const auto token = place.connect("ana");
  const auto path = "/v1/jobs/" + place.submit(token, 1);

  EXPECT_EQ(place.send("POST", path + ":pause", token).json().at("state"), "paused");
  EXPECT_EQ(place.send("POST", path + ":pause", token).status, 409);
  EXPECT_EQ(place.send("POST", path + ":approve", token).status, 409);
  EXPECT_EQ(place.send("POST", path + ":resume", token).json().at("state"), "scheduled");
  EXPECT_EQ(place.send("POST", path + ":cancel", token).json().at("state"), "cancelled");
  EXPECT_EQ(place.send("DELETE", path, token).status, 204);
  EXPECT_EQ(place.send("GET", path, token).status, 404);
}

TEST(Jobs, ShowTheirHistoryAndWhy) {
  Place place;
  const auto token = place.connect("ana");
  const auto path = "/v1/jobs/" + place.submit(token, 1);
  place.send("POST", path + ":pause", token);

  const auto job = place.send("GET", path, token).json();

  const auto& history = job.at("history").as_array();
  ASSERT_EQ(history.size(), 2u);
  EXPECT_FALSE(history[0].as_object().contains("from"));
  EXPECT_EQ(history[1].at("to"), "paused");
  EXPECT_FALSE(job.at("why").as_string().empty());
  EXPECT_EQ(job.at("files").as_array().size(), 1u);
}

TEST(Files, AreServedWithRangesAndRenamedAndRemoved) {
  Place place;
  const auto token = place.connect("ana");
  const auto path = "/v1/files/" + place.publish("ana", "x.bin", "0123456789");
  auto part = place.request("GET", path, token);
  part.headers.emplace_back("Range", "bytes=2-4");

  EXPECT_EQ(place.send("GET", path, token).body, "0123456789");
  const auto answer = place.send(part);
  EXPECT_EQ(answer.status, 206);
  EXPECT_EQ(answer.body, "234");
  EXPECT_EQ(place.send("PATCH", path, token, R"({"name":"sub/y.bin"})").json().at("name"), "sub/y.bin");
  EXPECT_EQ(place.send("PATCH", path, token, R"({"name":""})").status, 400);
  EXPECT_EQ(place.send("GET", "/v1/files?name=sub/y.bin", token).json().as_array().size(), 1u);
  EXPECT_EQ(place.send("GET", "/v1/files?name=x.bin", token).body, "[]");
  EXPECT_EQ(place.send("DELETE", path, token).status, 204);
  EXPECT_EQ(place.send("GET", path, token).status, 404);
}

TEST(Events, TellWhatHappensToOnesOwnJobsOnly) {
  Place place;
  const auto anas = place.connect("ana"), bens = place.connect("ben");
  auto stream = place.begin(place.request("GET", "/v1/events", anas));
  ASSERT_EQ(place.next_piece(stream), "retry: 3000\n\n");

  place.submit(bens, 1);
  const auto mine = place.submit(anas, 2);
  const auto piece = place.next_piece(stream);

  ASSERT_TRUE(piece);
  EXPECT_NE(piece->find("event: job.state\n"), std::string::npos);
  EXPECT_NE(piece->find(mine), std::string::npos);
}

TEST(Events, ResumeAfterTheLastOneSeen) {
  Place place;
  const auto token = place.connect("ana");
  const auto job = place.submit(token, 1);
  place.send("POST", "/v1/jobs/" + job + ":pause", token);
  auto again = place.request("GET", "/v1/events", token);
  again.headers.emplace_back("Last-Event-ID", "0");

  auto stream = place.begin(again);
  place.next_piece(stream);
  const auto piece = place.next_piece(stream);

  ASSERT_TRUE(piece);
  EXPECT_NE(piece->find("\"to\":\"paused\""), std::string::npos) << *piece;
}

TEST(Events, EndForADeviceThatIsRevoked) {
  ApiLimits limits;
  limits.heartbeat = Millis{10};
  Place place(limits);
  const auto token = place.connect("ana");
  auto stream = place.begin(place.request("GET", "/v1/events", token));
  place.next_piece(stream);
  ASSERT_EQ(place.next_piece(stream), ": \n\n");

  const auto devices = place.send("GET", "/v1/devices", token).json();
  const std::string id(devices.at("devices").at(0).at("id").as_string());
  ASSERT_EQ(place.send("DELETE", "/v1/devices/" + id, token).status, 204);

  EXPECT_EQ(place.next_piece(stream), std::nullopt);
}

TEST(Sessions, AreOpenedByPasswordAndEndedBySigningOut) {
  Place place;
  accounts::NewUser user;
  user.name = "ana";
  user.password = "correct horse";
  ASSERT_TRUE(place.run(place.accounts->add_user(user)));
  const auto opened = place.send("POST", "/v1/session", "", R"({"user":"ana","password":"correct horse"})");
  ASSERT_EQ(opened.status, 201) << opened.body;
  const std::string token(opened.json().at("token").as_string());

  EXPECT_EQ(place.send("GET", "/v1/session", token).json().at("account").at("name"), "ana");
  EXPECT_EQ(place.send("DELETE", "/v1/session", token).status, 204);
  EXPECT_EQ(place.send("GET", "/v1/session", token).status, 401);
}

TEST(Sessions, ADeviceIsNotSignedOut) {
  Place place;
  const auto token = place.connect("ana");

  EXPECT_EQ(place.send("DELETE", "/v1/session", token).status, 409);
  EXPECT_EQ(place.send("GET", "/v1/session", token).status, 200);
}

}  // namespace
}  // namespace restante::api::test
