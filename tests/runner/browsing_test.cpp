// SPDX-License-Identifier: Apache-2.0
#include "jobs/logins.hpp"
#include "place.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace restante::jobs::test {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

constexpr const char* top = "http://content.test/pub/";

Offer entry(Offer::Kind kind, const std::string& name, const std::string& url) {
  Offer offer;
  offer.kind = kind;
  offer.name = name;
  offer.url = url;
  return offer;
}
Offer file(const std::string& name, const std::string& folder = top) {
  return entry(Offer::Kind::file, name, folder + name);
}
Offer subfolder(const std::string& name, const std::string& where = top) {
  return entry(Offer::Kind::folder, name, where + name + "/");
}

class Looking : public Place {
protected:
  void offer(const std::string& url, std::vector<Offer> offers) {
    Offers& all = transfers.offers[url];
    all.found = Found::index;
    all.title = "pub";
    all.offers = std::move(offers);
  }
  Result<Browsed> browse(int depth = 0, const std::vector<std::string>& patterns = {},
                         const std::string& url = top) {
    Wanted wanted;
    wanted.urls = {{url}};
    BrowseWish wish;
    wish.depth = depth;
    for (const auto& pattern : patterns) wish.patterns.push_back(Glob::parse(pattern).value());
    return run(service->browse(ana, submission(wanted).document, std::move(wish)));
  }
  static std::vector<std::string> names(const Browsed& found) {
    std::vector<std::string> out;
    for (const Offer& one : found.offers)
      out.push_back(one.folder.empty() ? one.name : one.folder + "/" + one.name);
    return out;
  }
  std::vector<std::string> asked() const {
    std::vector<std::string> out;
    for (const Asked& one : transfers.asked) out.push_back(one.url);
    return out;
  }
};

TEST_F(Looking, TheNearestFoldersAreLookedIntoFirst) {
  offer(top, {file("a"), subfolder("x"), subfolder("y")});
  offer(top + std::string("x/"),
        {subfolder("deep", top + std::string("x/")), file("b", top + std::string("x/"))});
  offer(top + std::string("y/"), {file("c", top + std::string("y/"))});
  offer(top + std::string("x/deep/"), {file("d", top + std::string("x/deep/"))});
  start();

  const auto all = browse(8), one = browse(1), none = browse(0);

  EXPECT_THAT(names(*all), ElementsAre("a", "x/b", "y/c", "x/deep/d"));
  EXPECT_EQ(all->folders_seen, 3u);
  EXPECT_TRUE(all->left_out.empty());
  EXPECT_THAT(names(*one), ElementsAre("a", "x/deep", "x/b", "y/c"));
  EXPECT_THAT(names(*none), ElementsAre("a", "x", "y"));
  EXPECT_TRUE(
      std::all_of(transfers.asked.begin(), transfers.asked.end(), [](const Asked& a) { return a.probe; }));
}

/// Whatever a worker says: no folder that lies elsewhere is asked for.
TEST_F(Looking, NoFolderElsewhereIsLookedInto) {
  offer(top,
        {subfolder("a", "http://other.test/pub/"), subfolder("b", "https://content.test/pub/"),
         subfolder("c", "http://content.test/"), entry(Offer::Kind::folder, "d", top),
         entry(Offer::Kind::folder, "e", std::string(top) + "?x"),
         subfolder("f", "http://content.test:8080/pub/"), subfolder("g", "http://content.test/public/")});
  start();

  const auto found = browse(8);

  EXPECT_THAT(asked(), ElementsAre(top));
  EXPECT_EQ(found->offers.size(), 7u);
}

TEST_F(Looking, CirclesEndAndDepthIsKept) {
  std::string at = top;
  for (int i = 0; i < 20; ++i) {
    offer(at, {subfolder("x", at), subfolder("x", at), subfolder("pub", "http://content.test/")});
    at += "x/";
  }
  start();

  const auto found = browse(8);

  EXPECT_EQ(transfers.asked.size(), 9u);
  EXPECT_EQ(found->folders_seen, 8u);
}

TEST_F(Looking, PatternsChooseAndFoldersAreWalkedAnyway) {
  offer(top, {file("a.mp4"), file("a.txt"), subfolder("x")});
  offer(top + std::string("x/"),
        {file("b.MP4", top + std::string("x/")), subfolder("y", top + std::string("x/"))});
  start();

  EXPECT_THAT(names(*browse(1, {"*.mp4"})), ElementsAre("a.mp4", "x/b.MP4"));
  EXPECT_THAT(names(*browse(1, {"x/*", "a.t?t"})), ElementsAre("a.txt", "x/b.MP4", "x/y"));
}

TEST_F(Looking, WhatTheLimitsKeepAwayIsTold) {
  limits.browse.pages = 2;
  limits.browse.offers = 3;
  offer(top, {file("a"), subfolder("x"), subfolder("y"), file("b")});
  offer(top + std::string("x/"), {file("c", top + std::string("x/"))});
  start();

  const auto pages = browse(1);
  limits.browse.offers = 1;
  start();
  const auto offers = browse(0);

  EXPECT_THAT(names(*pages), ElementsAre("a", "b", "x/c"));
  ASSERT_EQ(pages->left_out.size(), 1u);
  EXPECT_NE(pages->left_out[0].what.find("1 more folder"), std::string::npos);
  EXPECT_THAT(names(*offers), ElementsAre("a"));
  EXPECT_EQ(offers->left_out.size(), 1u);
}

TEST_F(Looking, AFolderThatIsRefusedIsToldAndTheOthersAreShown) {
  offer(top, {subfolder("x"), subfolder("y")});
  offer(top + std::string("y/"), {file("c", top + std::string("y/"))});
  transfers.on(top + std::string("x/"), {{.reason = Reason::forbidden}});
  start();

  const auto found = browse(1);

  EXPECT_THAT(names(*found), ElementsAre("y/c"));
  ASSERT_EQ(found->left_out.size(), 1u);
  EXPECT_EQ(found->left_out[0].what + ": " + found->left_out[0].why, "x: it was refused");
}

TEST_F(Looking, TheFirstRefusalIsTheAnswer) {
  transfers.on(top, {{.reason = Reason::auth_required}});
  start();

  const auto found = browse(1);

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().reason, Reason::auth_required);
}

TEST_F(Looking, WhenTheTimeIsOverWhatIsThereIsShown) {
  limits.browse.deadline = 100ms;
  offer(top, {file("a"), subfolder("slow")});
  start();

  const auto some = browse(1), nothing = browse(1, {}, "http://silent.test/");

  ASSERT_TRUE(some);
  EXPECT_THAT(names(*some), ElementsAre("a"));
  EXPECT_EQ(some->left_out.size(), 1u);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().reason, Reason::timeout);
}

TEST_F(Looking, TooManyAtOnceAreRefusedForOneAccountOnly) {
  limits.browse.of_account = 2;
  limits.browse.deadline = 200ms;
  offer(top, {file("a")});
  start();
  Wanted silent;
  silent.urls = {{"http://silent.test/"}};
  int ended = 0;
  for (int i = 0; i < 2; ++i)
    asio::co_spawn(loop, service->browse(ana, submission(silent).document, {}),
                   [&](std::exception_ptr, Result<Browsed>) { ++ended; });
  until([&] { return transfers.asked.size() == 2; }, "two looks under way");

  const auto third = browse();
  Wanted wanted;
  wanted.urls = {{top}};
  const auto hers = run(service->browse(ben, submission(wanted, ben).document, {}));
  until([&] { return ended == 2; }, "their end");
  const auto later = browse();

  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().reason, Reason::busy);
  EXPECT_TRUE(hers);
  EXPECT_TRUE(later);
}

TEST_F(Looking, StoredSignInsGoAlong) {
  offer(top, {subfolder("x")});
  offer(top + std::string("x/"), {file("c", top + std::string("x/"))});
  start();
  ASSERT_TRUE(run(service->logins().add(ana, {top, "basic", "ana", "", "secret"})));

  ASSERT_TRUE(browse(1));

  ASSERT_EQ(transfers.asked.size(), 2u);
  EXPECT_EQ(transfers.asked[0].credentials + transfers.asked[1].credentials, 2u);
}

}  // namespace
}  // namespace restante::jobs::test
