// SPDX-License-Identifier: Apache-2.0
#include "http/server.hpp"

#include "http/test_support.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace restante::http {
namespace {

using test::Answer;
using test::Client;

constexpr std::string_view get = "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::shared_ptr<UniqueFd> file_of(const std::string& bytes) {
  auto fd = std::make_shared<UniqueFd>(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  EXPECT_EQ(::pwrite(fd->get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return fd;
}

std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return out;
}

FileBody body_of(const std::string& bytes) {
  FileBody body;
  body.fd = file_of(bytes);
  body.parts.push_back({"", 0, bytes.size()});
  return body;
}

TEST(Server, AnswersOverAConnectionThatStaysOpen) {
  test::Running server;
  Client client(server.port());

  client.send("GET /echo?x=1&y=a+b%21 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto first = client.response();
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
  const auto second = client.response();

  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "GET /echo x=1 y=a b! ");
  EXPECT_EQ(second.body, "POST /echo hello");
}

TEST(Server, ReadsARequestSplitAtEveryByte) {
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: 1\r\n\r\n";
  test::Running server;
  Client client(server.port());

  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    client.send(std::string_view(request).substr(0, cut));
    client.send(std::string_view(request).substr(cut));
    ASSERT_EQ(client.response().body, "POST /echo abcdefg") << "cut at " << cut;
  }
  for (char byte : request) client.send({&byte, 1});
  EXPECT_EQ(client.response().body, "POST /echo abcdefg");
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  test::Running server;
  Client client(server.port());

  std::string many;
  for (int i = 0; i < 50; ++i) many += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  client.send(many);

  for (int i = 0; i < 50; ++i) ASSERT_EQ(client.response().body, "GET /" + std::to_string(i) + " ");
}

TEST(Server, GivesEveryAnswerItsSafetyHeaders) {
  test::Running server;
  Client client(server.port());

  client.send(get);
  const auto answer = client.response();

  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(answer.header("Content-Security-Policy"), "frame-ancestors 'none'");
  EXPECT_EQ(answer.header("Referrer-Policy"), "no-referrer");
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_EQ(answer.header("Date").size(), 29u);
}

TEST(Server, KeepsALineBreakInAHeaderValueFromBeginningALine) {
  test::Running server;
  Client client(server.port());

  client.send("GET /split HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto answer = client.response();

  EXPECT_EQ(answer.header("X-Bad"), "a  Set-Cookie: stolen=1");
  EXPECT_EQ(answer.header("Set-Cookie"), "");
}

TEST(Server, AnswersHeadWithoutABody) {
  test::Running server;
  server.handler().set_file(body_of(pattern(1000)));
  Client client(server.port());

  client.send("HEAD /file HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = client.response(true);
  client.send(get);

  EXPECT_EQ(head.header("Content-Length"), "1000");
  EXPECT_EQ(client.response().status, 200);
}

struct BadRequest {
  const char* what;
  std::string bytes;
  int status;
};

class RefusesWhatCouldBeReadInTwoWays : public testing::TestWithParam<BadRequest> {};

TEST_P(RefusesWhatCouldBeReadInTwoWays, AndEndsTheConnection) {
  test::Running server;
  Client client(server.port());

  client.send(GetParam().bytes + "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const Answer answer = client.response();

  EXPECT_EQ(answer.status, GetParam().status) << GetParam().what << answer.body;
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_TRUE(client.ended_by_server());
  EXPECT_EQ(server.handler().requests, 0);
}

const std::string post = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";

INSTANTIATE_TEST_SUITE_P(
    Requests, RefusesWhatCouldBeReadInTwoWays,
    testing::Values(
        BadRequest{"CL and TE", post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   400},
        BadRequest{"TE and CL", post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
                   400},
        BadRequest{"two lengths", post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400},
        BadRequest{"two equal lengths", post + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400},
        BadRequest{"a list of lengths", post + "Content-Length: 4, 4\r\n\r\nabcd", 400},
        BadRequest{"a signed length", post + "Content-Length: +4\r\n\r\nabcd", 400},
        BadRequest{"a huge length", post + "Content-Length: 99999999999999999999\r\n\r\n", 400},
        BadRequest{"an unknown coding", post + "Transfer-Encoding: gzip\r\n\r\n", 400},
        BadRequest{"two codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
        BadRequest{"two encodings",
                   post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        BadRequest{"a coding in 1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   400},
        BadRequest{"a bad chunk", post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
        BadRequest{"a chunk that does not end", post + "Transfer-Encoding: chunked\r\n\r\n1\r\nabGET", 400},
        BadRequest{"a space before the colon", "GET /echo HTTP/1.1\r\nHost : localhost\r\n\r\n", 400},
        BadRequest{"a folded line", "GET /echo HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 400},
        BadRequest{"bare line feeds", "GET /echo HTTP/1.1\nHost: localhost\r\n\r\n\r\n", 400},
        BadRequest{"no Host", "GET /echo HTTP/1.1\r\n\r\n", 400},
        BadRequest{"two Hosts", "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 421},
        BadRequest{"a Host twice", "GET /echo HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 421},
        BadRequest{"a Host that is none", "GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        BadRequest{"a host with a user", "GET /echo HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
        BadRequest{"HTTP/2", "GET /echo HTTP/2.0\r\nHost: a\r\n\r\n", 400},
        BadRequest{"an encoded slash", "GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadRequest{"an encoded NUL", "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadRequest{"dot segments", "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadRequest{"encoded dot segments", "GET /a/%2e%2e/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadRequest{"a broken percent sign", "GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadRequest{"another scheme", "GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadRequest{"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        BadRequest{"an unknown expectation", post + "Expect: magic\r\nContent-Length: 1\r\n\r\nx", 417}));

TEST(Server, LetsTheAbsoluteFormDecideTheHost) {
  test::Running server;
  Client client(server.port());

  client.send("GET http://other.example:81/echo?q HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto answer = client.response();

  EXPECT_EQ(answer.body, "GET /echo q= ");
  EXPECT_EQ(server.handler().last_host(), "other.example:81");
}

TEST(Server, RefusesTooLargeAHeadWith431) {
  test::Running server;
  Client client(server.port());

  client.send("GET /echo HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(40000, 'x'));

  EXPECT_EQ(client.response().status, 431);
  EXPECT_TRUE(client.ended_by_server());
}

TEST(Server, RefusesTooManyHeaderLinesWith431) {
  test::Running server;
  Client client(server.port());

  std::string request = "GET /echo HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 200; ++i) request += "X: y\r\n";
  client.send(request + "\r\n");

  EXPECT_EQ(client.response().status, 431);
}

TEST(Server, RefusesTooLargeABodyAtItsHead) {
  test::Running server;
  server.handler().limit = 10;
  Client announced(server.port()), chunked(server.port());

  announced.send(post + "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n");
  chunked.send(post + "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n");

  EXPECT_EQ(announced.response().status, 413);
  EXPECT_EQ(chunked.response().status, 413);
  EXPECT_EQ(server.handler().requests, 0);
}

TEST(Server, SaysContinueOnlyWhenItWantsTheBody) {
  test::Running server;
  Client client(server.port());

  client.send(post + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  const auto go_on = client.response();
  client.send("ok");

  EXPECT_EQ(go_on.status, 100);
  EXPECT_EQ(client.response().body, "POST /echo ok");
}

TEST(Server, ReadsALargeBodyWhole) {
  test::Running server;
  Client client(server.port());
  const std::string body = pattern(1'000'000);

  client.send(post + "Content-Length: 1000000\r\n\r\n" + body);

  EXPECT_EQ(client.response().body, "POST /echo " + body);
}

TEST(Server, HoldsOnlySoMuchOfLargeBodiesOfAllConnections) {
  ServerLimits limits;
  limits.small_body_bytes = 1000;
  limits.large_bodies_bytes = 100'000;
  test::Running server(limits);
  Client slow(server.port());
  slow.send(post + "Content-Length: 90000\r\n\r\n" + pattern(80'000));

  // Each answered request is a turn of the server's loop, in which it also reads what `slow` has sent.
  for (int turn = 0; turn < 100; ++turn) {
    Client other(server.port());
    other.send(post + "Content-Length: 1\r\n\r\nx");
    ASSERT_EQ(other.response().status, 200);
  }
  Client large(server.port());
  large.send(post + "Content-Length: 60000\r\n\r\n" + pattern(60'000));
  const auto refused = large.response();
  Client small(server.port());
  small.send(post + "Content-Length: 1000\r\n\r\n" + pattern(1000));
  const auto served = small.response();
  slow.send(pattern(10'000));
  const auto whole = slow.response();
  Client after(server.port());
  after.send(post + "Transfer-Encoding: chunked\r\n\r\n15f90\r\n" + pattern(90'000) + "\r\n0\r\n\r\n");

  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(served.status, 200);
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(after.response().status, 200);
}

TEST(Server, EndsABodyThatOnlyTrickles) {
  ServerLimits limits;
  limits.body_time = std::chrono::seconds(1);
  test::Running server(limits);
  Client client(server.port());
  client.send(post + "Content-Length: 1000\r\n\r\n");

  // A byte comes in time again and again, as slowly as a client does that only wants to stay.
  const timeval pause{0, 100'000};
  ::setsockopt(client.socket(), SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
  ssize_t got = -1;
  char byte = 'x';
  int sent = 0;
  for (; sent < 100 && got < 0; ++sent) {
    ::send(client.socket(), &byte, 1, MSG_NOSIGNAL);
    got = ::recv(client.socket(), &byte, 1, 0);
    if (got < 0 && errno != EAGAIN) got = 0;
  }

  EXPECT_EQ(got, 1) << "it is told so";
  EXPECT_EQ(byte, 'H');
  EXPECT_LT(sent, 100);
}

TEST(Server, TellsWhoDoesNotFinishAHeadThatItTookTooLong) {
  ServerLimits limits;
  limits.head_time = std::chrono::seconds(1);
  test::Running server(limits);
  Client client(server.port());

  client.send("GET / HTTP/1.1\r\nHost: ");

  EXPECT_EQ(client.response().status, 408);
}

TEST(Server, ClosesWhenAsked) {
  test::Running server;
  Client client(server.port()), old(server.port()), old_alive(server.port());

  client.send("GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  old.send("GET /echo HTTP/1.0\r\n\r\n");
  old_alive.send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

  EXPECT_EQ(client.response().header("Connection"), "close");
  EXPECT_TRUE(client.ended_by_server());
  EXPECT_EQ(old.response().status, 200);
  EXPECT_TRUE(old.ended_by_server());
  EXPECT_EQ(old_alive.response().header("Connection"), "keep-alive");
  old_alive.send(get);
  EXPECT_EQ(old_alive.response().status, 200);
}

TEST(Server, StreamsInChunksOrUntilTheEndForHttp10) {
  test::Running server;
  Client client(server.port()), old(server.port());

  client.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  old.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

  const auto answer = client.response();
  EXPECT_EQ(answer.header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(answer.body, "piece 1\npiece 2\npiece 3\n");
  EXPECT_EQ(old.response().body, "piece 1\npiece 2\npiece 3\n");
}

TEST(Server, LetsAStreamGoWhenItsClientHasGone) {
  test::Running server;
  {
    Client client(server.port());
    client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    char first = 0;
    ASSERT_EQ(::recv(client.socket(), &first, 1, 0), 1);
    EXPECT_EQ(server.handler().streams_ended, 0);
  }

  server.handler().streams_ended.wait(0);

  EXPECT_EQ(server.handler().streams_ended, 1);
}

TEST(Server, EndsABodyUnderWayWhenItsRightIsTakenAway) {
  test::Running server;
  server.handler().set_file(body_of(std::string(64u << 20, 'x')));  // more than sockets hold
  Client stream(server.port()), file(server.port()), later(server.port());
  stream.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  file.send("GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n");
  char first = 0;
  ASSERT_EQ(::recv(stream.socket(), &first, 1, 0), 1);
  ASSERT_EQ(::recv(file.socket(), &first, 1, 0), 1);

  server.handler().permitted = false;
  server.handler().barred.wait(0);
  server.handler().barred.wait(1);
  server.handler().streams_ended.wait(0);

  EXPECT_LT(file.rest().size(), 64u << 20);
  later.send(get);
  EXPECT_EQ(later.response().status, 200) << "a short answer is sent before anybody asks";
}

TEST(Server, StopEndsAStreamThatWaits) {
  ServerLimits limits;
  limits.stop_time = std::chrono::hours(1);
  test::Running server(limits);
  Client client(server.port());
  client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  char first = 0;
  ASSERT_EQ(::recv(client.socket(), &first, 1, 0), 1);

  server.stop();

  EXPECT_EQ(server.handler().streams_ended, 1);
}

TEST(Server, SendsAFileLargerThanOneTurn) {
  test::Running server;
  const std::string bytes = pattern(9u << 20);
  server.handler().set_file(body_of(bytes));
  Client client(server.port());

  client.send("GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n");

  EXPECT_TRUE(client.response().body == bytes);
}

TEST(Server, SendsSeveralPartsOfAFile) {
  test::Running server;
  FileBody body;
  body.fd = file_of("0123456789");
  body.parts = {{"[a]", 2, 3}, {"[b]", 8, 2}};
  body.after = "[end]";
  server.handler().set_file(body);
  Client client(server.port());

  client.send("GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n");

  EXPECT_EQ(client.response().body, "[a]234[b]89[end]");
}

TEST(Server, EndsTheConnectionWhenAFileIsShorterThanPromised) {
  test::Running server;
  FileBody body;
  body.fd = file_of("short");
  body.parts = {{"", 0, 100}};
  server.handler().set_file(body);
  Client client(server.port());

  client.send("GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n");

  EXPECT_EQ(client.response().status, 0);
}

TEST(Server, AnswersAFaultOfTheHandlerWith500) {
  test::Running server;
  Client client(server.port());

  client.send("GET /throw HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto answer = client.response();
  client.send(get);

  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("on purpose"), std::string::npos);
  EXPECT_EQ(client.response().status, 200);
}

TEST(Server, EndsConnectionsOfSlowClients) {
  ServerLimits limits;
  limits.head_time = limits.body_time = limits.idle_time = limits.write_time = std::chrono::seconds(1);
  test::Running server(limits);
  Client silent(server.port()), slow_head(server.port()), slow_body(server.port()), idle(server.port()),
      slow_reader(server.port());

  slow_head.send("GET /echo HTTP/1.1\r\nHost:");
  slow_body.send(post + "Content-Length: 10\r\n\r\nabc");
  idle.send(get);
  slow_reader.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto answer = idle.response();

  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(silent.ended_by_server());
  EXPECT_EQ(slow_head.response().status, 408);
  EXPECT_TRUE(slow_head.ended_by_server());
  EXPECT_EQ(slow_body.response().status, 408);
  EXPECT_TRUE(slow_body.ended_by_server());
  EXPECT_TRUE(idle.ended_by_server());
  // Whoever reads nothing has been given up when a later silent client has.
  Client later(server.port());
  EXPECT_TRUE(later.ended_by_server());
  EXPECT_LT(slow_reader.rest().size(), 32u << 20);
}

TEST(Server, RefusesConnectionsBeyondItsLimit) {
  ServerLimits limits;
  limits.connections = 2;
  test::Running server(limits);
  Client first(server.port()), second(server.port());
  first.send(get);
  second.send(get);
  EXPECT_EQ(first.response().status, 200);
  EXPECT_EQ(second.response().status, 200);

  Client third(server.port());
  EXPECT_EQ(third.response().status, 503);
  EXPECT_TRUE(third.ended_by_server());
}

TEST(Server, RefusesAnAddressThatOpensConnectionsAndSaysNothing) {
  ServerLimits limits;
  limits.silent_of_loopback = 2;
  test::Running server(limits);
  Client asking(server.port());
  asking.send(get);
  EXPECT_EQ(asking.response().status, 200);
  std::optional<Client> silent(server.port());
  Client other(server.port());

  Client refused(server.port());
  EXPECT_EQ(refused.response().status, 503);
  EXPECT_TRUE(refused.ended_by_server());

  silent.reset();
  for (int status = 503; status == 503;) {  // until the server has seen that it left
    Client next(server.port());
    next.send(get);
    status = next.response().status;
    if (status == 200) return;
  }
  FAIL() << "who left made no room";
}

TEST(Server, StopEndsEverythingSoon) {
  ServerLimits limits;
  limits.stop_time = std::chrono::milliseconds(200);
  test::Running server(limits);
  Client idle(server.port()), waiting(server.port());
  idle.send(get);
  idle.response();
  waiting.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");

  const auto begin = std::chrono::steady_clock::now();
  server.stop();

  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_TRUE(idle.ended_by_server());
  EXPECT_TRUE(waiting.ended_by_server());
}

TEST(Server, SaysWhoIsAtTheOtherEnd) {
  test::Running server;
  Client client(server.port());

  client.send(get);
  client.response();

  const Peer peer = server.handler().last_peer();
  EXPECT_EQ(peer.address, "127.0.0.1");
  EXPECT_TRUE(peer.both_loopback);
  EXPECT_FALSE(peer.tls);
}

}  // namespace
}  // namespace restante::http
