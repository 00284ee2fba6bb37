// SPDX-License-Identifier: Apache-2.0
#include "request/calls.hpp"

#include "proxy/jws.hpp"
#include "request/json.hpp"
#include "request/test_place.hpp"

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace restante::request {
namespace {

using net::stub_answer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string job_json =
    R"({"id":"0123456789abcdef0123456789abcdef","proxy":"p","name":"a.bin","state":"running","plan":"tight",)"
    R"("received_bytes":5,"size_bytes":10,"attempt":2,"created":"2026-11-22T11:00:00Z","later_member":true,)"
    R"("probe":{"name":"a.bin","size_bytes":10,"media_type":"x/y","resumable":true,"web_page":false,"http_status":200}})";

TEST(Calls, SubmitsADocumentWithTheTokenAndReadsTheJob) {
  std::string seen;
  TestPlace place([&](const std::string& request) {
    seen = request;
    return stub_answer(202, json_header, job_json);
  });

  const auto sent = place.calls.submit("{\"v\":1}");

  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_THAT(seen, StartsWith("POST /v1/proxies "));
  EXPECT_THAT(seen, HasSubstr("Authorization: Bearer token-1\r\n"));
  EXPECT_THAT(seen, HasSubstr("Content-Type: application/vnd.restante.proxy+json\r\n"));
  EXPECT_FALSE(sent->replayed);
  EXPECT_EQ(sent->job.state, "running");
  EXPECT_EQ(sent->job.size_bytes, 10u);
  EXPECT_TRUE(sent->job.look_first->resumable);
  EXPECT_THAT(sent->job.json, HasSubstr("later_member"));
}

TEST(Calls, TellsReplayedOnes) {
  TestPlace place([&](const std::string&) { return stub_answer(200, json_header, job_json); });

  EXPECT_TRUE(place.calls.submit("{}")->replayed);
}

TEST(Calls, ReadsProblemsWithReasonHintAndPointer) {
  TestPlace place([](const std::string&) {
    return stub_answer(
        422, problem_header,
        R"({"type":"/problems/scheme","title":"t","status":422,"detail":"gopher is not supported",)"
        R"("hint":"use http","pointer":"#/what/files/0"})");
  });

  const auto sent = place.calls.submit("{}");

  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().reason, Reason::scheme);
  EXPECT_EQ(sent.error().message, "gopher is not supported");
  EXPECT_EQ(sent.error().hint, "use http");
  EXPECT_EQ(sent.error().pointer, "/what/files/0");
  EXPECT_FALSE(sent.error().transient);
}

TEST(Calls, UnderstandsAnswersOfOtherServersByTheirStatus) {
  EXPECT_EQ(error_of(401, "text/html", "<html>").reason, Reason::unauthenticated);
  EXPECT_EQ(
      error_of(403, "application/problem+json", R"({"type":"/problems/brand-new","detail":"d"})").reason,
      Reason::forbidden);
  EXPECT_EQ(error_of(404, "", "").reason, Reason::not_found);
  EXPECT_EQ(error_of(412, "", "").reason, Reason::precondition);
  EXPECT_EQ(error_of(500, "application/json", "[]").reason, Reason::internal);
  EXPECT_TRUE(error_of(503, "", "").transient);
  EXPECT_THAT(error_of(302, "", "").message, HasSubstr("302"));
}

TEST(Calls, TriesAgainWhenThePlaceIsBusyForAMoment) {
  int asked = 0;
  TestPlace place([&](const std::string&) {
    return ++asked == 1 ? stub_answer(503, "Retry-After: 0\r\n", "") : stub_answer(200, json_header, "[]");
  });

  EXPECT_TRUE(place.calls.files(false));
  EXPECT_EQ(asked, 2);
}

TEST(Calls, DoesNotWaitLongForABusyPlace) {
  int asked = 0;
  TestPlace place([&](const std::string&) {
    ++asked;
    return stub_answer(503, "Retry-After: 120\r\n", "");
  });

  EXPECT_EQ(place.calls.files(false).error().reason, Reason::busy);
  EXPECT_EQ(asked, 1);
}

TEST(Calls, SendsABatchAndReadsEachVerdictInOrder) {
  std::string seen;
  TestPlace place([&](const std::string& request) {
    seen = request;
    return stub_answer(
        200, "Content-Type: application/jsonl\r\n",
        R"({"status":"accepted","job":)" + job_json + "}\n" +
            R"({"status":"refused","error":{"type":"/problems/quota","reason":"quota","message":"full"}})" +
            "\n" + R"({"status":"replayed","job":)" + job_json + "}\n");
  });

  const auto verdicts = place.calls.submit_many({"{\"a\":1}", "{}", "{}"});

  ASSERT_TRUE(verdicts) << verdicts.error().message;
  ASSERT_EQ(verdicts->size(), 3u);
  EXPECT_THAT(seen, HasSubstr("application/jsonl\r\n"));
  EXPECT_THAT(seen, ::testing::EndsWith("\r\n\r\n{\"a\":1}\n{}\n{}\n"));
  EXPECT_TRUE((*verdicts)[0].job);
  EXPECT_FALSE((*verdicts)[1].job);
  EXPECT_EQ((*verdicts)[1].error.reason, Reason::quota);
  EXPECT_TRUE((*verdicts)[2].replayed);
}

TEST(Calls, RefusesABatchAnswerWithLinesMissing) {
  TestPlace place([&](const std::string&) {
    return stub_answer(200, "", R"({"status":"accepted","job":)" + job_json + "}\n");
  });

  EXPECT_EQ(place.calls.submit_many({"{}", "{}"}).error().reason, Reason::malformed);
}

TEST(Calls, FollowsPagesOfJobs) {
  std::vector<std::string> lines;
  TestPlace place([&](const std::string& request) {
    lines.push_back(request.substr(0, request.find(" HTTP")));
    if (lines.size() == 1)
      return stub_answer(200, "Link: </v1/jobs?cursor=x&limit=1000>; rel=\"next\"\r\n",
                         R"([{"id":"a"},{"id":"b"}])");
    return stub_answer(200, "", R"([{"id":"c"}])");
  });
  std::vector<std::string> ids;

  const auto done = place.calls.jobs({"running", "held"}, [&](const Job& job) {
    ids.push_back(job.id);
    return true;
  });

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(ids, ElementsAre("a", "b", "c"));
  EXPECT_THAT(lines,
              ElementsAre("GET /v1/jobs?limit=1000&state=running,held", "GET /v1/jobs?cursor=x&limit=1000"));
}

TEST(Calls, DoNotFollowPagesToAnotherServer) {
  TestPlace place([&](const std::string&) {
    return stub_answer(200, "Link: <http://evil.example/>; rel=\"next\"\r\n", R"([{"id":"a"}])");
  });

  EXPECT_FALSE(place.calls.jobs({}, [](const Job&) { return true; }));
}

TEST(Calls, CompletesAShortIdOnlyIfItIsTheOnlyOne) {
  TestPlace place([&](const std::string&) {
    return stub_answer(
        200, "", R"([{"id":"aaaa1111aaaa1111aaaa1111aaaa1111"},{"id":"aaaa2222aaaa1111aaaa1111aaaa1111"}])");
  });

  EXPECT_EQ(place.calls.job_id("aaaa2").value(), "aaaa2222aaaa1111aaaa1111aaaa1111");
  EXPECT_EQ(place.calls.job_id("AAAA2").value(), "aaaa2222aaaa1111aaaa1111aaaa1111");
  EXPECT_EQ(place.calls.job_id("aaaa").error().reason, Reason::usage);
  EXPECT_EQ(place.calls.job_id("bbbb").error().reason, Reason::not_found);
  EXPECT_EQ(place.calls.job_id("aaa").error().reason, Reason::usage);
  EXPECT_EQ(place.calls.job_id("../x").error().reason, Reason::usage);
}

TEST(Calls, FindsAFileByItsExactNameAndEncodesIt) {
  std::string line;
  TestPlace place([&](const std::string& request) {
    line = request.substr(0, request.find(" HTTP"));
    return stub_answer(200, "", R"([{"id":"1","name":"a/b ä&.bin","size_bytes":1}])");
  });

  const auto file = place.calls.file("a/b ä&.bin");

  ASSERT_TRUE(file);
  EXPECT_EQ(line, "GET /v1/files?name=a%2Fb%20%C3%A4%26.bin");
  EXPECT_EQ(place.calls.file("b ä&.bin").error().reason, Reason::not_found);
}

TEST(Calls, AsksForAChangeWithTheVersionItSaw) {
  std::string seen;
  TestPlace place([&](const std::string& request) {
    if (request.starts_with("GET")) return stub_answer(200, "ETag: \"7\"\r\n", job_json);
    seen = request;
    return stub_answer(200, "", job_json);
  });

  const auto detail = place.calls.job("x", std::chrono::seconds(5));
  const auto changed = place.calls.change("x", detail->etag, "{}");

  ASSERT_TRUE(changed);
  EXPECT_THAT(seen, StartsWith("PATCH /v1/jobs/x "));
  EXPECT_THAT(seen, HasSubstr("If-Match: \"7\"\r\n"));
}

/// A place that proves its identity, except for what a test changes in the claim.
struct ProvingPlace {
  using Change = std::function<void(json::bj::object& claim)>;
  explicit ProvingPlace(Change with = {}) : change(std::move(with)) {}

  std::string identity_answer(const std::string& request) {
    const auto value = [&](const std::string& name) {
      const auto from = request.find(name + "=") + name.size() + 1;
      return request.substr(from, request.find_first_of("& ", from) - from);
    };
    json::bj::object claim{
        {"nonce", value("nonce")}, {"for", value("for")}, {"url", server.url("")}, {"jkt", jkt()}};
    if (change) change(claim);
    const std::string proof = proxy::sign_compact(signs, json::bj::serialize(claim), "restante-place+jws");
    return stub_answer(
        200, json_header,
        R"({"jkt":")" + jkt() + R"(","jwk":)" + key.public_key().jwk() + R"(,"proof":")" + proof + "\"}");
  }
  std::string jkt() const { return key.public_key().thumbprint(); }

  proxy::PrivateKey key = proxy::PrivateKey::generate();
  proxy::PrivateKey signs = proxy::PrivateKey::from_pem(key.pem()).value();
  Change change;
  std::string seen, body;
  net::StubServer server{[this](const std::string& request) {
    seen += request;
    if (request.starts_with("GET /.well-known/restante?")) return identity_answer(request);
    body = request.substr(request.find("\r\n\r\n") + 4);
    return stub_answer(
        201, json_header,
        R"({"device":{"id":"dev","label":"l"},"account":{"name":"ana","role":"user"},"token":"t",)"
        R"("place":{"name":"home","jkt":")" +
            jkt() + R"(","tz":"Europe/Paris"}})");
  }};
};

TEST(Enrol, ProvesTheKeyAndLearnsThePlace) {
  const auto key = proxy::PrivateKey::generate();
  ProvingPlace there;
  net::HttpClient client(net::HttpClient::Options{});
  const PairingUrl url{there.server.url(""), there.jkt(), "code-1"};

  const auto place = enrol(client, url, key, "laptop");

  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->token, "t");
  EXPECT_EQ(place->account, "ana");
  EXPECT_EQ(place->tz, "Europe/Paris");
  EXPECT_EQ(place->device_jkt, key.public_key().thumbprint());
  const auto sent = json::parse_object(there.body, "body").value();
  EXPECT_EQ(json::text(sent, "label"), "laptop");
  const auto proof = proxy::verify_compact(json::text(sent, "proof"), key.public_key(), "restante-enrol+jws");
  ASSERT_TRUE(proof);
  const auto claim = json::parse_object(proof->payload, "claim").value();
  EXPECT_EQ(json::text(claim, "code"), "code-1");
  EXPECT_EQ(json::text(claim, "jkt"), there.jkt());
}

TEST(Enrol, ShowsTheCodeToNoOtherServer) {
  const auto key = proxy::PrivateKey::generate();
  const auto refused = [&](ProvingPlace& there, const std::string& jkt) {
    net::HttpClient client(net::HttpClient::Options{});
    const auto place = enrol(client, {there.server.url(""), jkt, "code-1"}, key, "l");
    return !place && place.error().reason == Reason::tls && there.seen.find("code-1") == std::string::npos;
  };
  const auto with = [](const char* member, const char* value) {
    return ProvingPlace::Change([=](json::bj::object& claim) { claim[member] = value; });
  };

  ProvingPlace another;
  EXPECT_TRUE(refused(another, std::string(43, 'k')));
  ProvingPlace without_the_key;
  without_the_key.signs = proxy::PrivateKey::generate();
  EXPECT_TRUE(refused(without_the_key, without_the_key.jkt()));
  ProvingPlace with_an_old_answer(with("nonce", "the-nonce-of-another-day"));
  EXPECT_TRUE(refused(with_an_old_answer, with_an_old_answer.jkt()));
  ProvingPlace with_anothers_answer(with("for", "another-device"));
  EXPECT_TRUE(refused(with_anothers_answer, with_anothers_answer.jkt()));
  ProvingPlace passing_on(with("url", "http://home.example:8470"));
  EXPECT_TRUE(refused(passing_on, passing_on.jkt()));
}

}  // namespace
}  // namespace restante::request
