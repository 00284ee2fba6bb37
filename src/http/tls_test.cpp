// SPDX-License-Identifier: Apache-2.0
#include "http/tls.hpp"

#include "http/local_ca.hpp"
#include "http/test_support.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace restante::http {
namespace {

std::string connect_string(const test::Running& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}

/// curl trusts this server's authority and nobody else.
test::Ran curl(const test::Running& server, std::vector<std::string> arguments, std::string_view input = {}) {
  std::vector<std::string> command{"/usr/bin/curl", "-s", "--cacert", server.authority_file()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return test::run(command, input);
}

TEST(Tls, IsSpokenWithCurlAsThePeer) {
  test::Running server({}, true);
  const std::string url = "https://" + connect_string(server);
  const std::string body(300'000, 'z');

  const auto small = curl(server, {url + "/echo?a=1", url + "/echo?a=2"});
  const auto big = curl(server, {"--data-binary", "@-", url + "/echo"}, "posted");
  const auto streamed = curl(server, {url + "/stream"});

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

  const auto got = curl(server, {"https://" + connect_string(server) + "/file"});

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

TEST(Tls, AnotherCertificateIsForNewConnectionsAndABadOneForNobody) {
  test::Running server({}, true);
  const std::string url = "https://" + connect_string(server);
  const auto other = LocalCa::make("other", home_names()).value();
  const auto fresh = other.issue(test::new_key_pem(), {"127.0.0.1"}).value();
  const std::string other_file = test::write_temporary(other.certificate_pem());
  const auto curl_of_other = [&] {
    return test::run({"/usr/bin/curl", "-s", "--cacert", other_file, url + "/echo"}).out;
  };

  const auto bad = server.server().replace_certificate({fresh.chain_pem, test::new_key_pem()});
  const std::string after_bad = curl(server, {url + "/echo"}).out;
  const auto good = server.server().replace_certificate(fresh);
  const std::string by_other = curl_of_other(), by_old = curl(server, {url + "/echo"}).out;
  ::unlink(other_file.c_str());

  EXPECT_FALSE(bad);
  EXPECT_EQ(after_bad, "GET /echo ");
  EXPECT_TRUE(good);
  EXPECT_EQ(by_other, "GET /echo ");
  EXPECT_EQ(by_old, "");
}

TEST(Tls, SaysWhichFileIsWrong) {
  const auto authority = LocalCa::make("a", home_names()).value();
  const auto good = authority.issue(test::new_key_pem(), {"localhost"});

  EXPECT_NE(make_server_context({"nonsense", good->key_pem}).error().message.find("no certificate"),
            std::string::npos);
  EXPECT_NE(make_server_context({good->chain_pem, "nonsense"}).error().message.find("cannot be read"),
            std::string::npos);
  EXPECT_NE(
      make_server_context({good->chain_pem, test::new_key_pem()}).error().message.find("does not belong"),
      std::string::npos);
}

}  // namespace
}  // namespace restante::http
