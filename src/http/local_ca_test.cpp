// SPDX-License-Identifier: Apache-2.0
#include "http/local_ca.hpp"

#include "http/test_support.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <unistd.h>

namespace restante::http {
namespace {

/// What OpenSSL's own verifier says of a leaf under this authority, asked for this name.
std::string verdict(const LocalCa& authority, const Certificate& leaf, const std::string& host) {
  const std::string root = test::write_temporary(authority.certificate_pem()),
                    file = test::write_temporary(leaf.chain_pem);
  const bool numeric =
      host.find_first_not_of("0123456789.") == std::string::npos || host.find(':') != host.npos;
  const auto ran =
      test::run({"/bin/sh", "-c", "exec \"$@\" 2>&1", "sh", "/usr/bin/openssl", "verify", "-CAfile", root,
                 "-purpose", "sslserver", numeric ? "-verify_ip" : "-verify_hostname", host, file});
  ::unlink(root.c_str());
  ::unlink(file.c_str());
  if (ran.status == 0) return "good";
  for (const char* fault : {"permitted subtree violation", "hostname mismatch", "IP address mismatch"})
    if (ran.out.find(fault) != std::string::npos) return fault;
  return ran.out;
}

std::string text_of(const std::string& pem) {
  return test::run({"/usr/bin/openssl", "x509", "-noout", "-text", "-ext",
                    "nameConstraints,basicConstraints,keyUsage,extendedKeyUsage"},
                   pem)
      .out;
}

TEST(LocalCa, VouchesForItsNamesAndForNoOthers) {
  const auto authority =
      LocalCa::make("home", with_names(home_names(), {"nas.example", "203.0.113.7"})).value();
  const std::string key = test::new_key_pem();
  const auto of = [&](const std::string& name) {
    return verdict(authority, authority.issue(key, {name}).value(), name);
  };

  for (const char* inside : {"localhost", "nas.local", "a.b.home.arpa", "nas.example", "sub.nas.example",
                             "192.168.1.5", "10.255.0.1", "203.0.113.7", "fd12::1", "::1"}) {
    EXPECT_EQ(of(inside), "good") << inside;
    EXPECT_TRUE(authority.covers(inside)) << inside;
  }
  for (const char* outside : {"example", "bank.example", "xnas.example", "nas.example.com", "notlocal",
                              "203.0.113.8", "8.8.8.8", "192.169.0.1", "2001:db8::1"}) {
    EXPECT_EQ(of(outside), "permitted subtree violation") << outside;
    EXPECT_FALSE(authority.covers(outside)) << outside;
  }
}

TEST(LocalCa, IsAnAuthorityForWebServersThatMayMakeNoOther) {
  const auto authority = LocalCa::make("home", home_names()).value();

  const std::string text = text_of(authority.certificate_pem());

  EXPECT_NE(text.find("X509v3 Name Constraints: critical"), std::string::npos) << text;
  EXPECT_NE(text.find("CA:TRUE, pathlen:0"), std::string::npos);
  EXPECT_NE(text.find("TLS Web Server Authentication"), std::string::npos);
  EXPECT_NE(text.find("Certificate Sign, CRL Sign"), std::string::npos);
}

TEST(LocalCa, IsTheSameAfterItWasKept) {
  const auto made = LocalCa::make("home", with_names(home_names(), {"nas.example"})).value();

  const auto read = LocalCa::from_pem(made.pem()).value();

  EXPECT_EQ(read.fingerprint(), made.fingerprint());
  EXPECT_EQ(read.room().domains, made.room().domains);
  EXPECT_EQ(read.room().ranges, made.room().ranges);
  EXPECT_EQ(made.room().ranges.front(), "127.0.0.0/8");
  EXPECT_EQ(verdict(made, read.issue(test::new_key_pem(), {"nas.example"}).value(), "nas.example"), "good");
  EXPECT_FALSE(LocalCa::from_pem(made.certificate_pem()));
  EXPECT_FALSE(LocalCa::from_pem("nonsense"));
}

TEST(LocalCa, ShowsTheFingerprintThatOpensslShows) {
  const auto authority = LocalCa::make("home", home_names()).value();

  const auto shown = test::run({"/usr/bin/openssl", "x509", "-noout", "-fingerprint", "-sha256"},
                               authority.certificate_pem());

  EXPECT_NE(shown.out.find("=" + authority.fingerprint() + "\n"), std::string::npos) << shown.out;
}

TEST(LocalCa, LeavesLastNinetyDaysAndHaveAnotherSerialEachTime) {
  const auto authority = LocalCa::make("home", home_names()).value();
  const std::string key = test::new_key_pem();
  const auto first = authority.issue(key, {"nas.lan", "192.0.2.7", "fd00::1"}).value(),
             second = authority.issue(key, {"nas.lan"}).value();
  const auto ask = [](const Certificate& one, std::vector<std::string> what) {
    std::vector<std::string> command{"/usr/bin/openssl", "x509", "-noout"};
    command.insert(command.end(), what.begin(), what.end());
    return test::run(command, one.chain_pem);
  };

  EXPECT_EQ(ask(first, {"-checkend", std::to_string(89 * 86400)}).status, 0);
  EXPECT_NE(ask(first, {"-checkend", std::to_string(90 * 86400)}).status, 0);
  EXPECT_NE(ask(first, {"-serial"}).out, ask(second, {"-serial"}).out);
  EXPECT_NE(
      ask(first, {"-ext", "subjectAltName"}).out.find("DNS:nas.lan, IP Address:192.0.2.7, IP Address:FD00"),
      std::string::npos);
}

TEST(LocalCa, TwoOfOnePlaceHaveTwoNames) {
  EXPECT_NE(LocalCa::make("home", home_names())->name(), LocalCa::make("home", home_names())->name());
  EXPECT_EQ(LocalCa::make("Käse\n", home_names())->name().find("Restante K??se? "), 0u);
}

}  // namespace
}  // namespace restante::http
