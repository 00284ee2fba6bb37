// SPDX-License-Identifier: Apache-2.0
#include "proxy/policy.hpp"

#include "base/text.hpp"
#include "proxy/client_certificate.hpp"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace restante::proxy {
namespace {

Document one_url(const std::string& url = "https://host/a") {
  Document document;
  document.iat = 1795335600;
  document.exp = document.iat + 86400;
  Source source;
  source.url = url;
  File file;
  file.sources.push_back(source);
  document.files.push_back(file);
  return document;
}

struct Refusal {
  Reason reason;
  std::string pointer;
  bool operator==(const Refusal&) const = default;
};

Refusal refusal(const Result<void>& result) {
  if (result) {
    ADD_FAILURE() << "accepted";
    return {Reason::internal, ""};
  }
  EXPECT_FALSE(result.error().message.empty());
  EXPECT_FALSE(result.error().remedy().empty());
  return {result.error().reason, result.error().pointer};
}

TEST(Supported, AreWebAndFileServers) {
  for (const char* url :
       {"http://host/a", "HTTPS://host/a", "ftp://host/a", "ftps://host/a", "SFTP://host/a"})
    EXPECT_TRUE(check_supported(one_url(url))) << url;
}

TEST(Supported, FilesOfFileServersAreOnlyFetched) {
  auto posts = one_url("ftp://host/a"), says = posts;
  posts.files[0].sources[0].request.method = "POST";
  says.files[0].sources[0].request.body = "x";

  for (const auto& document : {posts, says})
    EXPECT_EQ(refusal(check_supported(document)),
              (Refusal{Reason::cap_denied, "/what/files/0/sources/0/request"}));
}

TEST(Supported, EverySourceIsLookedAt) {
  auto document = one_url();
  document.files.push_back(document.files[0]);
  document.files[1].sources.push_back(document.files[0].sources[0]);
  document.files[1].sources[1].request.method = "PUT";

  EXPECT_EQ(refusal(check_supported(document)).pointer, "/what/files/1/sources/1/request/method");
}

TEST(Supported, AreGetAndPost) {
  auto document = one_url();
  document.files[0].sources[0].request.method = "POST";
  EXPECT_TRUE(check_supported(document));

  document.files[0].sources[0].request.method = "DELETE";
  EXPECT_EQ(refusal(check_supported(document)),
            (Refusal{Reason::cap_denied, "/what/files/0/sources/0/request/method"}));
}

TEST(Supported, CredentialsMustBeThereAndOfAKnownKind) {
  auto document = one_url();
  document.access.resize(1);
  document.access[0].id = "c1";
  document.files[0].sources[0].credential_ids = {"c1"};
  EXPECT_TRUE(check_supported(document));

  document.files[0].sources[0].credential_ids = {"c1", "c2"};
  EXPECT_EQ(refusal(check_supported(document)), (Refusal{Reason::invalid, "/what/files/0/sources/0/cred/1"}));
}

/// A self-signed certificate and its key.
struct Made {
  std::string certificate, key;
};
Made make_certificate() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 60);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  const auto text = [](auto write) {
    BIO* bio = BIO_new(BIO_s_mem());
    write(bio);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
  };
  Made made;
  made.certificate = text([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
  made.key =
      text([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return made;
}

TEST(Supported, ClientCertificatesMustBeReadableAndHaveTheirOwnKey) {
  const Made mine = make_certificate(), other = make_certificate();
  const auto judge = [](const std::string& certificate, const std::string& key) {
    auto document = one_url();
    auto& credential = document.access.emplace_back();
    credential.kind = CredentialKind::tls;
    credential.certificate = certificate;
    credential.key = key;
    return check_supported(document);
  };

  EXPECT_TRUE(judge(mine.certificate, mine.key));
  EXPECT_TRUE(judge(mine.certificate + other.certificate, mine.key));
  EXPECT_EQ(refusal(judge(mine.certificate, other.key)), (Refusal{Reason::invalid, "/access/0/key"}));
  EXPECT_EQ(refusal(judge(mine.key, mine.key)), (Refusal{Reason::invalid, "/access/0/cert"}));
  EXPECT_EQ(refusal(judge(mine.certificate, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n")),
            (Refusal{Reason::invalid, "/access/0/key"}));
}

TEST(Pem, IsSplitIntoCertificatesAndKey) {
  const Made mine = make_certificate();

  const PemParts parts =
      split_pem("Bag Attributes\n" + mine.key + "x\n" + mine.certificate + mine.certificate);

  EXPECT_EQ(parts.key, mine.key);
  EXPECT_EQ(parts.certificates, mine.certificate + mine.certificate);
  EXPECT_TRUE(split_pem("-----BEGIN CERTIFICATE-----\nAAAA").certificates.empty());
  EXPECT_EQ(certificate_end(mine.certificate).size(), std::string("2026-11-22T10:00:00Z").size());
  EXPECT_EQ(certificate_end("nonsense"), "");
}

TEST(Supported, AreNeitherCodeNorPayNorNotifyNorEveryRepetition) {
  auto code = one_url(), pay = one_url(), notify = one_url(), daily = one_url(), hourly = one_url();
  code.has_code = pay.has_pay = notify.has_notify = true;
  daily.when.repeat = "FREQ=DAILY";
  hourly.when.repeat = "FREQ=DAILY;BYHOUR=1,2,3";

  EXPECT_EQ(refusal(check_supported(code)), (Refusal{Reason::cap_denied, "/code"}));
  EXPECT_EQ(refusal(check_supported(pay)), (Refusal{Reason::cap_denied, "/pay"}));
  EXPECT_EQ(refusal(check_supported(notify)), (Refusal{Reason::cap_denied, "/notify"}));
  EXPECT_EQ(refusal(check_supported(hourly)), (Refusal{Reason::invalid, "/when/repeat"}));
  EXPECT_TRUE(check_supported(daily));
}

TEST(Validity, IsFromTenMinutesBeforeToTheEnd) {
  const auto document = one_url();
  const Instant made{Seconds(document.iat)}, end{Seconds(document.exp)};

  EXPECT_TRUE(check_times(document, made - Seconds(600)));
  EXPECT_TRUE(check_times(document, end - Millis(1)));
  EXPECT_EQ(refusal(check_times(document, made - Seconds(601))).pointer, "/iat");
  EXPECT_EQ(refusal(check_times(document, end)).pointer, "/exp");
}

TEST(Validity, HasItsLimits) {
  auto document = one_url();
  const Instant made{Seconds(document.iat)};

  document.exp = document.iat + 400LL * 86400;
  EXPECT_TRUE(check_times(document, made));
  document.exp += 1;
  EXPECT_EQ(refusal(check_times(document, made)).pointer, "/exp");
  document.exp = document.iat + 1;
  document.nbf = document.iat + 601;
  EXPECT_EQ(refusal(check_times(document, made)).pointer, "/nbf");
}

}  // namespace
}  // namespace restante::proxy
