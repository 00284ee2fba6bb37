// SPDX-License-Identifier: Apache-2.0
#include "request/place.hpp"

#include "base/text.hpp"
#include "request/test_place.hpp"

#include <gtest/gtest.h>

namespace restante::request {
namespace {

const std::string jkt = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

TEST(Places, AreReadAsTheyWereWrittenAndTheFirstIsTheDefault) {
  TestFolder folder;
  auto home = Home::open_at(folder / "h");
  Place work = test_place("https://work.test:1");
  work.name = "work";
  ASSERT_TRUE(save_places(*home, {test_place(), work}));

  const auto places = load_places(*home);

  ASSERT_TRUE(places);
  ASSERT_EQ(places->size(), 2u);
  EXPECT_EQ((*places)[1].token, "token-1");
  EXPECT_EQ((*places)[1].device_jkt, std::string(43, 'd'));
  EXPECT_EQ(find_place(*places, "")->name, "home");
  EXPECT_EQ(find_place(*places, "work")->url, "https://work.test:1");
  EXPECT_EQ(find_place(*places, "none").error().reason, Reason::not_found);
  EXPECT_NE(find_place({}, "").error().hint.find("restanted pair"), std::string::npos);
}

TEST(Places, DamagedFileIsNamed) {
  TestFolder folder;
  auto home = Home::open_at(folder / "h");
  ASSERT_TRUE(home->write("places.json", "{\"places\": ["));

  const auto places = load_places(*home);

  ASSERT_FALSE(places);
  EXPECT_NE(places.error().message.find("places.json"), std::string::npos);
}

TEST(PairingUrl, IsReadFromTheWholeLine) {
  const auto url = parse_pairing_url("https://Home.example:8443/pair#k=" + jkt + "&c=AbC-_1\n");

  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->url, "https://home.example:8443");
  EXPECT_EQ(url->jkt, jkt);
  EXPECT_EQ(url->code, "AbC-_1");
}

TEST(PairingUrl, OfAnInvitationTellsTheStay) {
  const auto url = parse_pairing_url("https://hotel.example/pair#k=" + jkt +
                                     "&c=x&from=2026-12-01T14:00:00Z&until=2026-12-05T10:00:00Z");
  const auto plain = parse_pairing_url("https://hotel.example/pair#k=" + jkt + "&c=x&until=soon");

  ASSERT_TRUE(url && plain);
  EXPECT_EQ(url->code, "x");
  EXPECT_EQ(url->from, from_rfc3339("2026-12-01T14:00:00Z"));
  EXPECT_EQ(url->until, from_rfc3339("2026-12-05T10:00:00Z"));
  EXPECT_FALSE(plain->until);
}

TEST(PairingUrl, MayBePlainOnlyOnThisMachine) {
  for (const char* host : {"127.0.0.1:8470", "127.8.9.10", "localhost:1", "[::1]:8470"})
    EXPECT_TRUE(parse_pairing_url("http://" + std::string(host) + "/pair#k=" + jkt + "&c=x")) << host;
  for (const char* host : {"10.0.0.1:8470", "example.org", "127.0.0.1.example.org", "[fe80::1]:1"}) {
    const auto url = parse_pairing_url("http://" + std::string(host) + "/pair#k=" + jkt + "&c=x");
    ASSERT_FALSE(url) << host;
    EXPECT_EQ(url.error().reason, Reason::insecure);
  }
}

TEST(PairingUrl, RefusesEverythingElse) {
  const std::vector<std::string> wrong{"",
                                       "home",
                                       "https://home.example",
                                       "https://home.example/pair",
                                       "https://home.example/other#k=" + jkt + "&c=x",
                                       "https://home.example/pair#k=short&c=x",
                                       "https://home.example/pair#k=" + jkt,
                                       "https://home.example/pair#c=x",
                                       "https://home.example/pair#k=" + jkt + "&c=a b",
                                       "https://user@home.example/pair#k=" + jkt + "&c=x",
                                       "ftp://home.example/pair#k=" + jkt + "&c=x",
                                       "https:///pair#k=" + jkt + "&c=x"};
  for (const std::string& text : wrong) {
    const auto url = parse_pairing_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().reason, Reason::usage) << text;
  }
}

TEST(PlaceName, IsAShortWord) {
  for (const char* good : {"home", "a", "My-place_2.x", "9"}) EXPECT_TRUE(check_place_name(good)) << good;
  for (const char* bad : {"", ".hidden", "a/b", "a b", "-x", "\xc3\xa9", "trip"})
    EXPECT_FALSE(check_place_name(bad)) << bad;
  EXPECT_FALSE(check_place_name(std::string(65, 'a')));
}

}  // namespace
}  // namespace restante::request
