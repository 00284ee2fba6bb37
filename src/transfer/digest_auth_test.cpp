// SPDX-License-Identifier: Apache-2.0
#include "transfer/digest_auth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace restante::transfer {
namespace {

using testing::HasSubstr;
using testing::Not;

std::optional<DigestSpace> space_of(std::string_view value) {
  return digest_space(parse_challenges({value}));
}

TEST(Challenges, AreReadFromOneFieldOrSeveral) {
  const auto found = parse_challenges(
      {R"(Negotiate YWJj==, Basic realm="a, \"b\"" , charset=UTF-8,Digest realm=x,nonce = "n")", "Bearer"});

  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].scheme, "negotiate");
  EXPECT_EQ(*found[1].member("realm"), "a, \"b\"");
  EXPECT_EQ(*found[1].member("charset"), "UTF-8");
  EXPECT_EQ(*found[2].member("nonce"), "n");
  EXPECT_EQ(found[3].scheme, "bearer");
}

TEST(Challenges, ThatAreBrokenAreLeftOut) {
  for (const char* text : {"", ",", "=", "\"", "\"x\"", "realm=\"x\"", "Digest realm=\"x",
                           "Digest realm=a, realm=b", "Digest realm=\"a\\"}) {
    EXPECT_FALSE(space_of(text)) << text;
  }
  EXPECT_EQ(parse_challenges({"Digest realm=\"x, Basic realm=\"y\", Bearer"}).size(), 0U);
}

TEST(Challenges, OfAnyBytesDoNoHarm) {
  std::mt19937 dice(7);
  constexpr std::string_view letters = "Digest realm=\"x\", nonce,\\=\t";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto left = dice() % 60; left > 0; --left) text += letters[dice() % letters.size()];
    EXPECT_LE(parse_challenges({text, text}).size(), 32U);
  }
}

/// RFC 7616 §3.9.1.
TEST(Digest, AnswersAsTheStandardShows) {
  constexpr std::string_view rest =
      R"(realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS")";
  const DigestQuestion question{"Mufasa", "Circle of Life", "GET", "/dir/index.html",
                                "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"};
  const auto answer = [&](const char* algorithm) {
    auto space = space_of("Digest " + std::string(rest) + ", algorithm=" + algorithm);
    return digest_answer(*space, question);
  };

  EXPECT_THAT(answer("MD5"), HasSubstr("response=\"8ca523f5e9506fed4657c9700eebdbec\""));
  EXPECT_THAT(answer("SHA-256"),
              HasSubstr("response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""));
  EXPECT_THAT(answer("MD5"), HasSubstr("qop=auth, nc=00000001, cnonce=\"f2/wE4q7"));
}

/// RFC 7616 §3.9.2 with the user hash of erratum 4897; the response was computed with Python's hashlib.
TEST(Digest, HidesTheUserWhenAsked) {
  auto space = space_of(
      R"(Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true)");
  const DigestQuestion question{"J\xC3\xA4s\xC3\xB8n Doe", "Secret, or not?", "GET", "/doe.json",
                                "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm"};

  const std::string answer = digest_answer(*space, question);

  EXPECT_THAT(answer,
              HasSubstr("username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\""));
  EXPECT_THAT(answer,
              HasSubstr("response=\"7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c\""));
  EXPECT_THAT(answer, HasSubstr("userhash=true"));
  EXPECT_THAT(answer, Not(HasSubstr("Doe\"")));
}

/// RFC 2069 §2.4, with the corrected response of RFC 2617 errata 749's form: no qop.
TEST(Digest, AnswersServersThatKnowNoQuality) {
  auto space = space_of(R"(Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093")");
  const std::string answer =
      digest_answer(*space, {"Mufasa", "CircleOfLife", "GET", "/dir/index.html", "unused"});

  EXPECT_THAT(answer, HasSubstr("response=\"1949323746fe6a43ef61f9606e7febea\""));
  EXPECT_THAT(answer, Not(HasSubstr("qop")));
}

TEST(Digest, CountsTheAnswersOfANonce) {
  auto space = space_of(R"(Digest realm="a", nonce="n", qop=auth)");
  const DigestQuestion question{"u", "p", "GET", "/", "c"};

  const std::string first = digest_answer(*space, question), second = digest_answer(*space, question);

  EXPECT_THAT(first, HasSubstr("nc=00000001"));
  EXPECT_THAT(second, HasSubstr("nc=00000002"));
}

TEST(Digest, TakesTheStrongestOfSeveralOffers) {
  const auto best = digest_space(parse_challenges({R"(Digest realm="a", nonce="1", algorithm=MD5)",
                                                   R"(Digest realm="a", nonce="2", algorithm=SHA-256)",
                                                   R"(Digest realm="a", nonce="3", algorithm=SHA3)"}));

  EXPECT_EQ(best->nonce, "2");
}

TEST(Digest, LeavesOffersAloneThatItCannotAnswer) {
  EXPECT_FALSE(space_of(R"(Digest realm="a", nonce="n", qop="auth-int")"));
  EXPECT_FALSE(space_of(R"(Digest realm="a", nonce="n", algorithm=SHA-512)"));
  EXPECT_FALSE(space_of(R"(Digest realm="a")"));
  EXPECT_FALSE(space_of(R"(Basic realm="a", nonce="n")"));
}

TEST(Digest, EscapesWhatItRepeats) {
  auto space = space_of(R"(Digest realm="a\"b", nonce="n\\", opaque="o")");

  const std::string answer = digest_answer(*space, {"u\"x", "p", "GET", "/", "c"});

  EXPECT_THAT(answer, HasSubstr(R"(username="u\"x", realm="a\"b", nonce="n\\", uri="/")"));
  EXPECT_THAT(answer, HasSubstr(R"(opaque="o")"));
}

TEST(Digest, LearnsTheNextNonce) {
  EXPECT_EQ(next_nonce(R"(rspauth="x", nextnonce="abc", nc=00000001)"), "abc");
  EXPECT_EQ(next_nonce("nc=1"), "");
  EXPECT_EQ(next_nonce(""), "");
}

}  // namespace
}  // namespace restante::transfer
