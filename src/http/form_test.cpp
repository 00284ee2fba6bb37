// SPDX-License-Identifier: Apache-2.0
#include "http/form.hpp"

#include <gtest/gtest.h>

#include <random>

namespace restante::http {
namespace {

constexpr std::string_view type = "multipart/form-data; boundary=AaB03x";

/// As Chromium sends what a phone's share sheet gives.
const std::string shared =
    "--AaB03x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n\r\n"
    "--AaB03x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nsee https://a.example/x\r\n"
    "--AaB03x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a %22b%22.meta4\"\r\n"
    "Content-Type: application/metalink4+xml; charset=utf-8\r\n\r\n<metalink>\r\n--AaB03\r\n</metalink>\r\n"
    "--AaB03x--\r\n";

TEST(Multipart, PartsAreReadAsTheyWereSent) {
  const auto parts = read_multipart(type, shared);

  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 3u);
  EXPECT_EQ(parts->at(0).name, "title");
  EXPECT_EQ(parts->at(0).content, "");
  EXPECT_FALSE(parts->at(1).file_name);
  EXPECT_EQ(parts->at(1).content, "see https://a.example/x");
  EXPECT_EQ(parts->at(2).file_name, "a \"b\".meta4");
  EXPECT_EQ(parts->at(2).media_type, "application/metalink4+xml");
  EXPECT_EQ(parts->at(2).content, "<metalink>\r\n--AaB03\r\n</metalink>");
}

TEST(Multipart, SpellingsThatProgramsUseAreTheSame) {
  const std::string part = "\r\nContent-Disposition: form-data; name=url\r\n\r\nx\r\n";
  for (const auto& [head, body] : std::vector<std::pair<std::string, std::string>>{
           {"multipart/form-data; boundary=\"b c\"", "--b c" + part + "--b c--"},
           {"Multipart/Form-Data;charset=utf-8;Boundary=b", "--b" + part + "--b--\r\n"},
           {"multipart/form-data; boundary=b", "--b \t" + part + "--b-- \r\n"},
           {"multipart/form-data; boundary=b",
            "--b\r\ncontent-disposition:form-data;name=\"url\"\r\n"
            "Content-Transfer-Encoding: binary\r\nContent-Length: 1\r\n\r\nx\r\n--b--"},
           {"multipart/form-data; boundary=b;", "--b" + part + "--b--"}}) {
    const auto parts = read_multipart(head, body);
    ASSERT_TRUE(parts) << head << ": " << parts.error().message;
    ASSERT_EQ(parts->size(), 1u) << head;
    EXPECT_EQ(parts->at(0).name, "url");
    EXPECT_EQ(parts->at(0).content, "x");
  }
}

TEST(Multipart, APartWithoutContentIsEmpty) {
  const auto parts =
      read_multipart(type, "--AaB03x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--AaB03x--\r\n");

  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->at(0).content, "");
}

TEST(Multipart, WhatIsNoFormIsRefused) {
  const std::string part = "Content-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n";
  for (const auto& [head, body] : std::vector<std::pair<std::string, std::string>>{
           {"multipart/form-data", "--b\r\n" + part + "--b--"},
           {"multipart/form-data; boundary=", "--\r\n" + part + "----"},
           {"multipart/form-data; boundary=\"b ", "--b\r\n" + part + "--b--"},
           {"multipart/form-data; boundary=\"b \"", "--b \r\n" + part + "--b --"},
           {"multipart/form-data; boundary=" + std::string(71, 'b'),
            "--" + std::string(71, 'b') + "\r\n" + part + "--" + std::string(71, 'b') + "--"},
           {"multipart/form-data; boundary=b; boundary=c", "--b\r\n" + part + "--b--"},
           {"multipart/mixed; boundary=b", "--b\r\n" + part + "--b--"},
           {"multipart/form-data; boundary=b", ""},
           {"multipart/form-data; boundary=b", "preamble\r\n--b\r\n" + part + "--b--"},
           {"multipart/form-data; boundary=b", "--b\r\n" + part},
           {"multipart/form-data; boundary=b", "--b\r\n" + part + "--b--\r\nmore"},
           {"multipart/form-data; boundary=b", "--b\r\n" + part + "--bc\r\n" + part + "--b--"},
           {"multipart/form-data; boundary=b", "--b\n" + part + "--b--"},
           {"multipart/form-data; boundary=b", "--b\r\n\r\nx\r\n--b--"},
           {"multipart/form-data; boundary=b", "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--"},
           {"multipart/form-data; boundary=b", "--b\r\nnonsense\r\n" + part + "--b--"},
           {"multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"b\"\r\n" + part + "--b--"},
           {"multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--b--"},
           {"multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n--b--"},
           {"multipart/form-data; boundary=b",
            "--b\r\nContent-Transfer-Encoding: base64\r\n" + part + "--b--"}}) {
    const auto parts = read_multipart(head, body);
    EXPECT_FALSE(parts) << head << "\n" << body;
    if (!parts) EXPECT_EQ(parts.error().reason, Reason::malformed);
  }
}

TEST(Multipart, ManyPartsAndLongHeadsHaveLimits) {
  std::string many;
  for (int i = 0; i < 3; ++i) many += "--AaB03x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n";
  many += "--AaB03x--";

  EXPECT_TRUE(read_multipart(type, many, {3, 4096}));
  EXPECT_EQ(read_multipart(type, many, {2, 4096}).error().reason, Reason::too_large);
  EXPECT_EQ(read_multipart(type, many, {3, 20}).error().reason, Reason::too_large);
}

/// Whatever is cut off or changed: every content lies in the body, and nothing is read beyond it
/// (sanitizers).
TEST(Multipart, DamagedFormsAreRefusedOrReadWithinTheirBounds) {
  std::mt19937 random(20261122);
  const auto check = [](const std::string& body) {
    const auto parts = read_multipart(type, body);
    if (!parts) return;
    for (const auto& part : *parts) {
      EXPECT_GE(part.content.data(), body.data());
      EXPECT_LE(part.content.data() + part.content.size(), body.data() + body.size());
    }
  };

  for (std::size_t length = 0; length <= shared.size(); ++length) {
    const std::string cut = shared.substr(0, length);
    check(cut);
    const bool whole =
        length == shared.size() || length + 2 == shared.size();  // with or without the last CRLF
    EXPECT_EQ(read_multipart(type, cut).has_value(), whole) << length;
  }
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = shared;
    for (int n = 0; n < 3; ++n) {
      const auto at = random() % damaged.size();
      switch (random() % 3) {
        case 0:
          damaged[at] = static_cast<char>(random());
          break;
        case 1:
          damaged.erase(at, 1 + random() % 8);
          break;
        default:
          damaged.insert(at, shared, random() % shared.size(), random() % 16);
      }
    }
    check(damaged);
  }
}

TEST(Urlencoded, FieldsAreDecodedInTheirOrder) {
  const auto fields =
      read_urlencoded("title=&text=see+https%3A%2F%2Fa.example%2Fx%3Fa%3D1%26b&url&&text=%C3%A9");

  ASSERT_TRUE(fields);
  ASSERT_EQ(fields->size(), 4u);
  EXPECT_EQ(fields->at(1).name, "text");
  EXPECT_EQ(fields->at(1).value, "see https://a.example/x?a=1&b");
  EXPECT_EQ(fields->at(2).name, "url");
  EXPECT_EQ(fields->at(3).value, "\xc3\xa9");
  EXPECT_EQ(read_urlencoded("")->size(), 0u);
}

TEST(Urlencoded, BrokenOnesAreRefused) {
  for (const char* body : {"text=%4", "text=%zz", "%=a", "text=%ff", "\xff=a"})
    EXPECT_FALSE(read_urlencoded(body)) << body;
  EXPECT_EQ(read_urlencoded("a=1&b=2&c=3", {2, 0}).error().reason, Reason::too_large);
}

}  // namespace
}  // namespace restante::http
