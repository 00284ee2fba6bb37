// SPDX-License-Identifier: Apache-2.0
#include "transfer/digests.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante::transfer {
namespace {

std::string base64_of(const char* algorithm, std::string_view text) {
  Hasher hasher(algorithm);
  hasher.update(text.data(), text.size());
  return to_base64(hasher.finish());
}
std::string sha256_of(std::string_view text) {
  return base64_of("SHA256", text);
}

TEST(Digests, ReadsWhatServersPublish) {
  const std::string sum = sha256_of("hello");
  const auto name = [](const std::optional<PublishedDigest>& found) {
    return found ? found->algorithm : "none";
  };

  EXPECT_EQ(name(whole_digest({{"repr-digest", "sha-256=:" + sum + ":"}})), "sha-256");
  EXPECT_EQ(name(whole_digest({{"repr-digest", "md5=:x:, sha-256=:" + sum + ":;q=1 , crc32c=:y:"}})),
            "sha-256");
  EXPECT_EQ(name(whole_digest({{"digest", "unixsum=1, SHA-256=" + sum}})), "sha-256");
  EXPECT_EQ(name(whole_digest({{"digest", "sha=" + base64_of("SHA1", "hello")}})), "sha");
  EXPECT_EQ(name(answer_digest({{"content-digest",
                                 "sha-512=:" + base64_of("SHA512", "hello") + ":, sha-256=:" + sum + ":"}})),
            "sha-512");
  EXPECT_EQ(name(answer_digest({{"repr-digest", "sha-256=:" + sum + ":"}})), "none");
  for (const char* bad :
       {"", "sha-256", "sha-256=", "sha-256=:", "sha-256=::", "sha-256=:AAAA:", "sha-256=AAAA"}) {
    EXPECT_EQ(name(whole_digest({{"repr-digest", bad}})), "none") << bad;
  }
}

TEST(Digests, ComparesWhatCameWithHeaderAndTrailer) {
  using Result = DigestWatch::Result;
  const auto ended = [](std::optional<std::string> header, std::optional<std::string> trailer,
                        bool announced) {
    DigestWatch watch;
    const auto of = [](const std::string& text) {
      return *whole_digest({{"repr-digest", "sha-256=:" + sha256_of(text) + ":"}});
    };
    if (header) watch.expect(of(*header));
    if (announced) watch.expect_in_trailer(true);
    watch.add("hel");
    watch.add("lo");
    std::vector<PublishedDigest> later;
    if (trailer) later.push_back(of(*trailer));
    return watch.finish(later);
  };

  EXPECT_EQ(ended("hello", {}, false), Result::agrees);
  EXPECT_EQ(ended("hellO", {}, false), Result::differs);
  EXPECT_EQ(ended({}, "hello", true), Result::agrees);
  EXPECT_EQ(ended({}, "hellO", true), Result::differs);
  EXPECT_EQ(ended("hello", "hellO", true), Result::differs);
  EXPECT_EQ(ended("hellO", "hello", true), Result::differs);
  EXPECT_EQ(ended({}, {}, true), Result::nothing);
  EXPECT_EQ(ended({}, "hello", false), Result::nothing);
}

}  // namespace
}  // namespace restante::transfer
