// SPDX-License-Identifier: Apache-2.0
#include "api/app_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace restante::api {
namespace {

/// gzip -9n of "Restante\n".
constexpr std::string_view packed_line(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x0b\x4a\x2d\x2e\x49\xcc\x2b\x49\xe5\x02\x00\x5d\x3e\x99\xbb\x09"
    "\x00\x00\x00",
    29);
constexpr AppFile page{app_page_path, "text/html; charset=utf-8", "aa", packed_line, 9, true, false};
constexpr AppFile script{"/assets/a.js", "text/javascript; charset=utf-8", "bb", packed_line, 9, true, true};
constexpr AppFile picture{"/icons/a.png", "image/png", "cc", "png", 3, false, false};

std::string header(const http::Response& response, std::string_view name) {
  const auto found = std::find_if(response.headers.begin(), response.headers.end(),
                                  [&](const auto& field) { return field.first == name; });
  return found == response.headers.end() ? "" : found->second;
}

http::Response asked(const AppFile& file, std::vector<std::pair<std::string, std::string>> headers) {
  http::Request request;
  request.method = "GET";
  request.headers = std::move(headers);
  return app_answer(file, request);
}

TEST(AppFiles, GoOutPackedOnlyToWhoeverCanUnpackThem) {
  const auto packed = asked(script, {{"Accept-Encoding", "gzip, br"}}), plain = asked(script, {});

  EXPECT_EQ(std::get<std::string>(packed.body), packed_line);
  EXPECT_EQ(header(packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(std::get<std::string>(plain.body), "Restante\n");
  EXPECT_EQ(header(plain, "Content-Encoding"), "");
  for (const auto* one : {&packed, &plain}) EXPECT_EQ(header(*one, "Vary"), "Accept-Encoding");
  EXPECT_NE(header(packed, "ETag"), header(plain, "ETag"));
}

TEST(AppFiles, WhatIsNotPackedGoesOutAsItIs) {
  const auto answer = asked(picture, {{"Accept-Encoding", "gzip"}});

  EXPECT_EQ(std::get<std::string>(answer.body), "png");
  EXPECT_EQ(header(answer, "Content-Encoding"), "");
  EXPECT_EQ(header(answer, "Content-Type"), "image/png");
}

TEST(AppFiles, AreNotSentAgainToWhoeverHasThem) {
  const auto first = asked(page, {{"Accept-Encoding", "gzip"}});

  const auto again = asked(page, {{"Accept-Encoding", "gzip"}, {"If-None-Match", header(first, "ETag")}});
  const auto other = asked(page, {{"If-None-Match", header(first, "ETag")}});
  const auto dated = asked(page, {{"If-Modified-Since", "Sun, 06 Nov 2094 08:49:37 GMT"}});

  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(std::get<std::string>(again.body), "");
  EXPECT_EQ(header(again, "ETag"), header(first, "ETag"));
  EXPECT_EQ(other.status, 200);
  EXPECT_EQ(dated.status, 200);
}

TEST(AppFiles, OnlyThoseWhoseNameTellsTheirBytesAreKeptUnasked) {
  EXPECT_EQ(header(asked(script, {}), "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(header(asked(page, {}), "Cache-Control"), "no-cache");
  EXPECT_EQ(header(asked(picture, {}), "Cache-Control"), "no-cache");
}

TEST(AppFiles, ThePageRunsNoScriptButItsOwnFilesAndStandsInNoFrame) {
  const auto answer = asked(page, {});

  const std::string policy = header(answer, "Content-Security-Policy");
  EXPECT_NE(policy.find("default-src 'none'; script-src 'self'; style-src 'self';"), std::string::npos)
      << policy;
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_NE(policy.find("require-trusted-types-for 'script'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(header(answer, "Referrer-Policy"), "no-referrer");
  EXPECT_EQ(header(answer, "Cross-Origin-Opener-Policy"), "same-origin");
}

}  // namespace
}  // namespace restante::api
