// SPDX-License-Identifier: Apache-2.0
#include "transfer/web_page.hpp"

#include <gtest/gtest.h>

namespace restante::transfer {
namespace {

PageWish wish(std::string path, std::string name = {}, std::string accept = {}, std::string seen = {}) {
  PageClues clues;
  clues.url_path = std::move(path);
  clues.wanted_name = std::move(name);
  clues.accept = std::move(accept);
  clues.seen_type = std::move(seen);
  return page_wish(clues);
}

TEST(WebPage, IsWantedWhereSomethingSaysSo) {
  EXPECT_EQ(wish("/a.html"), PageWish::wanted);
  EXPECT_EQ(wish("/A.HTM"), PageWish::wanted);
  EXPECT_EQ(wish("/a.zip", "page.html"), PageWish::wanted);
  EXPECT_EQ(wish("/a.zip", "", "text/html"), PageWish::wanted);
  EXPECT_EQ(wish("/a", "", "text/html,application/xml;q=0.9,*/*;q=0.8"), PageWish::wanted);
  PageClues saved;
  saved.url_path = "/a.zip";
  saved.attachment = true;
  EXPECT_EQ(page_wish(saved), PageWish::wanted);
  saved.disposition_name = "report.html";
  EXPECT_EQ(page_wish(saved), PageWish::wanted);
  PageClues typed;
  typed.url_path = "/a.zip";
  typed.wanted_type = "text/html";
  EXPECT_EQ(page_wish(typed), PageWish::wanted);
}

TEST(WebPage, IsPossibleAtAnAddressWithoutAFilesName) {
  for (const char* path :
       {"/", "/page", "/a/", "/v2.0", "/wiki/Main_Page", "/index.php", "/site/example.com"}) {
    EXPECT_EQ(wish(path), PageWish::possible) << path;
  }
  EXPECT_EQ(wish("/page", "", "*/*", "text/html"), PageWish::possible);
}

TEST(WebPage, IsUnlikelyWhereAFileIsNamedOrWasSeen) {
  for (const char* path :
       {"/a.zip", "/a.tar.gz", "/setup.exe", "/film.mp4", "/data.json", "/dir.d/x.unknown"}) {
    EXPECT_EQ(wish(path), PageWish::unlikely) << path;
  }
  EXPECT_EQ(wish("/get", "film.mp4"), PageWish::unlikely);
  EXPECT_EQ(wish("/get", "", "", "application/zip"), PageWish::unlikely);
  EXPECT_EQ(wish("/a.zip", "", "text/html,*/*;q=0.8"), PageWish::unlikely) << "what browsers always say";
  PageClues saved;
  saved.url_path = "/get";
  saved.attachment = true;
  saved.disposition_name = "a.zip";
  EXPECT_EQ(page_wish(saved), PageWish::unlikely);
}

TEST(WebPage, IsKnownByItsFirstBytesWhateverItsType) {
  for (const char* html :
       {"<!DOCTYPE html><p>x", "<html>", "  \n<HTML lang=en>", "\xEF\xBB\xBF<!doctype HTML>",
        "<!-- hello --> <html>", "<?xml version='1.0'?>\n<html xmlns='x'>", "<script>x"}) {
    EXPECT_TRUE(is_html("application/zip", "/a.zip", html)) << html;
    EXPECT_TRUE(is_html("", "/a.zip", html)) << html;
  }
  for (const char* other :
       {"", "PK\3\4", "<svg>", "<?xml version='1.0'?><rss>", "<htmlx>", "a <html>", "{}"}) {
    EXPECT_FALSE(is_html("application/octet-stream", "/a.zip", other)) << other;
  }
  EXPECT_FALSE(is_html("text/plain", "/a.txt", "<html>its source</html>"));
  EXPECT_TRUE(is_html("text/plain", "/a.zip", "<html>its source</html>"));
}

TEST(WebPage, IsNotWhatOnlyClaimsToBeOne) {
  EXPECT_TRUE(is_html("text/html", "/a.zip", "Please sign in"));
  EXPECT_FALSE(is_html("text/html", "/a.zip", std::string_view("PK\3\4\0\0", 6)));
  EXPECT_FALSE(is_html("text/html", "/a.json", "{\"a\": 1}"));
  EXPECT_FALSE(is_html("text/html", "/a.csv", "a;b\n1;2\n"));
  EXPECT_TRUE(is_html("text/html", "/a.csv", "Not <b>found</b>, sorry"));
  EXPECT_FALSE(is_html("text/html", "/feed.xml", "<?xml version='1.0'?><rss><title>News</title></rss>"));
  EXPECT_FALSE(is_html("text/html", "a.torrent", "d8:announce13:http://x.test", true));
  EXPECT_TRUE(is_html("text/html", "a.torrent", "<b>Warning</b>: no such file", true));
}

TEST(WebPage, AsksForAPassword) {
  EXPECT_TRUE(asks_for_password("<input name=p type=password>"));
  EXPECT_TRUE(asks_for_password("<INPUT TYPE = \"Password\">"));
  EXPECT_TRUE(asks_for_password("<p type='x'><input type='password'>"));
  EXPECT_FALSE(asks_for_password("<p>forgot your password? type it</p>"));
}

TEST(WebPage, KnowsAddressesForSigningIn) {
  const auto speaks = [](const char* url) { return speaks_of_signing_in(*net::parse_url(url)); };
  for (const char* url :
       {"http://h.test/login", "http://h.test/user/sign-in?x", "http://h.test/Account/LogOn",
        "http://login.h.test/", "https://sso.h.test/x", "http://h.test/log_in"}) {
    EXPECT_TRUE(speaks(url)) << url;
  }
  for (const char* url : {"http://h.test/blogin", "http://h.test/author/x", "http://h.test/signal/in"}) {
    EXPECT_FALSE(speaks(url)) << url;
  }
}

TEST(WebPage, IsJudgedByWishAndWay) {
  using V = PageVerdict;
  const std::string_view plain = "<html>hello</html>", form = "<form><input type=password></form>";
  const WayThere direct;
  WayThere signed_in;
  signed_in.credentials = true;
  WayThere elsewhere;
  elsewhere.redirected = elsewhere.elsewhere = true;
  WayThere sent_back = elsewhere;
  sent_back.carries_origin = true;
  WayThere home_login;
  home_login.redirected = home_login.to_sign_in = true;
  WayThere identity = home_login;
  identity.elsewhere = identity.secure = true;
  WayThere hot_spot = home_login;
  hot_spot.elsewhere = true;

  EXPECT_EQ(judge_page(PageWish::unlikely, direct, plain), V::portal);
  EXPECT_EQ(judge_page(PageWish::unlikely, direct, form), V::portal);
  EXPECT_EQ(judge_page(PageWish::unlikely, signed_in, form), V::sign_in);
  EXPECT_EQ(judge_page(PageWish::unlikely, home_login, plain), V::sign_in);
  EXPECT_EQ(judge_page(PageWish::unlikely, identity, form), V::sign_in);
  EXPECT_EQ(judge_page(PageWish::unlikely, hot_spot, form), V::portal);
  EXPECT_EQ(judge_page(PageWish::possible, direct, plain), V::content);
  EXPECT_EQ(judge_page(PageWish::possible, elsewhere, plain), V::content);
  EXPECT_EQ(judge_page(PageWish::possible, sent_back, plain), V::portal);
  EXPECT_EQ(judge_page(PageWish::possible, direct, form), V::portal);
  EXPECT_EQ(judge_page(PageWish::wanted, direct, form), V::content);
  EXPECT_EQ(judge_page(PageWish::wanted, elsewhere, plain), V::content);
  EXPECT_EQ(judge_page(PageWish::wanted, elsewhere, form), V::portal);
  EXPECT_EQ(judge_page(PageWish::wanted, home_login, form), V::sign_in);
  EXPECT_EQ(judge_page(PageWish::wanted, direct, "<html><!--<WISPAccessGatewayParam>--></html>"), V::portal);
}

}  // namespace
}  // namespace restante::transfer
