// SPDX-License-Identifier: Apache-2.0
#include "driver.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

// What the worker does beside judging: credentials, names, looking first, stopping, many at once.
namespace restante::test {
namespace {

using jobs::Outcome;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

class Worker : public testing::Test {
protected:
  static void SetUpTestSuite() {
    server_ = new ContentServer;
    worker_ = new WorkerDriver(server_->ca_file);
  }
  static void TearDownTestSuite() {
    delete worker_;
    delete server_;
  }
  void SetUp() override { ask("/_clear"); }

  static jobs::TransferOrder order_for(const std::string& url) {
    jobs::TransferOrder order;
    order.source.url = url;
    order.stall = Millis(10000);
    return order;
  }
  static Fetched fetch(const std::string& url) { return worker_->fetch(order_for(url)); }
  static std::string ask(const std::string& path) {
    return worker_->fetch(order_for(server_->http + path)).file;
  }

  struct Seen {
    std::string origin, method, path;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string get(const std::string& name) const {
      for (const auto& [key, value] : headers) {
        if (key == name) return value;
      }
      return "(none)";
    }
  };
  /// What the content server was asked since the test began.
  static std::vector<Seen> seen() {
    std::vector<Seen> all;
    const boost::json::value said = boost::json::parse(ask("/_requests"));
    for (const auto& one : said.at("requests").as_array()) {
      Seen request;
      request.origin =
          std::string(one.at("scheme").as_string()) + ":" + std::to_string(one.at("port").as_int64());
      request.method = one.at("method").as_string();
      request.path = one.at("path").as_string();
      for (const auto& pair : one.at("headers").as_array()) {
        request.headers.emplace_back(pair.at(0).as_string(), pair.at(1).as_string());
      }
      all.push_back(std::move(request));
    }
    return all;
  }
  static std::int64_t connections() {
    return boost::json::parse(ask("/_requests")).at("connections").as_int64();
  }

  static proxy::Credential basic(const std::string& origin) {
    proxy::Credential credential;
    credential.kind = proxy::CredentialKind::basic;
    credential.scope = {origin};
    credential.user = "user";
    credential.password = "pass";
    return credential;
  }

  static ContentServer* server_;
  static WorkerDriver* worker_;
};

ContentServer* Worker::server_ = nullptr;
WorkerDriver* Worker::worker_ = nullptr;

TEST_F(Worker, SaysWhichLocksAreOn) {
  EXPECT_THAT(worker_->locks(), testing::AnyOf(ElementsAre("none: sanitizer build"), Contains("seccomp")));
}

TEST_F(Worker, SendsBasicCredentialsToTheirOrigin) {
  jobs::TransferOrder order = order_for(server_->http + "/auth");
  order.credentials = {basic(server_->http)};

  const Fetched got = worker_->fetch(std::move(order));

  EXPECT_EQ(got.result.outcome, Outcome::complete) << got.result.message;
}

TEST_F(Worker, AsksOnceWithWrongCredentialsAndSaysThatTheyAreNoLongerValid) {
  jobs::TransferOrder order = order_for(server_->http + "/auth");
  order.credentials = {basic(server_->http)};
  order.credentials[0].password = "wrong";

  const Fetched got = worker_->fetch(std::move(order));

  EXPECT_EQ(got.result.reason, Reason::auth_expired);
  EXPECT_EQ(seen().size(), 1U);
}

TEST_F(Worker, LeavesEverySecretBehindWhenItIsSentToAnotherOrigin) {
  jobs::TransferOrder order = order_for(server_->http + "/redirect?to=OTHER/ok");
  proxy::Credential cookies;
  cookies.kind = proxy::CredentialKind::cookies;
  cookies.scope = {server_->http};
  proxy::Cookie cookie;
  cookie.name = "session";
  cookie.value = "K4N4RY";
  cookie.host = "127.0.0.1";  // the same host, another port: another origin
  cookies.cookies = {cookie};
  proxy::Credential fields;
  fields.kind = proxy::CredentialKind::headers;
  fields.scope = {server_->http};
  fields.headers = {{"X-Api-Key", "K4N4RY"}};
  order.credentials = {basic(server_->http), cookies, fields};
  order.source.request.headers = {
      {"Referer", server_->http + "/private?K4N4RY"}, {"X-Own", "K4N4RY"}, {"Accept", "a/b"}};

  const Fetched got = worker_->fetch(std::move(order));

  EXPECT_EQ(got.result.outcome, Outcome::complete) << got.result.message;
  const auto requests = seen();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].get("Cookie"), "session=K4N4RY");
  EXPECT_EQ(requests[0].get("X-Api-Key"), "K4N4RY");
  EXPECT_EQ(requests[0].get("X-Own"), "K4N4RY");
  EXPECT_THAT(requests[0].get("Authorization"), HasSubstr("Basic"));
  for (const auto& [name, value] : requests[1].headers) EXPECT_THAT(value, Not(HasSubstr("K4N4RY"))) << name;
  EXPECT_EQ(requests[1].get("Authorization"), "(none)");
  EXPECT_EQ(requests[1].get("Referer"), server_->http + "/");
  EXPECT_EQ(requests[1].get("Accept"), "a/b");
}

TEST_F(Worker, SendsACredentialToTheRedirectTargetWhenItsScopeSaysSo) {
  jobs::TransferOrder order = order_for(server_->http + "/redirect?to=OTHER/auth");
  order.credentials = {basic(server_->http)};
  order.credentials[0].scope.push_back(server_->other);

  EXPECT_EQ(worker_->fetch(std::move(order)).result.outcome, Outcome::complete);
}

TEST_F(Worker, AsksForPlainBytesAndNamesItself) {
  fetch(server_->http + "/ok");

  const auto requests = seen();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].get("Accept-Encoding"), "identity");
  EXPECT_THAT(requests[0].get("User-Agent"), HasSubstr("Restante/"));
  EXPECT_EQ(requests[0].get("Range"), "(none)");
}

TEST_F(Worker, GoesOnOnlyIfTheContentIsTheSame) {
  jobs::TransferOrder order = order_for(server_->http + "/ok");
  order.if_range = "\"v1\"";

  worker_->fetch(std::move(order), content(content_bytes).substr(0, 5000));

  const auto requests = seen();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].get("Range"), "bytes=904-") << "the last 4 KiB once more";
  EXPECT_EQ(requests[0].get("If-Range"), "\"v1\"");
}

TEST_F(Worker, RefusesHeaderFieldsThatWouldBeTwo) {
  jobs::TransferOrder order = order_for(server_->http + "/ok");
  order.source.request.headers = {{"X-One", "a\r\nX-Two: b"}};

  const Fetched got = worker_->fetch(std::move(order));

  EXPECT_EQ(got.result.reason, Reason::invalid);
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(Worker, SendsABodyAndTurnsPostIntoGetWhenTheServerSaysSeeOther) {
  jobs::TransferOrder order = order_for(server_->http + "/redirect?code=303&to=/ok");
  order.source.request.method = "POST";
  order.source.request.body = "a=b";

  const Fetched got = worker_->fetch(std::move(order));

  EXPECT_EQ(got.result.outcome, Outcome::complete) << got.result.message;
  const auto requests = seen();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].method + requests[0].get("Content-Length"), "POST3");
  EXPECT_EQ(requests[1].method, "GET");
}

TEST_F(Worker, KeepsMethodAndBodyOnTemporaryRedirectInsideTheOrigin) {
  jobs::TransferOrder order = order_for(server_->http + "/redirect?code=307&to=/ok");
  order.source.request.method = "POST";
  order.source.request.body = "a=b";

  worker_->fetch(std::move(order));

  const auto requests = seen();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[1].method + requests[1].get("Content-Length"), "POST3");
}

TEST_F(Worker, ReadsRetryAfterInSecondsDatesAndNonsense) {
  const auto after = [](const std::string& query) {
    return fetch(server_->http + "/status/503?" + query).result.retry_after;
  };

  EXPECT_EQ(after("after=120"), Seconds(120));
  EXPECT_EQ(after("after=999999999999999999999"), Seconds(86400));
  EXPECT_EQ(after("date=-100"), Seconds(0));
  EXPECT_EQ(after("date=400000000"), Seconds(86400));
  EXPECT_EQ(after("after=soon"), std::nullopt);
  const auto date = after("date=600");
  ASSERT_TRUE(date);
  EXPECT_GE(*date, Seconds(590));
  EXPECT_LE(*date, Seconds(600));
}

TEST_F(Worker, LooksFirstWithoutFetchingTheBody) {
  jobs::TransferOrder order = order_for(server_->http + "/named?d=attachment;filename=%22a%20b.bin%22");
  order.probe = true;

  const Fetched got = worker_->fetch(std::move(order));

  EXPECT_EQ(got.result.outcome, Outcome::complete) << got.result.message;
  EXPECT_EQ(got.result.facts.name_hint, "a b.bin");
  EXPECT_EQ(got.result.facts.total_bytes, content_bytes);
  EXPECT_EQ(got.result.facts.http_status, 200);
  EXPECT_EQ(got.responded.size(), 1U);
}

TEST_F(Worker, TellsWhatTheContentServerSaidBeforeTheBody) {
  const Fetched got = fetch(server_->http + "/redirect?to=/ok");

  ASSERT_EQ(got.responded.size(), 1U);
  const jobs::ResponseFacts& facts = got.responded[0];
  EXPECT_EQ(facts.final_url, server_->http + "/ok");
  EXPECT_EQ(facts.name_hint, "ok");
  EXPECT_EQ(facts.media_type, "application/octet-stream");
  EXPECT_EQ(facts.etag, "\"v1\"");
  EXPECT_TRUE(facts.ranges);
  EXPECT_FALSE(facts.web_page);
}

TEST_F(Worker, NoticesAWebPageWhereNobodyAskedForOne) {
  EXPECT_TRUE(fetch(server_->http + "/page").result.facts.web_page);
  EXPECT_FALSE(fetch(server_->http + "/page.html").result.facts.web_page);
  jobs::TransferOrder order = order_for(server_->http + "/page");
  order.source.request.headers = {{"Accept", "text/html"}};
  EXPECT_FALSE(worker_->fetch(std::move(order)).result.facts.web_page);
}

TEST_F(Worker, AsksWhereEveryHopLeads) {
  const Fetched got = fetch(server_->http + "/redirect?to=HTTPS/ok");

  EXPECT_THAT(got.resolved, ElementsAre(server_->http, server_->https));
}

TEST_F(Worker, TriesTheNextAddressWhenOneDoesNotConnect) {
  worker_->hosts["two.test"] = {"127.0.0.77", "127.0.0.1"};
  const std::string port = server_->http.substr(server_->http.rfind(':'));

  EXPECT_EQ(fetch("http://two.test" + port + "/ok").result.outcome, Outcome::complete);
}

TEST_F(Worker, SaysThatAHostIsUnknownUnreachableOrForbidden) {
  UniqueFd closed(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(closed.get(), reinterpret_cast<sockaddr*>(&address), length);  // bound, but nobody listens
  ::getsockname(closed.get(), reinterpret_cast<sockaddr*>(&address), &length);
  worker_->hosts["private.test"] = {"10.0.0.1"};

  const auto unknown = fetch("http://unknown.test/").result;
  const auto unreachable = fetch("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/").result;
  const auto forbidden = fetch("http://private.test/").result;

  EXPECT_EQ(unknown.reason, Reason::dns);
  EXPECT_EQ(unreachable.reason, Reason::unreachable);
  EXPECT_TRUE(unreachable.transient);
  EXPECT_EQ(forbidden.reason, Reason::address);
  EXPECT_FALSE(forbidden.transient);
}

TEST_F(Worker, RefusesAnUntrustedCertificate) {
  ContentServer stranger;
  const auto foreign_root = fetch(stranger.https + "/ok").result;
  worker_->hosts["wrong.test"] = {"127.0.0.1"};
  const auto wrong_host =
      fetch("https://wrong.test" + server_->https.substr(server_->https.rfind(':')) + "/ok").result;

  EXPECT_EQ(foreign_root.reason, Reason::tls);
  EXPECT_THAT(foreign_root.message, HasSubstr("not trusted here"));
  EXPECT_EQ(wrong_host.reason, Reason::tls);
  EXPECT_THAT(wrong_host.message, HasSubstr("for another name"));
  EXPECT_FALSE(foreign_root.transient);
}

TEST_F(Worker, RefusesOtherSchemes) {
  EXPECT_EQ(fetch("gopher://127.0.0.1/x").result.reason, Reason::scheme);
  EXPECT_EQ(fetch("file:///etc/passwd").result.reason, Reason::scheme);
}

TEST_F(Worker, StopsWhenItIsToldTo) {
  const Fetched got = worker_->fetch(
      order_for(server_->http + "/m49"), {},
      [](const worker::ToServer& message) { return !std::holds_alternative<worker::Responded>(message); });

  EXPECT_EQ(got.result.outcome, Outcome::stopped);
  EXPECT_EQ(got.result.received_bytes, got.file.size());
}

TEST_F(Worker, KeepsTheRateAndReportsProgressAtMostFourTimesASecond) {
  jobs::TransferOrder order = order_for(server_->http + "/big?bytes=8000000");
  order.rate_bytes_per_s = 4'000'000;
  const auto begin = std::chrono::steady_clock::now();

  const Fetched got = worker_->fetch(std::move(order));

  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(got.result.outcome, Outcome::complete);
  EXPECT_GT(taken.count(), 1.5);  // two seconds less the burst
  EXPECT_GE(got.progress.size(), 4U);
  EXPECT_LE(static_cast<double>(got.progress.size()), 4 * taken.count() + 1);
  EXPECT_TRUE(std::is_sorted(got.progress.begin(), got.progress.end()));
}

TEST_F(Worker, FetchesManyAtOnceOverFewConnections) {
  std::vector<jobs::TransferOrder> orders;
  for (int i = 0; i < 60; ++i)
    orders.push_back(order_for((i % 2 == 0 ? server_->http : server_->https) + "/ok"));

  const auto all = worker_->fetch_all(std::move(orders));

  for (const Fetched& one : all) {
    EXPECT_EQ(one.result.outcome, Outcome::complete) << one.result.message;
    EXPECT_TRUE(one.file == content(content_bytes));
  }
  EXPECT_LE(connections(), 13);
}

TEST_F(Worker, DoesNotLendAConnectionToOtherCredentials) {
  fetch(server_->http + "/ok");
  fetch(server_->http + "/ok");
  const auto shared = connections();
  jobs::TransferOrder order = order_for(server_->http + "/auth");
  order.credentials = {basic(server_->http)};
  order.credentials[0].password = "of nobody else";

  worker_->fetch(std::move(order));

  EXPECT_EQ(connections(), shared + 1);
}

TEST_F(Worker, SaysDiskFullAndKeepsWhatFits) {
  jobs::TransferOrder order = order_for(server_->http + "/long");
  order.out.reset(::open("/dev/full", O_WRONLY | O_CLOEXEC));

  const Fetched got = worker_->fetch(std::move(order));

  EXPECT_EQ(got.result.outcome, Outcome::failed);
  EXPECT_EQ(got.result.reason, Reason::disk_full);
  EXPECT_TRUE(got.result.transient);
  EXPECT_EQ(got.result.received_bytes, 0U);
}

}  // namespace
}  // namespace restante::test
