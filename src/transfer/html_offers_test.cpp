// SPDX-License-Identifier: Apache-2.0
#include "transfer/html_offers.hpp"

#include "transfer/html_tokens.hpp"
#include "worker/offered.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace restante::transfer {
namespace {

using jobs::Offer;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

jobs::Offers offers_in(const std::string& html, const std::string& url = "http://a.example/dir/page.html") {
  FetchedPage page;
  page.html = html;
  page.url = *net::parse_url(url);
  return offers_of_html(page);
}

std::string shown(const Offer& offer) {
  constexpr const char* kinds[] = {"file", "media", "page", "folder"};
  return std::string(kinds[static_cast<int>(offer.kind)]) + " " + offer.name + " " + offer.url;
}
std::vector<std::string> all_in(const std::string& html) {
  std::vector<std::string> out;
  for (const Offer& offer : offers_in(html).offers) out.push_back(shown(offer));
  return out;
}

TEST(HtmlOffers, LinksAndMediaOfAPageAreOfferedOnce) {
  EXPECT_THAT(
      all_in(
          R"html(<title>Lectures</title><a href="week12.mp4">Week 12</a> <A HREF = 'week12.mp4#t=3'>again</a>
        <a href=/about>About</a><a href="notes.php?id=3&amp;x=1">Notes</a><img src="../cover.jpg" alt="Cover">
        <video src=clip.webm></video><audio><source src=talk.ogg type="audio/ogg; codecs=opus"></audio>
        <object data="flash.swf"></object><embed src="doc.pdf"><track src="words.vtt">
        <map><area href="area.zip"></map><link rel=enclosure href="cast.mp3" type="audio/mpeg">
        <link rel=stylesheet href="style.css"><meta property="og:video" content="https://cdn.example/v.mp4">)html"),
      ElementsAre(
          "file week12.mp4 http://a.example/dir/week12.mp4", "media cover.jpg http://a.example/cover.jpg",
          "media clip.webm http://a.example/dir/clip.webm", "media talk.ogg http://a.example/dir/talk.ogg",
          "media flash.swf http://a.example/dir/flash.swf", "media doc.pdf http://a.example/dir/doc.pdf",
          "media words.vtt http://a.example/dir/words.vtt", "file area.zip http://a.example/dir/area.zip",
          "media cast.mp3 http://a.example/dir/cast.mp3", "media v.mp4 https://cdn.example/v.mp4",
          "page about http://a.example/about", "page notes.php http://a.example/dir/notes.php?id=3&x=1"));
}

TEST(HtmlOffers, TitleLabelsAndTypesAreShownAsLines) {
  const auto offers = offers_in(
      "<title> Week\n 12 &ndash; \x1b[31mred </title><a href=a.zip>The\n\t<b>file</b> &amp; more</a>"
      "<img src=b.png alt='A &quot;cover&quot;'><a href=c.bin type='application/X-Thing; a=b'></a>");

  EXPECT_EQ(offers.title, "Week 12 – ?[31mred");
  ASSERT_EQ(offers.offers.size(), 3u);
  EXPECT_EQ(offers.offers[0].label, "The file & more");
  EXPECT_EQ(offers.offers[1].label, "A \"cover\"");
  EXPECT_EQ(offers.offers[2].media_type, "application/x-thing");
}

TEST(HtmlOffers, WhatNoRequestCanBeMadeForIsNoOffer) {
  EXPECT_THAT(all_in(R"html(<a href="#top"><a href=""><a href="mailto:a@b"><a href="javascript:alert(1)">
        <a href=" java
script:alert(1)"><a href="data:text/plain,x"><a href="blob:http://a.example/1"><a href="tel:1">
        <a href="file:///etc/passwd"><a href="http://"><a href="//"><a href="http:///x"><a href="page.html#x">
        <a><img><img src=""><a name=x><a href="ht!tp://x/"><a href="//[::1"><a href="http://a b/">)html"),
              IsEmpty());
}

TEST(HtmlOffers, AddressesAreReadAsBrowsersReadThem) {
  EXPECT_THAT(
      all_in(R"html(<base href="//other.example/x/"><base href="/ignored/"><a href=" a b.zip ">
        <a href="s\t.zip"><a href="\\third.example\y.zip"><a href="../../../up.zip"><a href="?q=1">
        <a href="ü.zip"><a href="HTTP://User:Pw@Fourth.example:80/z.zip"><a href="ftp://me:pw@ftp.example/pub/f.iso#x">
        <a href="sftp://h.example:2022/f.iso">)html"),
      ElementsAre("file a b.zip http://other.example/x/a%20b.zip",
                  "file t.zip http://other.example/x/s/t.zip", "file y.zip http://third.example/y.zip",
                  "file up.zip http://other.example/up.zip", "file ü.zip http://other.example/x/%C3%BC.zip",
                  "file z.zip http://fourth.example/z.zip", "file f.iso ftp://ftp.example/pub/f.iso",
                  "file f.iso sftp://h.example:2022/f.iso", "page x http://other.example/x/?q=1"));
}

TEST(HtmlOffers, ADownloadAttributeNamesAFile) {
  const auto offers = offers_in(
      R"html(<a href="/get?id=1" download="week 12.pdf"></a><a href="/get?id=2" download></a><a href="/get?id=3"></a>
         <a href="/get?id=4" download="../../etc/passwd"></a><a href="/get?id=5" download="a\b"></a>)html");

  ASSERT_EQ(offers.offers.size(), 5u);
  EXPECT_EQ(offers.offers[0].name, "week 12.pdf");
  EXPECT_TRUE(offers.offers[0].keeps_name);
  EXPECT_EQ(offers.offers[1].kind, Offer::Kind::file);
  EXPECT_EQ(offers.offers[1].name, "get");
  EXPECT_FALSE(offers.offers[1].keeps_name);
  EXPECT_EQ(offers.offers[2].name, "get");
  EXPECT_EQ(offers.offers[3].name, "get");
  EXPECT_EQ(offers.offers[4].kind, Offer::Kind::page);
}

TEST(HtmlOffers, TagSoupAndHostilePagesAreReadToTheirEnd) {
  EXPECT_THAT(all_in("<<a href=a.zip>x<a href='b.zip\">"),
              ElementsAre("file a.zip http://a.example/dir/a.zip"));
  EXPECT_THAT(
      all_in("<!-- <a href=no.zip> --><!--><a href=a.zip><!---><a href=b.zip><!- > <a href=c.zip>"
             "<script><a href=no2.zip></scripty></SCRIPT ><a href=d.zip><style><a href=no3.zip></style>"
             "<textarea><a href=no4.zip></textarea><a href=e.zip></a href=no5.zip><!-- <a href=no6.zip>"),
      UnorderedElementsAre("file a.zip http://a.example/dir/a.zip", "file b.zip http://a.example/dir/b.zip",
                           "file c.zip http://a.example/dir/c.zip", "file d.zip http://a.example/dir/d.zip",
                           "file e.zip http://a.example/dir/e.zip"));
  EXPECT_THAT(all_in("<a href"), IsEmpty());
  EXPECT_THAT(all_in(std::string("\0<\0a href=a.zip>", 16)), IsEmpty());
}

/// As an attacker would: for the first of them a parser that makes a tree can take minutes.
TEST(HtmlOffers, NoPageTakesMoreThanItsLength) {
  const auto many = [](const std::string& what) {
    std::string out;
    while (out.size() < 120000) out += what;
    return out;
  };
  const auto begin = std::chrono::steady_clock::now();
  for (const char* what : {"<div>", "<a href=x>", "<", "<a ", "<!--", "&", "<title>", "</", "a=", "<a x=\"",
                           "\n", "<pre>\n", "<svg><title>", "<a href=a.zip><b><p>"})
    EXPECT_LE(offers_in(many(what)).offers.size(), 1u) << what;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST(HtmlOffers, MoreLinksThanTheLimitAreLeftOutAndTold) {
  std::string html;
  for (int i = 0; i < 100000; ++i) html += "<a href=f" + std::to_string(i) + ".zip>";

  const auto offers = offers_in(html);

  EXPECT_EQ(offers.offers.size(), 8192u);
  ASSERT_EQ(offers.left_out.size(), 1u);
}

TEST(HtmlOffers, CharsetsAreThoseThatThePageNames) {
  const auto label = [](const std::string& html, const std::string& type) {
    FetchedPage page;
    page.html = html;
    page.content_type = type;
    page.url = *net::parse_url("http://a.example/");
    return offers_of_html(page).offers.at(0).label;
  };
  EXPECT_EQ(label("<a href=x>\xfc</a>", "text/html"), "ü");
  EXPECT_EQ(label("<a href=x>\xc3\xbc</a>", "text/html"), "ü");
  EXPECT_EQ(label("<a href=x>\xc3\xbc</a>", "text/html; charset=\"UTF-8\""), "ü");
  EXPECT_EQ(label("<a href=x>\x80</a>", "text/html; charset=iso-8859-1"), "€");
  EXPECT_EQ(label("<meta charset=koi8-r><a href=x>\xc4</a>", "text/html"), "д");
  EXPECT_EQ(
      label("<meta http-equiv=Content-Type content='text/html; charset=windows-1251'><a href=x>\xe4</a>", ""),
      "д");
  EXPECT_EQ(label("\xEF\xBB\xBF<a href=x>\xc3\xbc</a>", "text/html; charset=koi8-r"), "ü");
}

TEST(HtmlOffers, ReferencesAreDecodedAsInBrowsers) {
  EXPECT_EQ(
      html_decoded("a&amp;b &lt;x&gt &quot;&#39;&#x41;&#x110000;&#0;&#128; &eacute;&eacute &hellip;&hellip"),
      "a&b <x> \"'A��€ éé …&hellip");
  EXPECT_EQ(html_decoded("?a=1&copy=2&amp=3&lt;&copy;&notit;", true), "?a=1&copy=2&amp=3<©&notit;");
  EXPECT_EQ(html_decoded("&notit; & &; &# &#x; &unknown;"), "¬it; & &; &# &#x; &unknown;");
}

// ---- listings

std::string listing(const std::string& name) {
  std::ifstream file(std::string(LISTINGS) + "/" + name + ".html", std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Expected {
  std::string size;  ///< "exact", "small" (where it is written in digits), "none"
  bool modified = true;
};

class Listings : public testing::TestWithParam<std::pair<std::string, Expected>> {};

TEST_P(Listings, AreUnderstoodAsTheirServersMakeThem) {
  const auto& [name, expected] = GetParam();

  const auto offers = offers_in(listing(name), "http://127.0.0.1:8000/pub/");

  const std::map<std::string, std::uint64_t> content{
      {"a b.bin", 5},
      {"big.iso", 2500000},
      {"R&D \"x\" <y>.pdf", 1000},
      {"Wöche 12.mp4", 123456},
      {"100%.txt", 0},
      {"?a#b.txt", 7},
      {"javascript:x.txt", 1},
      {"a-name-that-is-much-longer-than-fifty-characters-which-listings-cut-short.tar.gz", 42}};
  EXPECT_EQ(offers.found, jobs::Found::index);
  EXPECT_EQ(offers.title, "pub");
  ASSERT_EQ(offers.offers.size(), content.size() + 1);
  std::size_t sizes = 0;
  for (const Offer& offer : offers.offers) {
    EXPECT_TRUE(worker::is_sound(offer)) << offer.name;
    EXPECT_TRUE(offer.keeps_name);
    if (expected.modified) {
      ASSERT_TRUE(offer.modified) << offer.name;
      EXPECT_EQ(std::chrono::floor<std::chrono::minutes>(*offer.modified).time_since_epoch(),
                std::chrono::minutes(1780000000 / 60));
    }
    if (offer.kind == Offer::Kind::folder) {
      EXPECT_EQ(offer.name, "sub folder");
      EXPECT_EQ(offer.url, "http://127.0.0.1:8000/pub/sub%20folder/");
      EXPECT_FALSE(offer.size_bytes);
      continue;
    }
    ASSERT_TRUE(content.contains(offer.name)) << offer.name;
    if (offer.size_bytes) EXPECT_EQ(*offer.size_bytes, content.at(offer.name)) << offer.name;
    sizes += offer.size_bytes ? 1 : 0;
  }
  EXPECT_EQ(sizes, expected.size == "exact" ? content.size() : expected.size == "small" ? sizes : 0u);
  if (expected.size == "small") EXPECT_GE(sizes, 4u);
}

INSTANTIATE_TEST_SUITE_P(
    OfServers, Listings,
    testing::Values(std::pair("nginx", Expected{"exact"}), std::pair("nginx-rounded", Expected{"small"}),
                    std::pair("apache", Expected{"small"}), std::pair("apache-pre", Expected{"small"}),
                    std::pair("apache-plain", Expected{"none", false}),
                    std::pair("lighttpd", Expected{"none"}), std::pair("python", Expected{"none", false}),
                    std::pair("caddy", Expected{"exact"})));

TEST(IndexOffers, AListingOfIisHasExactSizesAndNoDates) {
  for (const char* url : {"http://localhost/pub/", "http://localhost/pub"}) {
    const auto offers = offers_in(listing("iis"), url);

    EXPECT_EQ(offers.found, jobs::Found::index);
    ASSERT_EQ(offers.offers.size(), 3u);
    EXPECT_EQ(offers.offers[0].name, "a b.bin");
    EXPECT_EQ(offers.offers[0].size_bytes, 5u);
    EXPECT_EQ(offers.offers[1].size_bytes, 2500000u);
    EXPECT_FALSE(offers.offers[1].modified);
    EXPECT_EQ(shown(offers.offers[2]), "folder sub folder http://localhost/pub/sub%20folder/");
  }
}

TEST(IndexOffers, EntriesThatLeadElsewhereAreLeftOut) {
  const auto offers = offers_in(
      "<title>Index of /pub/</title><pre><a href=../>../</a>\n<a href=/etc/passwd>x</a>\n<a "
      "href=//evil.example/a>a</a>\n"
      "<a href=a/b.bin>deep</a>\n<a href=..%2f..%2fetc>x</a>\n<a href=%1b.bin>x</a>\n<a "
      "href=%0a.bin>x</a>\n<a href=?C=N>Name</a>\n"
      "<a href=good.bin>good</a>   28-May-2026 20:26   5\n<a href=./good.bin>again</a>\n<a "
      "href=.>x</a></pre>",
      "http://a.example/pub/");

  ASSERT_EQ(offers.offers.size(), 3u);
  EXPECT_EQ(shown(offers.offers[0]), "file .._.._etc http://a.example/pub/..%2f..%2fetc");
  EXPECT_EQ(shown(offers.offers[1]), "file _.bin http://a.example/pub/%1b.bin");
  EXPECT_FALSE(offers.offers[0].keeps_name || offers.offers[1].keeps_name);
  EXPECT_EQ(offers.offers[2].name, "good.bin");
  EXPECT_TRUE(offers.offers[2].keeps_name);
  ASSERT_EQ(offers.left_out.size(), 1u);
  EXPECT_EQ(offers.left_out[0].what, "1 entry");
}

TEST(IndexOffers, APageThatOnlyLooksLikeOneIsAPage) {
  EXPECT_EQ(offers_in("<title>The index of prices</title><a href=a.zip>a</a>").found, jobs::Found::page);
  EXPECT_EQ(offers_in("<title>index - powered by h5ai v0.30</title><a href=a.zip>a</a>").found,
            jobs::Found::page);
}

TEST(IndexOffers, ADateThatIsNoneIsNone) {
  const auto with = [](const std::string& row) {
    return offers_in("<title>Index of /</title><pre><a href=a.bin>a</a> " + row + "\n</pre>",
                     "http://a.example/")
        .offers.at(0);
  };
  EXPECT_TRUE(with("28-May-2026 20:26 5").modified);
  EXPECT_EQ(with("2026-05-28 20:26:40 5").size_bytes, 5u);
  for (const char* row :
       {"30-Feb-2026 20:26 5", "28-Mai-2026 20:26 5", "28-May-2026 25:26 5", "28-May-26 20:26 5"}) {
    EXPECT_FALSE(with(row).modified) << row;
    EXPECT_FALSE(with(row).size_bytes) << row;
  }
  for (const char* row : {"28-May-2026 20:26 1.5M", "28-May-2026 20:26 -", "28-May-2026 20:26",
                          "28-May-2026 20:26 99999999999999999999999"})
    EXPECT_FALSE(with(row).size_bytes) << row;
}

}  // namespace
}  // namespace restante::transfer
