// SPDX-License-Identifier: Apache-2.0
#include "intake/mime.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante::intake {
namespace {

/// Looks like a sealed document: five parts, the last one of a tag's length.
std::string sealed(char fill = 'a', std::size_t size = 600) {
  return to_base64url(R"({"alg":"ECDH-ES+A256KW","enc":"A256GCM"})") + "." + std::string(54, fill) + "." +
         std::string(16, fill) + "." + std::string(size, fill) + "." + std::string(22, fill);
}

std::string mail(const std::string& fields, const std::string& body) {
  return "From: a@example.org\r\nSubject: hello\r\n" + fields + "\r\n" + body;
}

std::vector<std::string> found(const std::string& message) {
  auto documents = documents_in(message);
  return documents ? *documents : std::vector<std::string>{};
}

std::string broken(const std::string& text, const std::string& end, std::size_t width = 70) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += width) out += text.substr(at, width) + end;
  return out;
}

using List = std::vector<std::string>;

TEST(Mime, ABareDocumentOrItsLinkIsTakenAsItIs) {
  EXPECT_EQ(found(sealed()), List{sealed()});
  EXPECT_EQ(found("  " + sealed() + "\r\n"), List{sealed()});
  EXPECT_EQ(found("web+restante:p/" + sealed()), List{sealed()});
  EXPECT_EQ(found("https://place.example:8470/p#" + sealed()), List{sealed()});
  const std::string json = R"({"protected":"x","ciphertext":"y"})";
  EXPECT_EQ(found(json + "\n"), List{json});
}

TEST(Mime, AnAttachedFileIsFoundByItsTypeOrItsName) {
  const std::string json = R"({"protected":"x","ciphertext":"y"})";
  const auto attached = [&](const std::string& fields) {
    return found(mail("Content-Type: multipart/mixed; boundary=\"=_b 1\"\r\n",
                      "preamble\r\n--=_b 1\r\n\r\nsee there\r\n--=_b 1\r\n" + fields +
                          "Content-Transfer-Encoding: BASE64\r\n\r\n" + broken(to_base64(json), "\r\n") +
                          "--=_b 1--\r\nbehind\r\n"));
  };
  for (const auto* fields :
       {"Content-Type: application/vnd.restante.sealed+json\r\n", "Content-type: Application/JOSE ; x=y\r\n",
        "Content-Type: application/octet-stream; name=A.Restante\r\n",
        "Content-Disposition: attachment; (a \\) comment) filename=\"a \\\"b\\\".restante\"\r\n",
        "Content-Disposition: attachment;\r\n filename*=UTF-8''B%C3%BCro%2Erestante\r\n",
        "Content-Disposition: attachment; filename*0*=utf-8''a%20; filename*1=\"b.rest\"; "
        "filename*2=ante\r\n",
        "Content-Type: application/octet-stream\r\n"})
    EXPECT_EQ(attached(fields), List{json}) << fields;
}

TEST(Mime, LinksInTextsSurviveWhatMailProgramsDoToThem) {
  const std::string link = "https://place.example/p#" + sealed();
  EXPECT_EQ(found(mail("", "Please:\r\n" + link + "\r\nThanks")), List{sealed()});
  EXPECT_EQ(found(mail("", "<web+restante:p/" + sealed() + ">")), List{sealed()});
  EXPECT_EQ(
      found(mail("Content-Transfer-Encoding: quoted-printable\r\n", "Please: " + broken(link, "=\r\n"))),
      List{sealed()});
  EXPECT_EQ(
      found(mail("Content-Type: text/plain; format=flowed; delsp=yes\r\n", broken(link, " \r\n") + "Thanks")),
      List{sealed()});
  EXPECT_EQ(found(mail("", broken(link, "\r\n") + "Thanks")), List{sealed()});
  EXPECT_EQ(found(mail("", "> " + broken(link, "\n>> "))), List{sealed()});
  EXPECT_EQ(found(mail("Content-Transfer-Encoding: base64\r\n", broken(to_base64("a " + link + " b"), "\n"))),
            List{sealed()});
}

TEST(Mime, ASignedDocumentInALinkEndsWhereItsSignatureEnds) {
  const std::string head = to_base64url(R"({"alg":"ES256"})");
  const std::string one = head + "." + std::string(200, 'b') + "." + std::string(86, 'c');
  EXPECT_EQ(found(mail("", "web+restante:p/" + broken(one, "\r\n") + "Thanks")), List{one});
}

TEST(Mime, TheSameDocumentInTwoAlternativesIsOne) {
  const std::string link = "web+restante:p/" + sealed();
  EXPECT_EQ(found(mail("Content-Type: multipart/alternative; boundary=b\r\n",
                       "--b\r\nContent-Type: text/plain\r\n\r\n" + link +
                           "\r\n--b\r\nContent-Type: text/html\r\n\r\n<a href=\"" + link + "\">" + link +
                           "</a>\r\n--b--\r\n")),
            List{sealed()});
}

TEST(Mime, AForwardedMessageIsLookedInto) {
  const std::string inner = mail("", "web+restante:p/" + sealed() + "\r\n");
  EXPECT_EQ(
      found(mail("Content-Type: multipart/mixed; boundary=b\r\n",
                 "--b\r\n\r\nas asked\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + "\r\n--b--")),
      List{sealed()});
}

TEST(Mime, SeveralDocumentsComeInTheirOrder) {
  EXPECT_EQ(found(mail("", "web+restante:p/" + sealed('a') + "\nweb+restante:p/" + sealed('b') + "\n")),
            (List{sealed('a'), sealed('b')}));
}

TEST(Mime, BareLineFeedsAndAMissingEndAreHarmless) {
  EXPECT_EQ(found("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/jose\n\n" +
                  sealed() + "\n"),
            List{sealed()});
}

TEST(Mime, ABoundaryThatIsTheBeginningOfAnotherDoesNotSplitIt) {
  EXPECT_EQ(found(mail("Content-Type: multipart/mixed; boundary=b\r\n",
                       "--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\nContent-Type: "
                       "application/jose\r\n\r\n" +
                           sealed() + "\r\n--bb--\r\n--b--\r\n")),
            List{sealed()});
}

TEST(Mime, AMailWithoutARequestSaysSo) {
  for (const auto& text :
       {mail("", "See https://example.com/p#top, and https://example.com/a/p#x.y"), std::string(),
        std::string("\n\n"), mail("Content-Type: multipart/mixed\r\n", "--\r\n\r\nx\r\n----"),
        mail("Content-Transfer-Encoding: x-uuencode\r\n", "web+restante:p/" + sealed())}) {
    const auto documents = documents_in(text);
    ASSERT_FALSE(documents) << text;
    EXPECT_EQ(documents.error().reason, Reason::invalid);
  }
}

TEST(Mime, WhatIsTooMuchIsNotRead) {
  EXPECT_EQ(documents_in(std::string(5 << 20, 'x')).error().reason, Reason::too_large);
  std::string many;
  for (char c = 'a'; c <= 'z'; ++c) many += "web+restante:p/" + sealed(c) + "\n";
  EXPECT_EQ(found(mail("", many)).size(), 16u);
  EXPECT_TRUE(found("X: " + std::string(70'000, 'x') + "\r\n\r\nweb+restante:p/" + sealed()).empty());
  std::string parts;
  for (int i = 0; i < 100; ++i) parts += "--b\r\n\r\nx\r\n";
  EXPECT_TRUE(found(mail("Content-Type: multipart/mixed; boundary=b\r\n",
                         parts + "--b\r\nContent-Type: application/jose\r\n\r\n" + sealed() + "\r\n--b--"))
                  .empty());
}

TEST(Mime, NestingEndsAtItsLimit) {
  const auto nested = [](int levels) {
    std::string message;
    for (int i = 0; i < levels; ++i) message += "Content-Type: message/rfc822\r\n\r\n";
    return found(message + "Content-Type: application/jose\r\n\r\n" + sealed());
  };
  EXPECT_EQ(nested(8), List{sealed()});
  EXPECT_TRUE(nested(9).empty());
  EXPECT_TRUE(nested(20'000).empty());
}

}  // namespace
}  // namespace restante::intake
