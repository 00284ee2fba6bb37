// SPDX-License-Identifier: Apache-2.0
#include "http/server.hpp"

#include "http/test_support.hpp"

#include <gtest/gtest.h>

namespace restante::http {
namespace {

using test::Client;
using test::EchoHandler;

TEST(Server, AnswersOverAConnectionThatStaysOpen) {
  test::Running server;
  Client client(server.port());

  client.send("GET /echo?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto first = client.response();
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
  const auto second = client.response();

  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "GET /echo x=1 ");
  EXPECT_EQ(second.body, "POST /echo hello");
}

}  // namespace
}  // namespace restante::http
