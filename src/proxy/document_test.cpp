// SPDX-License-Identifier: Apache-2.0
#include "proxy/document.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace restante::proxy {
namespace {

constexpr std::string_view jkt = "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s";

/// A document of one source, with more members of the top level and of the source.
std::string one_url(const std::string& members = "", const std::string& in_source = "",
                    const std::string& url = "https://host.example/a.bin") {
  return R"({"v":1,"id":"01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a","aud":[{"jkt":")" + std::string(jkt) +
         R"("}],"iat":1795335600,"exp":1796200000,"what":{"files":[{"sources":[{"url":")" + url + "\"" +
         in_source + "}]}]}" + members + "}";
}

TEST(Document, ReadsOneAddress) {
  const auto document = parse(one_url());

  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->files.at(0).sources.at(0).url, "https://host.example/a.bin");
  EXPECT_EQ(document->aud.at(0).jkt, jkt);
  EXPECT_TRUE(document->probe);
}

TEST(Document, IsTheSameAfterWritingAndReading) {
  const auto document =
      parse(one_url(R"(,"when":{"start":"2026-11-28T01:00:00+01:00[Europe/Paris]"},"keep":"P14D")"));
  ASSERT_TRUE(document) << document.error().message;

  const auto again = parse(to_json(*document));

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again), to_json(*document));
  EXPECT_EQ(to_rfc3339(*again->when.start), "2026-11-28T00:00:00Z");
}

}  // namespace
}  // namespace restante::proxy
