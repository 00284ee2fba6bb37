// SPDX-License-Identifier: Apache-2.0
#include "transfer/look.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace restante::transfer {
namespace {

using jobs::Found;

HeaderBlock head_with(std::vector<std::pair<std::string, std::string>> fields) {
  HeaderBlock head;
  head.status = 200;
  head.fields = std::move(fields);
  return head;
}

struct Seen {
  bool read = false;
  Result<jobs::Offers> offers;
};
Seen look_at(const HeaderBlock& head, const std::string& body, const std::string& path = "/dir/",
             std::size_t most = 4096) {
  const auto url = *net::parse_url("http://a.example" + path);
  Look look(most);
  const bool read = look.begin(head, url);
  for (std::size_t at = 0; at < body.size() && !look.enough(); at += 100) look.add(body.substr(at, 100));
  jobs::ResponseFacts facts;
  facts.name_hint = "na/me.bin";
  facts.media_type = head.media_type();
  facts.total_bytes = 77;
  facts.last_modified = "Sun, 06 Nov 1994 08:49:37 GMT";
  return {read, look.offers(url, facts)};
}

TEST(Look, ReadsPagesAndMetalinksAndNothingElse) {
  const std::string page = "<!doctype html><a href=a.zip>a</a>";

  EXPECT_EQ(look_at(head_with({{"content-type", "text/html; charset=utf-8"}}), page).offers->found,
            Found::page);
  EXPECT_EQ(look_at(head_with({}), page).offers->found, Found::page);
  const auto binary = look_at(head_with({{"content-type", "video/mp4"}}), page);
  EXPECT_FALSE(binary.read);
  EXPECT_EQ(binary.offers->found, Found::file);
  const auto saved = look_at(
      head_with({{"content-type", "text/html"}, {"content-disposition", "attachment; filename=a.html"}}),
      page);
  EXPECT_FALSE(saved.read);
  EXPECT_EQ(saved.offers->found, Found::file);
  EXPECT_EQ(look_at(head_with({{"content-type", "text/html"}}), std::string(600, '\1')).offers->found,
            Found::file);
}

TEST(Look, AFileIsOneOffer) {
  const auto seen = look_at(head_with({{"content-type", "video/mp4"}}), "", "/get?id=3");

  ASSERT_EQ(seen.offers->offers.size(), 1u);
  const auto& offer = seen.offers->offers[0];
  EXPECT_EQ(offer.name, "na_me.bin");
  EXPECT_FALSE(offer.keeps_name);
  EXPECT_EQ(offer.url, "http://a.example/get?id=3");
  EXPECT_EQ(offer.size_bytes, 77u);
  EXPECT_EQ(offer.media_type, "video/mp4");
  EXPECT_TRUE(offer.modified);
}

TEST(Look, AMetalinkOffersItsFilesWithMirrorsSizesAndDigests) {
  const std::string metalink = R"(<?xml version="1.0"?><metalink xmlns="urn:ietf:params:xml:ns:metalink">
    <file name="a/b/one.iso"><size>5</size><hash type="sha-256">)" +
                               std::string(64, 'a') +
                               R"(</hash><url priority="2">http://b.example/1</url>
    <url priority="1">https://user:pw@c.example/1</url></file>
    <file name="../evil"><url>http://b.example/2</url></file></metalink>)";
  for (const auto& head : {head_with({{"content-type", "application/metalink4+xml"}}),
                           head_with({{"content-disposition", "attachment; filename=x.meta4"}})}) {
    const auto seen = look_at(head, metalink);

    ASSERT_TRUE(seen.offers) << seen.offers.error().message;
    EXPECT_EQ(seen.offers->found, Found::metalink);
    ASSERT_EQ(seen.offers->offers.size(), 1u);
    const auto& offer = seen.offers->offers[0];
    EXPECT_EQ(offer.folder + "/" + offer.name, "a/b/one.iso");
    EXPECT_EQ(offer.size_bytes, 5u);
    ASSERT_EQ(offer.sources.size(), 2u);
    EXPECT_EQ(offer.url, "https://c.example/1");
    EXPECT_TRUE(offer.sources[0].credential_ids.empty());
    ASSERT_EQ(offer.digests.size(), 1u);
    EXPECT_EQ(seen.offers->left_out.size(), 1u);
  }
}

TEST(Look, ABrokenOrEndlessMetalinkSaysSo) {
  const auto head = head_with({{"content-type", "application/metalink4+xml"}});

  EXPECT_EQ(look_at(head, "<metalink><file").offers.error().reason, Reason::malformed);
  EXPECT_EQ(look_at(head, std::string(5000, ' ')).offers.error().reason, Reason::too_large);
}

TEST(Look, TooMuchOfAPageIsLeftOutAndTold) {
  std::string page = "<!doctype html><a href=first.zip>";
  page.resize(4090, ' ');
  page += "<a href=last.zip>";

  const auto seen = look_at(head_with({{"content-type", "text/html"}}), page);

  EXPECT_EQ(seen.offers->offers.size(), 1u);
  EXPECT_EQ(seen.offers->left_out.size(), 1u);
}

}  // namespace
}  // namespace restante::transfer
