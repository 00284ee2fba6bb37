// SPDX-License-Identifier: Apache-2.0
#include "capture/understand.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante::capture {
namespace {

/// The shown addresses, one a line.
std::string urls(const Result<Understood>& understood) {
  if (!understood) return "error: " + understood.error().message;
  std::string out;
  for (const auto& one : understood->requests) out += one.url + "\n";
  return out;
}

TEST(Addresses, AreFoundOneALine) {
  const auto found = understand(
      "https://files.example/a.iso\r\n# not this one: https://no.example/\nftp.example/b c\n"
      "files.example:8080/b.iso\nlocalhost/c\n");

  EXPECT_EQ(urls(found),
            "https://files.example/a.iso\nhttp://files.example:8080/b.iso\nhttp://localhost/c\n");
}

TEST(Addresses, AreFoundWithinProse) {
  const auto found = understand(
      "Look (at https://a.example/w/File_(1).zip), and [that](http://b.example/x?y=1&z=2). "
      "\u201chttps://c.example/q\u201d <https://d.example/e>, \"https://e.example/f\"! Https://F.Example/G?");

  EXPECT_EQ(urls(found),
            "https://a.example/w/File_(1).zip\nhttp://b.example/x?…\nhttps://c.example/q\n"
            "https://d.example/e\nhttps://e.example/f\nhttps://f.example/G\n");
}

TEST(Addresses, TakeTheNameBehindATab) {
  const auto found = understand("https://a.example/1\tTalks/first talk.mp4\nhttps://a.example/2\t../up\n");

  ASSERT_EQ(found->requests.size(), 2u);
  EXPECT_EQ(found->requests[0].document.files[0].name, "first talk.mp4");
  EXPECT_EQ(found->requests[0].document.files[0].folder, "Talks");
  EXPECT_EQ(found->requests[1].document.files[0].name, "");
  EXPECT_EQ(found->requests[1].notes.size(), 1u);
}

TEST(Addresses, GiveTheirUserInformationAsALogin) {
  const auto found = understand("https://ana:S3CR3T%21@files.example:8443/a?key=S3CR3T#S3CR3T");

  ASSERT_EQ(found->requests.size(), 1u);
  const auto& one = found->requests[0];
  EXPECT_EQ(one.url, "https://files.example:8443/a?…");
  EXPECT_EQ(one.document.files[0].sources[0].url, "https://files.example:8443/a?key=S3CR3T");
  ASSERT_EQ(one.document.access.size(), 1u);
  EXPECT_EQ(one.document.access[0].password, "S3CR3T!");
  EXPECT_EQ(one.document.access[0].scope, std::vector<std::string>{"https://files.example:8443"});
  ASSERT_EQ(one.secrets.size(), 1u);
  EXPECT_EQ(one.secrets[0].kind, "basic");
  EXPECT_EQ(one.secrets[0].label, "ana");
}

TEST(Addresses, OfWhatNobodyServesAreLeftOutWithAReason) {
  const auto found =
      understand("magnet:?xt=S3CR3T\nblob:https://a.example/S3CR3T\nhttps://bücher.example/S3CR3T\n");

  EXPECT_EQ(urls(found), "");
  ASSERT_EQ(found->left_out.size(), 3u);
  for (const auto& one : found->left_out) {
    EXPECT_EQ((one.what + one.why).find("S3CR3T"), std::string::npos) << one.what << ": " << one.why;
    EXPECT_FALSE(one.why.empty());
  }
}

TEST(Addresses, AreTakenOnceAndWithinALimit) {
  Hint hint;
  hint.limits.requests = 2;
  const auto found =
      understand("https://a.example/1 https://a.example/1 https://a.example/2 https://a.example/3", hint);

  EXPECT_EQ(urls(found), "https://a.example/1\nhttps://a.example/2\n");
  ASSERT_EQ(found->left_out.size(), 1u);
  EXPECT_EQ(found->left_out[0].what, "1 more");
}

TEST(Understand, RefusesWhatHasNothingInIt) {
  for (const std::string text : {"", "hello", "\xff\xfe", "e.g. this. and that", "1.2.3"}) {
    const auto found = understand(text);

    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().reason, Reason::invalid);
    EXPECT_FALSE(found.error().hint.empty());
  }
}

std::string times(std::size_t count, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

TEST(Understand, StopsWhereATextHasTooMuch) {
  Hint hint;
  hint.limits.tries = 100;
  for (const std::string& text :
       {times(1000, "ftp://a.example/x\n"), times(1000, "ftp://a.example/x "),
        "curl " + times(1000, "ftp://a.example/x "), times(1000, "https://a\n  out=..\n")}) {
    const auto found = understand(text, hint);

    ASSERT_TRUE(found) << text.substr(0, 40);
    EXPECT_LE(found->requests.size() + found->left_out.size(), 70u) << text.substr(0, 40);
  }
}

TEST(Understand, RefusesMoreCookiesAndHeadersThanDocumentsHave) {
  std::string cookies, headers;
  for (int i = 0; i < 300; ++i) cookies += "c" + std::to_string(i) + "=1; ";
  for (int i = 0; i < 70; ++i) headers += " -H 'X-" + std::to_string(i) + ": 1'";

  const auto found =
      understand("curl -b '" + cookies + "' https://a.example/1\ncurl https://a.example/2" + headers);

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(urls(found), "");
  EXPECT_EQ(found->left_out.size(), 2u);
}

TEST(AddressTo, MakesADocumentThatThisPlaceTakes) {
  const auto found = understand("https://a.example/1");
  const Instant now{std::chrono::seconds(1'800'000'000)};

  const auto one =
      address_to(found->requests.at(0).document, {std::string(43, 'B'), "https://p.example"}, now);
  const auto parsed = proxy::parse(proxy::to_json(one));

  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->aud.at(0).url, "https://p.example");
  EXPECT_EQ(parsed->iat, 1'800'000'000);
}

}  // namespace
}  // namespace restante::capture
