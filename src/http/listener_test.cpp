// SPDX-License-Identifier: Apache-2.0
#include "http/listener.hpp"

#include "http/test_support.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::http {
namespace {

Listen at(std::string address, std::uint16_t port = 0) {
  Listen where;
  where.address = std::move(address);
  where.port = port;
  return where;
}

TEST(Listener, SaysThatAnAddressIsTakenAndHowToMendIt) {
  const auto first = open_listener(at("127.0.0.1"));
  ASSERT_TRUE(first);

  const auto second = open_listener(at("127.0.0.1", first->bound.port));

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::in_use);
  EXPECT_EQ(second.error().message, "cannot listen on 127.0.0.1:" + std::to_string(first->bound.port) +
                                        ": another process listens there");
  EXPECT_NE(second.error().hint.find("--listen"), std::string::npos);
}

TEST(Listener, SaysThatAnAddressIsNotOfThisMachine) {
  const auto refused = open_listener(at("192.0.2.1", 8470));

  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("192.0.2.1:8470: no network interface"), std::string::npos);
}

TEST(Listener, RefusesNames) {
  EXPECT_EQ(open_listener(at("localhost", 1)).error().reason, Reason::invalid);
}

struct Folder {
  std::string path = std::filesystem::temp_directory_path() / "restante-listener-XXXXXX";
  Folder() { EXPECT_NE(::mkdtemp(path.data()), nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(Listener, TakesOverADeadUnixSocketButNotALivingOne) {
  Folder folder;
  const std::string deep = folder.path + "/" + std::string(120, 'd');
  std::filesystem::create_directory(deep);
  const std::string path = deep + "/control.sock";

  auto first = open_listener(at(path));
  ASSERT_TRUE(first) << first.error().message;
  const auto living = open_listener(at(path));
  first->socket.reset();
  const auto dead = open_listener(at(path));

  EXPECT_EQ(living.error().reason, Reason::in_use);
  EXPECT_TRUE(dead);
  struct stat file{};
  ASSERT_EQ(::stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777u, 0600u);
}

TEST(Listener, KnowsTheUserAtTheOtherEndOfAUnixSocket) {
  Folder folder;
  const std::string path = folder.path + "/s";
  test::EchoHandler handler;
  auto server = make_server(handler, {});
  ASSERT_TRUE(server->listen(at(path)));
  server->start();

  const auto got = test::run({"/usr/bin/curl", "-s", "--unix-socket", path, "http://localhost/echo"});
  server->stop();

  EXPECT_EQ(got.out, "GET /echo ");
  EXPECT_TRUE(handler.last_peer().unix_socket);
  EXPECT_EQ(handler.last_peer().uid, ::getuid());
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace restante::http
