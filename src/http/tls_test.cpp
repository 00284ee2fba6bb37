// SPDX-License-Identifier: Apache-2.0
#include "http/tls.hpp"

#include "http/test_support.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace restante::http {
namespace {

std::string connect_string(const test::Running& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}

TEST(Tls, IsSpokenWithCurlAsThePeer) {
  test::Running server({}, true);
  const std::string url = "https://" + connect_string(server);
  const std::string body(300'000, 'z');

  const auto small = test::run({"/usr/bin/curl", "-sk", url + "/echo?a=1", url + "/echo?a=2"});
  const auto big = test::run({"/usr/bin/curl", "-sk", "--data-binary", "@-", url + "/echo"}, "posted");
  const auto streamed = test::run({"/usr/bin/curl", "-sk", url + "/stream"});

  EXPECT_EQ(small.out, "GET /echo a=1 GET /echo a=2 ");
  EXPECT_EQ(big.out, "POST /echo posted");
  EXPECT_EQ(streamed.out, "piece 1\npiece 2\npiece 3\n");
  EXPECT_TRUE(server.handler().last_peer().tls);
}

TEST(Tls, SendsAFileByteForByte) {
  test::Running server({}, true);
  std::string bytes(3'000'001, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 3);
  FileBody body;
  body.fd = std::make_shared<UniqueFd>(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_EQ(::pwrite(body.fd->get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  body.parts.push_back({"", 0, bytes.size()});
  server.handler().set_file(body);

  const auto got = test::run({"/usr/bin/curl", "-sk", "https://" + connect_string(server) + "/file"});

  EXPECT_TRUE(got.out == bytes) << got.out.size();
}

TEST(Tls, ResumesSessionsByTicketAndRefusesOldVersions) {
  test::Running server({}, true);
  const std::string to = connect_string(server);

  const auto resumed = test::run({"/usr/bin/openssl", "s_client", "-connect", to, "-tls1_2", "-reconnect"});
  const auto newest = test::run({"/usr/bin/openssl", "s_client", "-connect", to, "-alpn", "h2,http/1.1"});
  const auto old =
      test::run({"/usr/bin/openssl", "s_client", "-connect", to, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"});

  EXPECT_NE(resumed.out.find("Reused, TLSv1.2"), std::string::npos) << resumed.out;
  EXPECT_NE(newest.out.find("TLSv1.3"), std::string::npos);
  EXPECT_NE(newest.out.find("ALPN protocol: http/1.1"), std::string::npos);
  EXPECT_NE(old.out.find("Cipher is (NONE)"), std::string::npos) << old.out;
}

TEST(SelfMadeCertificate, NamesHostsAndAddressesForAYear) {
  const auto made = self_made_certificate(test::new_key_pem(), {"nas.example", "192.0.2.7", "2001:db8::1"});
  ASSERT_TRUE(made);

  const auto shown = test::run({"/usr/bin/openssl", "x509", "-noout", "-text"}, made->chain_pem);
  const auto fresh =
      test::run({"/usr/bin/openssl", "x509", "-noout", "-checkend", "34000000"}, made->chain_pem);
  const auto over =
      test::run({"/usr/bin/openssl", "x509", "-noout", "-checkend", "34400000"}, made->chain_pem);

  EXPECT_NE(shown.out.find("DNS:nas.example, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:1"),
            std::string::npos)
      << shown.out;
  EXPECT_NE(shown.out.find("CA:FALSE"), std::string::npos);
  EXPECT_NE(shown.out.find("ASN1 OID: prime256v1"), std::string::npos);
  EXPECT_EQ(fresh.status, 0);
  EXPECT_NE(over.status, 0);
}

TEST(SelfMadeCertificate, HasAnotherSerialEachTime) {
  const std::string key = test::new_key_pem();
  const auto first = self_made_certificate(key, {"a"}), second = self_made_certificate(key, {"a"});
  const auto serial = [](const Certificate& c) {
    return test::run({"/usr/bin/openssl", "x509", "-noout", "-serial"}, c.chain_pem).out;
  };

  EXPECT_NE(serial(*first), serial(*second));
}

TEST(Tls, SaysWhichFileIsWrong) {
  const auto good = self_made_certificate(test::new_key_pem(), {"a"});
  const auto other = self_made_certificate(test::new_key_pem(), {"a"});

  EXPECT_NE(make_server_context({"nonsense", good->key_pem}).error().message.find("no certificate"),
            std::string::npos);
  EXPECT_NE(make_server_context({good->chain_pem, "nonsense"}).error().message.find("cannot be read"),
            std::string::npos);
  EXPECT_NE(make_server_context({good->chain_pem, other->key_pem}).error().message.find("does not belong"),
            std::string::npos);
}

}  // namespace
}  // namespace restante::http
