// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "net/http_client_stub.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>

namespace restante::net {
namespace {

using ::testing::HasSubstr;

struct Certificate {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  std::string jkt;

  Certificate() {
    std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1,
                               -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    SSL_CTX_use_certificate(context.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), key.get());
    std::string point(65, '\0');
    std::size_t size = 0;
    EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                    reinterpret_cast<unsigned char*>(point.data()), point.size(), &size);
    const auto digest = sha256(R"({"crv":"P-256","kty":"EC","x":")" + to_base64url(point.substr(1, 32)) +
                               R"(","y":")" + to_base64url(point.substr(33, 32)) + "\"}");
    jkt = to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
  }
};

HttpClient plain_client() {
  return HttpClient(HttpClient::Options{});
}

TEST(HttpClient, SendsMethodHeadersAndBodyAndReadsTheAnswer) {
  std::string seen;
  StubServer server([&](const std::string& request) {
    seen = request;
    return stub_answer(202, "Location:  /v1/jobs/1 \r\n", "{}");
  });
  auto client = plain_client();
  ClientRequest request;
  request.method = "POST";
  request.url = server.url("/v1/proxies");
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  request.body = std::string("a\0b", 3);

  const auto response = client.send(request);

  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 202);
  EXPECT_EQ(response->header("location"), "/v1/jobs/1");
  EXPECT_EQ(response->body, "{}");
  EXPECT_THAT(seen, ::testing::StartsWith("POST /v1/proxies HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-Empty:\r\n"));
  EXPECT_THAT(seen, ::testing::EndsWith(std::string("\r\n\r\na\0b", 7)));
}

TEST(HttpClient, KeepsItsConnectionBetweenRequests) {
  StubServer server([](const std::string&) { return stub_answer(200, "", "x"); });
  auto client = plain_client();
  for (const char* method : {"GET", "PATCH", "DELETE", "GET"}) {
    ClientRequest request;
    request.method = method;
    request.url = server.url();
    request.body = std::string(method) == "PATCH" ? "{}" : "";
    ASSERT_TRUE(client.send(request));
  }

  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, DoesNotFollowRedirects) {
  StubServer server(
      [](const std::string&) { return stub_answer(302, "Location: http://127.0.0.1:1/\r\n", ""); });
  auto client = plain_client();
  ClientRequest request;
  request.url = server.url();

  const auto response = client.send(request);

  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
}

TEST(HttpClient, GivesTheBodyInPiecesAfterTheHead) {
  StubServer server(
      [](const std::string&) { return stub_answer(206, "ETag: \"a\"\r\n", std::string(100000, 'z')); });
  auto client = plain_client();
  ClientRequest request;
  request.url = server.url();
  int status = 0;
  std::size_t bytes = 0, heads = 0;
  request.on_head = [&](int code, const auto&) {
    EXPECT_EQ(bytes, 0u);
    status = code;
    ++heads;
  };
  request.on_body = [&](std::string_view piece) {
    EXPECT_EQ(heads, 1u);
    bytes += piece.size();
    return true;
  };

  const auto response = client.send(request);

  ASSERT_TRUE(response);
  EXPECT_EQ(status, 206);
  EXPECT_EQ(bytes, 100000u);
  EXPECT_EQ(response->body, "");
}

TEST(HttpClient, StopsWhenTheReaderOfTheBodySaysSo) {
  StubServer server([](const std::string&) { return stub_answer(200, "", std::string(1 << 20, 'z')); });
  auto client = plain_client();
  ClientRequest request;
  request.url = server.url();
  request.on_body = [](std::string_view) { return false; };

  const auto response = client.send(request);

  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, Reason::cancelled);
}

TEST(HttpClient, SaysWhereNothingAnswers) {
  std::string url;
  {
    StubServer gone([](const std::string&) { return std::string(); });
    url = gone.url("/v1/jobs?token=secret");
  }
  auto client = plain_client();
  ClientRequest request;
  request.url = url;

  const auto response = client.send(request);

  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, Reason::unreachable);
  EXPECT_THAT(response.error().message, HasSubstr("127.0.0.1:"));
  EXPECT_THAT(response.error().message, ::testing::Not(HasSubstr("secret")));
  EXPECT_EQ(response.error().hint, "is restanted running there?");
}

TEST(HttpClient, GivesUpOnAServerThatDoesNotAnswer) {
  StubServer server([](const std::string&) { return std::string("HTTP/1.1 200 OK\r\n"); });
  auto client = plain_client();
  ClientRequest request;
  request.url = server.url();
  request.total_time = std::chrono::milliseconds(200);

  const auto response = client.send(request);

  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, Reason::timeout);
}

TEST(HttpClient, GivesUpWhenNoByteComesForTheStallTime) {
  StubServer server(
      [](const std::string&) { return std::string("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"); });
  auto client = plain_client();
  ClientRequest request;
  request.url = server.url();
  request.stall_time = std::chrono::seconds(1);

  const auto response = client.send(request);

  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, Reason::timeout);
}

TEST(HttpClient, CallsAnAnswerCutShortAFault) {
  StubServer server([](const std::string&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc");
  });
  auto client = plain_client();
  ClientRequest request;
  request.url = server.url();

  const auto response = client.send(request);

  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, Reason::unreachable);
}

TEST(HttpClient, RefusesOtherSchemes) {
  auto client = plain_client();
  ClientRequest request;
  request.url = "file:///etc/passwd";

  const auto response = client.send(request);

  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, Reason::invalid);
}

TEST(HttpClient, SpeaksOverAUnixSocket) {
  const auto path = std::filesystem::temp_directory_path() / ("restante-" + random_token() + ".sock");
  {
    StubServer server([](const std::string&) { return stub_answer(200, "", "over the socket"); }, nullptr,
                      path);
    HttpClient::Options options;
    options.unix_socket = path;
    HttpClient client(options);
    ClientRequest request;
    request.url = "http://control/healthz";

    const auto response = client.send(request);

    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "over the socket");
  }
  std::filesystem::remove(path);
}

TEST(HttpClient, TrustsThePinnedKeyWhateverTheCertificateSays) {
  Certificate certificate;
  StubServer server([](const std::string&) { return stub_answer(200, "", "tls"); },
                    certificate.context.get());
  HttpClient::Options options;
  options.pinned_jkt = certificate.jkt;
  HttpClient client(options);
  ClientRequest request;
  request.url = server.url();

  const auto first = client.send(request);
  const auto second = client.send(request);

  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->body, "tls");
  ASSERT_TRUE(second) << second.error().message;
}

TEST(HttpClient, RefusesAnotherKeyThanThePinnedOneAndNamesBoth) {
  Certificate certificate, other;
  StubServer server([](const std::string&) { return stub_answer(200, "", "tls"); },
                    certificate.context.get());
  HttpClient::Options options;
  options.pinned_jkt = other.jkt;
  HttpClient client(options);
  ClientRequest request;
  request.url = server.url();

  const auto response = client.send(request);

  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, Reason::tls);
  EXPECT_THAT(response.error().message, HasSubstr(certificate.jkt));
  EXPECT_THAT(response.error().message, HasSubstr(other.jkt));
}

TEST(HttpClient, RefusesAnUnknownIssuerWithoutAPin) {
  Certificate certificate;
  StubServer server([](const std::string&) { return stub_answer(200, "", "tls"); },
                    certificate.context.get());
  auto client = plain_client();
  ClientRequest request;
  request.url = server.url();

  const auto response = client.send(request);

  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, Reason::tls);
}

}  // namespace
}  // namespace restante::net
