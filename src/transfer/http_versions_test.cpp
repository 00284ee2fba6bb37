// SPDX-License-Identifier: Apache-2.0
#include "transfer/http_versions.hpp"

#include <gtest/gtest.h>

namespace restante::transfer {
namespace {

using Http2 = HttpVersions::Http2;

net::HttpUrl url(const char* text) {
  return *net::parse_url(text);
}

TEST(HttpVersions, AreOneUntilAServerNeedsTwo) {
  HttpVersions versions(Http2::needed, 8);

  EXPECT_FALSE(versions.asks_by_http2(url("https://a.example/x")));
  EXPECT_TRUE(versions.turns_to_http2(url("https://a.example/x")));
  EXPECT_TRUE(versions.asks_by_http2(url("https://a.example/y")));
  EXPECT_FALSE(versions.turns_to_http2(url("https://a.example/y"))) << "once";
  EXPECT_FALSE(versions.asks_by_http2(url("https://a.example:8443/x")));
}

TEST(HttpVersions, NeedTls) {
  HttpVersions needed(Http2::needed, 8), always(Http2::always, 8);

  EXPECT_FALSE(needed.turns_to_http2(url("http://a.example/")));
  EXPECT_FALSE(always.asks_by_http2(url("http://a.example/")));
  EXPECT_TRUE(always.asks_by_http2(url("https://a.example/")));
}

TEST(HttpVersions, StayAsTheOperatorSays) {
  HttpVersions never(Http2::never, 8);

  EXPECT_FALSE(never.turns_to_http2(url("https://a.example/")));
  EXPECT_EQ(HttpVersions::parse("always"), Http2::always);
  EXPECT_FALSE(HttpVersions::parse("sometimes"));
}

TEST(HttpVersions, OfManyServersAreForgotten) {
  HttpVersions versions(Http2::needed, 2);
  for (const char* one : {"https://a.example/", "https://b.example/", "https://c.example/"})
    EXPECT_TRUE(versions.turns_to_http2(url(one)));

  EXPECT_FALSE(versions.asks_by_http2(url("https://a.example/")));
  EXPECT_TRUE(versions.asks_by_http2(url("https://c.example/")));
}

TEST(HttpVersions, AreRefusedByTheseAnswersAlone) {
  const auto refuses = [](int status, const char* upgrade, bool http2 = false) {
    HeaderBlock head;
    head.status = status;
    head.http2 = http2;
    if (*upgrade != '\0') head.fields.emplace_back("upgrade", upgrade);
    return HttpVersions::refuses_http1(head);
  };

  EXPECT_TRUE(refuses(505, ""));
  EXPECT_TRUE(refuses(426, "h2"));
  EXPECT_FALSE(refuses(426, "websocket"));
  EXPECT_FALSE(refuses(426, ""));
  EXPECT_FALSE(refuses(200, "h2"));
  EXPECT_FALSE(refuses(505, "", true));
}

}  // namespace
}  // namespace restante::transfer
