// SPDX-License-Identifier: Apache-2.0
#include "net/connector.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace restante::net {
namespace {

/// A listening socket on a free port of an address of this machine.
struct Listener {
  UniqueFd fd;
  Endpoint at;
  explicit Listener(const char* address) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &in.sin_addr);
    fd.reset(::socket(AF_INET, SOCK_STREAM, 0));
    socklen_t length = sizeof in;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&in), length), 0);
    EXPECT_EQ(::listen(fd.get(), 8), 0);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&in), &length);
    at = *Endpoint::from(reinterpret_cast<sockaddr&>(in), length);
  }
  bool touched() const {
    pollfd one{fd.get(), POLLIN, 0};
    return ::poll(&one, 1, 50) == 1;
  }
};

AddressPolicy loopback() {
  AddressPolicy policy;
  policy.allow.push_back(*AddressRange::parse("127.0.0.0/8"));
  return policy;
}

Opened open(const Connector& connector, std::uint32_t transfer, const Endpoint& to, int type = SOCK_STREAM,
            std::uint32_t part = 0) {
  return connector.open(transfer, type, to.raw(), to.length, part);
}

TEST(Connector, ConnectsWhereThisTransferMay) {
  Listener listener("127.0.0.1");
  Connector connector;
  connector.permit(7, {{listener.at}, loopback()});

  auto opened = open(connector, 7, listener.at);

  ASSERT_EQ(opened.error, 0);
  EXPECT_TRUE(::fcntl(opened.fd.get(), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(::fcntl(opened.fd.get(), F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(listener.touched());
}

TEST(Connector, RefusesWhatThisTransferMayNot) {
  Listener listener("127.0.0.1"), canary("127.0.0.2");
  Connector connector;
  connector.permit(7, {{listener.at}, loopback()});

  EXPECT_EQ(open(connector, 7, canary.at).error, EACCES);
  EXPECT_EQ(open(connector, 8, listener.at).error, EACCES);
  EXPECT_EQ(open(connector, 7, listener.at, SOCK_DGRAM).error, EACCES);
  EXPECT_EQ(open(connector, 7, listener.at, SOCK_RAW).error, EACCES);
  connector.permit(7, {{canary.at}, loopback()});
  EXPECT_EQ(open(connector, 7, listener.at).error, EACCES);
  connector.forget(7);
  EXPECT_EQ(open(connector, 7, canary.at).error, EACCES);
  EXPECT_FALSE(listener.touched());
  EXPECT_FALSE(canary.touched());
}

TEST(Connector, PermitsEachPartOfATransferByItself) {
  Listener first("127.0.0.1"), second("127.0.0.1");
  Connector connector;
  connector.permit(7, {{first.at}, loopback()});
  connector.permit(7, {{second.at}, loopback()}, 2);

  EXPECT_EQ(open(connector, 7, second.at).error, EACCES);
  EXPECT_EQ(open(connector, 7, first.at, SOCK_STREAM, 2).error, EACCES);
  EXPECT_EQ(open(connector, 7, second.at, SOCK_STREAM, 1).error, EACCES);
  EXPECT_EQ(open(connector, 7, first.at).error, 0);
  EXPECT_EQ(open(connector, 7, second.at, SOCK_STREAM, 2).error, 0);
  connector.permit(8, {{first.at}, loopback()});
  connector.forget(7);
  EXPECT_EQ(open(connector, 7, first.at).error, EACCES);
  EXPECT_EQ(open(connector, 7, second.at, SOCK_STREAM, 2).error, EACCES);
  EXPECT_EQ(open(connector, 8, first.at).error, 0);
}

TEST(Connector, ReachesACountedNumberOfDataPortsOfTheSameAddressOnly) {
  Listener control("127.0.0.1"), data("127.0.0.1"), elsewhere("127.0.0.2");
  Connector connector;
  Permit permit{{control.at}, loopback()};
  permit.data_connections = 2;
  connector.permit(7, permit);
  sockaddr_in low{};
  low.sin_family = AF_INET;
  low.sin_port = htons(1023);
  ::inet_pton(AF_INET, "127.0.0.1", &low.sin_addr);

  EXPECT_EQ(open(connector, 7, elsewhere.at).error, EACCES);
  EXPECT_EQ(connector.open(7, SOCK_STREAM, reinterpret_cast<sockaddr&>(low), sizeof low).error, EACCES);
  EXPECT_EQ(open(connector, 7, data.at).error, 0);
  EXPECT_EQ(open(connector, 7, data.at).error, 0);
  EXPECT_EQ(open(connector, 7, data.at).error, EACCES);
  EXPECT_EQ(open(connector, 7, control.at).error, 0);
}

TEST(Connector, JudgesAgainEvenWhatWasPermitted) {
  Listener canary("127.0.0.1");
  Connector connector;
  connector.permit(7, {{canary.at}, AddressPolicy{}, Lan::allowed});

  EXPECT_EQ(open(connector, 7, canary.at).error, EACCES);
  EXPECT_FALSE(canary.touched());
}

TEST(Connector, AnswersTheSameWhetherOrNotSomethingListens) {
  Endpoint closed;
  {
    Listener listener("127.0.0.1");
    closed = listener.at;
  }
  Listener listening("127.0.0.1");
  Connector connector;
  connector.permit(7, {{closed, listening.at}, AddressPolicy{}});

  EXPECT_EQ(open(connector, 7, closed).error, open(connector, 7, listening.at).error);
}

TEST(Connector, FtpDataGoesToHighPortsOfTheSameAddressOnly) {
  Listener control("127.0.0.1"), data("127.0.0.1"), elsewhere("127.0.0.2");
  Connector connector;
  connector.permit(7, {{control.at}, loopback(), Lan::refused, true});
  sockaddr_in low{};
  std::memcpy(&low, &control.at.raw(), sizeof low);
  low.sin_port = htons(1023);

  EXPECT_EQ(open(connector, 7, data.at).error, 0);
  EXPECT_EQ(open(connector, 7, elsewhere.at).error, EACCES);
  EXPECT_EQ(connector.open(7, SOCK_STREAM, reinterpret_cast<sockaddr&>(low), sizeof low).error, EACCES);
}

TEST(Connector, RefusesOtherFamiliesScopesAndShortAddresses) {
  Listener listener("127.0.0.1");
  Connector connector;
  connector.permit(7, {{listener.at}, loopback()});
  sockaddr_storage other{};
  other.ss_family = AF_UNIX;
  sockaddr_in6 scoped{};
  scoped.sin6_family = AF_INET6;
  scoped.sin6_scope_id = 1;

  EXPECT_EQ(connector.open(7, SOCK_STREAM, reinterpret_cast<sockaddr&>(other), sizeof other).error, EACCES);
  EXPECT_EQ(connector.open(7, SOCK_STREAM, reinterpret_cast<sockaddr&>(scoped), sizeof scoped).error, EACCES);
  EXPECT_EQ(connector.open(7, SOCK_STREAM, listener.at.raw(), 4).error, EACCES);
}

}  // namespace
}  // namespace restante::net
