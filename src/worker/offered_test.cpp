// SPDX-License-Identifier: Apache-2.0
#include "worker/offered.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace restante::worker {
namespace {

using namespace std::chrono_literals;

/// Every field differs from its default.
jobs::Offer full_offer() {
  jobs::Offer offer;
  offer.kind = jobs::Offer::Kind::media;
  offer.name = "Wöche 12.mp4";
  offer.keeps_name = false;
  offer.folder = "a/b";
  offer.label = "the \"lecture\"";
  offer.url = "https://example.org/a/b/w.mp4?x=1";
  offer.media_type = "video/mp4";
  offer.size_bytes = 9007199254740991u;
  offer.modified = Instant(1780000000123ms);
  proxy::Source mirror;
  mirror.url = "ftp://mirror.example/w.mp4";
  mirror.priority = 3;
  offer.sources = {mirror};
  offer.digests = {{"sha-256", std::string(64, 'a')}, {"md5", std::string(32, 'b')}};
  return offer;
}

TEST(Offered, ArrivesWithEveryField) {
  Offered sent;
  sent.transfer = 7;
  sent.offers.found = jobs::Found::metalink;
  sent.offers.title = "Lectures";
  sent.offers.offers = {full_offer()};
  sent.offers.left_out = {{"more", "too many"}};

  auto back = decode_to_server(encode(ToServer(sent)));

  ASSERT_TRUE(back) << back.error().message;
  const auto& got = std::get<Offered>(*back);
  EXPECT_EQ(got.transfer, 7u);
  EXPECT_EQ(got.offers.found, jobs::Found::metalink);
  EXPECT_EQ(got.offers.title, "Lectures");
  EXPECT_EQ(got.offers.left_out.at(0).what + got.offers.left_out.at(0).why, "moretoo many");
  const auto& offer = got.offers.offers.at(0);
  const auto expected = full_offer();
  EXPECT_EQ(offer.kind, expected.kind);
  EXPECT_FALSE(offer.keeps_name);
  EXPECT_EQ(offer.name + offer.folder + offer.label, expected.name + expected.folder + expected.label);
  EXPECT_EQ(offer.url + offer.media_type, expected.url + expected.media_type);
  EXPECT_EQ(offer.size_bytes, expected.size_bytes);
  EXPECT_EQ(offer.modified, expected.modified);
  ASSERT_EQ(offer.sources.size(), 1u);
  EXPECT_EQ(offer.sources[0].url, "ftp://mirror.example/w.mp4");
  EXPECT_EQ(offer.sources[0].priority, 3);
  EXPECT_EQ(offer.digests, expected.digests);
}

TEST(Offered, ABrowseCarriesItsOrder) {
  Browse browse;
  browse.transfer = 3;
  browse.order.account = AccountId{4};
  browse.order.source.url = "ftp://example.org/pub/";
  browse.order.probe = true;

  auto back = decode_to_worker(encode(ToWorker(std::move(browse))));

  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(std::get<Browse>(*back).transfer, 3u);
  EXPECT_EQ(std::get<Browse>(*back).order.source.url, "ftp://example.org/pub/");
  EXPECT_TRUE(std::get<Browse>(*back).order.probe);
}

TEST(Offered, WhatNoDocumentCouldCarryIsNotSound) {
  const auto is_sound_with = [](const std::function<void(jobs::Offer&)>& change) {
    jobs::Offer offer = full_offer();
    change(offer);
    return is_sound(offer);
  };
  EXPECT_TRUE(is_sound_with([](auto&) {}));

  for (const char* name : {"", ".", "..", "a/b", "a\\b", "a\nb", "\xff", "\x1b[31m"})
    EXPECT_FALSE(is_sound_with([&](auto& o) { o.name = name; })) << name;
  for (const char* folder : {"/a", "a/", "a//b", "../a", "a/..", "a\\b"})
    EXPECT_FALSE(is_sound_with([&](auto& o) { o.folder = folder; })) << folder;
  for (const char* url : {"", "javascript:alert(1)", "/a", "http:///a", "https://u:p@h/a", "http://h/a b",
                          "file:///etc/passwd", "https://h/a#b"}) {
    EXPECT_FALSE(is_sound_with([&](auto& o) { o.url = url; })) << url;
    EXPECT_FALSE(is_sound_with([&](auto& o) { o.sources[0].url = url; })) << url;
  }
  EXPECT_FALSE(is_sound_with([](auto& o) { o.name = std::string(256, 'x'); }));
  EXPECT_FALSE(is_sound_with([](auto& o) { o.label = "two\nlines"; }));
  EXPECT_FALSE(is_sound_with([](auto& o) { o.media_type = "vidéo/mp4"; }));
  EXPECT_FALSE(is_sound_with([](auto& o) { o.size_bytes = 9007199254740992u; }));
  EXPECT_FALSE(is_sound_with([](auto& o) { o.modified = Instant(-1ms); }));
  EXPECT_FALSE(is_sound_with([](auto& o) { o.digests[0].second = "A"; }));
  EXPECT_FALSE(is_sound_with([](auto& o) { o.digests[0].first = "crc"; }));
  EXPECT_FALSE(is_sound_with([](auto& o) { o.sources[0].request.headers = {{"Cookie", "a"}}; }));
  EXPECT_FALSE(is_sound_with([](auto& o) { o.sources[0].request.method = "POST"; }));
  EXPECT_FALSE(is_sound_with([](auto& o) { o.sources.resize(65, o.sources[0]); }));
}

TEST(Offered, AreManyPacketsThatFitAndArePassedByTheServer) {
  jobs::Offers offers;
  offers.found = jobs::Found::index;
  offers.title = "many";
  for (int i = 0; i < 4000; ++i) {
    jobs::Offer offer = full_offer();
    offer.name = std::string(200, '"') + std::to_string(i);
    offer.label = std::string(500, '\\');
    offers.offers.push_back(offer);
  }
  offers.offers[5].name = "../evil";

  const auto packets = pack(9, std::move(offers));

  OfferClaims claims;
  std::size_t count = 0;
  EXPECT_GT(packets.size(), 10u);
  for (const auto& packet : packets) {
    EXPECT_EQ(packet.transfer, 9u);
    const std::string text = encode(ToServer(packet));
    EXPECT_LE(text.size(), max_packet_bytes);
    ASSERT_TRUE(decode_to_server(text));
    EXPECT_TRUE(claims.take(packet.offers));
    count += packet.offers.offers.size();
  }
  EXPECT_EQ(count, 3999u);
}

TEST(Offered, NothingAtAllIsStillOnePacket) {
  const auto packets = pack(1, {});

  ASSERT_EQ(packets.size(), 1u);
  EXPECT_TRUE(OfferClaims().take(packets[0].offers));
}

TEST(Offered, MoreThanTheLimitIsLeftOutAndTold) {
  jobs::Offers offers;
  offers.offers.assign(5000, full_offer());

  const auto packets = pack(1, std::move(offers));

  OfferClaims claims;
  std::size_t count = 0;
  for (const auto& packet : packets) {
    EXPECT_TRUE(claims.take(packet.offers));
    count += packet.offers.offers.size();
  }
  EXPECT_EQ(count, 4096u);
  ASSERT_EQ(packets[0].offers.left_out.size(), 1u);
  EXPECT_NE(packets[0].offers.left_out[0].why.find("4096"), std::string::npos);
}

TEST(Offered, AFloodIsMoreThanAWorkerMay) {
  jobs::Offers part;
  part.offers.assign(100, full_offer());
  OfferClaims claims;
  int taken = 0;
  while (taken < 1000 && claims.take(part)) ++taken;
  EXPECT_LE(taken, 40);

  OfferClaims idle;
  EXPECT_TRUE(idle.take({}));
  EXPECT_FALSE(idle.take({}));

  jobs::Offers evil;
  evil.offers = {full_offer()};
  evil.offers[0].url = "file:///etc/passwd";
  auto refused = OfferClaims().take(evil);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::malformed);
}

}  // namespace
}  // namespace restante::worker
