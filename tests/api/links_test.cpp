// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace restante::api::test {
namespace {

constexpr std::string_view form = "application/x-www-form-urlencoded";

class Links : public testing::Test {
protected:
  /// Makes a link by the API; `terms` are further members ("," included).
  boost::json::value link(const std::string& what, const std::string& id, const std::string& terms = {}) {
    const auto answer =
        place.send("POST", "/v1/links", anas, R"({")" + what + R"(":")" + id + R"(")" + terms + "}");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.json();
  }
  static std::string path_of(const boost::json::value& link) {
    const std::string url(link.at("url").as_string());
    return url.substr(url.find("/d/"));
  }
  static std::string id_of(const boost::json::value& link) { return std::string(link.at("id").as_string()); }
  std::int64_t uses(const boost::json::value& link) {
    return place.send("GET", "/v1/links/" + id_of(link), anas).json().at("uses").as_int64();
  }
  Answer visit(const std::string& path, const std::string& cookie = {}, const std::string& method = "GET") {
    auto request = place.request(method, path);
    if (!cookie.empty()) request.headers.emplace_back("Cookie", cookie);
    return place.send(request);
  }
  Answer answer(const std::string& path, const std::string& body) {
    auto request = place.request("POST", path, "", body, std::string(form));
    if (body.empty()) request.headers.emplace_back("Content-Type", form);
    return place.send(request);
  }
  static std::string cookie_of(const Answer& answer) {
    const auto found = answer.headers.find("set-cookie");
    return found == answer.headers.end() ? "" : found->second.substr(0, found->second.find(';'));
  }
  void expect_gone(const Answer& answer) {
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.headers, gone.headers);
    EXPECT_EQ(answer.body, gone.body);
  }

  static ApiLimits limits() {
    ApiLimits out;
    out.links.passwords_before_backoff = 2;
    return out;
  }

  Place place{limits()};
  const std::string anas = place.connect("ana"), bens = place.connect("ben");
  const std::string file = place.publish("ana", "trip/a b.bin", "0123456789");
  const Answer gone = visit("/d/AAAAAAAAAAAAAAAAAAAAAA");
};

TEST_F(Links, GetGivesTheDataAtOnceAsOftenAsItIsAsked) {
  const auto made = link("file", file);
  const auto path = path_of(made);

  for (int i = 0; i < 5; ++i) {
    const auto head = visit(path, "", "HEAD"), get = visit(path);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(get.status, 200);
    EXPECT_EQ(get.body, "0123456789");
    EXPECT_EQ(get.headers, head.headers);
    EXPECT_EQ(get.headers.at("cache-control"), "private, no-store");
    EXPECT_EQ(get.headers.at("referrer-policy"), "no-referrer");
    EXPECT_EQ(get.headers.at("x-robots-tag"), "noindex");
    EXPECT_TRUE(get.headers.at("content-security-policy").starts_with("sandbox;"));
    EXPECT_EQ(get.headers.count("set-cookie"), 0u);
  }
  auto part = place.request("GET", path);
  part.headers.emplace_back("Range", "bytes=3-5");
  EXPECT_EQ(place.send(part).body, "345");
  EXPECT_EQ(uses(made), 0);
}

TEST_F(Links, TheAddressIsThePlacesOwnWhateverHostWasAsked) {
  for (const char* host : {"127.0.0.1:8470", "127.0.0.1", "localhost:1"}) {
    auto request = place.request("POST", "/v1/links", anas, R"({"file":")" + file + R"("})");
    request.headers[0].second = host;
    request.headers.emplace_back("X-Forwarded-Host", "evil.example");
    request.headers.emplace_back("Forwarded", "host=evil.example");

    const auto made = place.send(request).json();

    EXPECT_TRUE(made.at("url").as_string().starts_with("http://127.0.0.1:8470/d/")) << host;
    EXPECT_FALSE(made.as_object().contains("lan_url"));
    EXPECT_EQ(path_of(made).size(), 3u + 22u);
  }
}

TEST_F(Links, AreListedWithoutTheirAddress) {
  const auto first = link("file", file), second = link("folder", "trip/", R"(,"expires":null)");

  const auto list = place.send("GET", "/v1/links", anas);

  const auto all = list.json().as_array();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(list.body.find("/d/"), std::string::npos);
  EXPECT_EQ(all[0].at("name"), "trip");
  EXPECT_EQ(all[0].at("folder"), "trip");
  EXPECT_FALSE(all[0].as_object().contains("expires"));
  EXPECT_EQ(all[1].at("name"), "trip/a b.bin");
  EXPECT_EQ(all[1].at("file"), file.c_str());
  EXPECT_EQ(id_of(all[1]), id_of(first));
  EXPECT_EQ(place.send("GET", "/v1/links/" + id_of(second), anas).json(), all[0]);
}

TEST_F(Links, OfAFolderEndAfterAWhileAndOfAFileWithIt) {
  const auto folder = link("folder", "trip");
  const auto of_file = link("file", file);

  EXPECT_TRUE(folder.as_object().contains("expires"));
  EXPECT_FALSE(of_file.as_object().contains("expires")) << "this file is kept for good";
}

TEST_F(Links, AreRefusedWhereTheyMakeNoSense) {
  const auto foreign = place.publish("ben", "b.bin", "x");
  const auto refused = [&](const std::string& body) {
    const auto answer = place.send("POST", "/v1/links", anas, body);
    return std::to_string(answer.status) + " " + answer.reason();
  };

  EXPECT_EQ(refused("{}"), "400 invalid");
  EXPECT_EQ(refused(R"({"file":")" + file + R"(","folder":"trip"})"), "400 invalid");
  EXPECT_EQ(refused(R"({"file":")" + foreign + R"("})"), "404 not-found");
  EXPECT_EQ(refused(R"({"file":"x"})"), "404 not-found");
  EXPECT_EQ(refused(R"({"folder":"tri"})"), "404 not-found");
  EXPECT_EQ(refused(R"({"folder":"trip/a b.bin"})"), "404 not-found");
  for (const char* folder : {"", "/", "..", "trip/..", "trip//x", "./trip", "/trip"})
    EXPECT_EQ(refused(std::string(R"({"folder":")") + folder + R"("})"), "400 invalid") << folder;
  EXPECT_EQ(refused(R"({"file":")" + file + R"(","expires":"2020-01-01T00:00:00Z"})"), "400 invalid");
  EXPECT_EQ(refused(R"({"file":")" + file + R"(","count":0})"), "400 invalid");
  EXPECT_EQ(refused(R"({"file":")" + file + R"(","password":"short"})"), "400 invalid");
  EXPECT_EQ(refused(R"({"file":")" + file + R"(","host":"evil.example"})"), "400 invalid");
}

TEST_F(Links, EveryWayToNothingIsAnsweredAlike) {
  const auto revoked = link("file", file), foreign = link("file", file);
  const auto deleted_file = place.publish("ana", "gone.bin", "x");
  const auto deleted = link("file", deleted_file),
             behind_password = link("file", deleted_file, R"(,"password":"correct horse")");
  ASSERT_EQ(place.send("DELETE", "/v1/links/" + id_of(revoked), anas).status, 204);
  ASSERT_EQ(place.send("DELETE", "/v1/files/" + deleted_file, anas).status, 204);
  const auto path = path_of(foreign);

  ASSERT_EQ(gone.status, 404);
  ASSERT_EQ(gone.headers.at("content-type"), "text/html; charset=utf-8");
  for (const auto& wrong :
       {path_of(revoked), path_of(deleted), path_of(behind_password), path + "/", path + "/a%20b.bin",
        path + "A", path.substr(0, path.size() - 1), std::string("/d/x"),
        std::string("/d/" + std::string(4000, 'A')), "/d/" + file, "/d/" + id_of(foreign)}) {
    expect_gone(visit(wrong));
    expect_gone(answer(wrong, "password=x"));
  }
  EXPECT_EQ(visit(path).status, 200);
}

TEST_F(Links, ARenameKeepsALinkAndANewFileOfTheNameIsNotServed) {
  const auto path = path_of(link("file", file));
  ASSERT_EQ(place.send("PATCH", "/v1/files/" + file, anas, R"({"name":"elsewhere.bin"})").status, 200);
  const auto other = place.publish("ana", "trip/a b.bin", "something else");

  EXPECT_EQ(visit(path).body, "0123456789");
  ASSERT_EQ(place.send("DELETE", "/v1/files/" + file, anas).status, 204);
  expect_gone(visit(path));
}

TEST_F(Links, OfARemovedUserLeadToNothing) {
  const auto path = path_of(link("file", file)), again = path_of(link("file", file));
  ASSERT_EQ(visit(path).status, 200);

  ASSERT_TRUE(place.run(place.accounts->mark_for_erasure("ana")));
  expect_gone(visit(path));
  expect_gone(visit(again));
  ASSERT_TRUE(place.run(place.accounts->remove_user("ana")));

  expect_gone(visit(path));
  expect_gone(visit(again));
}

TEST_F(Links, ABodyUnderWayMayNotGoOnOnceItsLinkIsRevoked) {
  const auto made = link("file", file), other = link("file", file);
  const auto first = place.begin(place.request("GET", path_of(made)));
  const auto second = place.begin(place.request("GET", path_of(other)));
  ASSERT_TRUE(first.may_go_on && first.may_go_on());

  ASSERT_EQ(place.send("DELETE", "/v1/links/" + id_of(made), anas).status, 204);

  EXPECT_FALSE(first.may_go_on());
  EXPECT_TRUE(second.may_go_on());
  ASSERT_TRUE(place.run(place.accounts->mark_for_erasure("ana")));
  EXPECT_FALSE(second.may_go_on());
}

TEST_F(Links, OfAFolderShowWhatLiesInItAndNothingElse) {
  place.publish("ana", "trip/<b>&\".html", "<script>alert(1)</script>");
  place.publish("ana", "trip/deep/er/c.txt", "c");
  place.publish("ana", "trip2/secret.bin", "secret");
  place.publish("ana", "secret.bin", "secret");
  const auto path = path_of(link("folder", "trip"));

  const auto page = visit(path), below = visit(path + "/deep/");

  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body.find("secret"), std::string::npos);
  EXPECT_EQ(page.body.find("<b>"), std::string::npos);
  EXPECT_NE(page.body.find("href=\"" + path + "/a%20b.bin\""), std::string::npos) << page.body;
  EXPECT_NE(page.body.find("href=\"" + path + "/deep\""), std::string::npos);
  EXPECT_EQ(visit(path + "/a%20b.bin").body, "0123456789");
  EXPECT_EQ(visit(path + "/deep/er/c.txt").body, "c");
  EXPECT_NE(below.body.find("/deep/er\""), std::string::npos);
  EXPECT_EQ(visit(path + "/deep/er/c.txt").headers.at("cache-control"), "private, no-store");
  for (const char* outside : {"/secret.bin", "/trip/a%20b.bin", "2/secret.bin", "//a%20b.bin",
                              "/deep//er/c.txt", "/a%20b.bin/", "/deep/er/c.txt/x", "/A%20B.bin"})
    expect_gone(visit(path + outside));
}

TEST_F(Links, AFileOfAFolderThatIsMovedAwayIsNotFoundUnderIt) {
  const auto path = path_of(link("folder", "trip"));
  ASSERT_EQ(visit(path + "/a%20b.bin").status, 200);

  ASSERT_EQ(place.send("PATCH", "/v1/files/" + file, anas, R"({"name":"elsewhere.bin"})").status, 200);

  expect_gone(visit(path + "/a%20b.bin"));
  EXPECT_NE(visit(path).body.find("This folder is empty."), std::string::npos);
}

TEST_F(Links, OfAFolderFollowItWhenItIsMoved) {
  const auto path = path_of(link("folder", "trip"));
  ASSERT_EQ(visit(path + "/a%20b.bin").status, 200);

  ASSERT_EQ(place.send("PATCH", "/v1/folders", anas, R"({"path":"trip","to":"kept/journey"})").status, 200);
  place.publish("ana", "trip/other.bin", "something else");

  EXPECT_EQ(visit(path + "/a%20b.bin").body, "0123456789");
  expect_gone(visit(path + "/other.bin"));
}

TEST_F(Links, WithAPasswordShowAPageUntilItIsGiven) {
  const auto made = link("file", file, R"(,"password":"correct horse")");
  const auto path = path_of(made);

  const auto page = visit(path), wrong = answer(path, "password=battery"),
             right = answer(path, "password=correct+horse");

  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("<form method=\"post\">"), std::string::npos);
  EXPECT_EQ(page.body.find("a b.bin"), std::string::npos);
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(cookie_of(wrong), "");
  EXPECT_EQ(right.status, 303);
  EXPECT_EQ(right.headers.at("location"), path);
  const auto& set = right.headers.at("set-cookie");
  EXPECT_NE(set.find("; Path=" + path + ";"), std::string::npos);
  EXPECT_NE(set.find("; HttpOnly; SameSite=Strict"), std::string::npos);
  EXPECT_EQ(visit(path, cookie_of(right)).body, "0123456789");
  EXPECT_NE(visit(path, cookie_of(right) + "x").body, "0123456789");
  EXPECT_EQ(uses(made), 1);
}

TEST_F(Links, TheCookieOfALinkOpensNoOtherOne) {
  const auto first = path_of(link("file", file, R"(,"password":"correct horse")"));
  const auto second = path_of(link("file", file, R"(,"password":"correct horse")"));

  const auto cookie = cookie_of(answer(first, "password=correct+horse"));

  EXPECT_EQ(visit(first, cookie).body, "0123456789");
  EXPECT_NE(visit(second, cookie).body, "0123456789");
}

TEST_F(Links, OverTlsTheCookieIsSecure) {
  const auto path = path_of(link("file", file, R"(,"password":"correct horse")"));
  auto request = place.request("POST", path, "", "password=correct+horse", std::string(form));
  request.peer.tls = true;

  const auto right = place.send(request);

  EXPECT_TRUE(cookie_of(right).starts_with("__Secure-restante-link="));
  EXPECT_TRUE(right.headers.at("set-cookie").ends_with("; Secure"));
}

TEST_F(Links, APasswordIsNotHeardOverAnOpenConnection) {
  const auto path = path_of(link("file", file, R"(,"password":"correct horse")"));
  auto request = place.request("POST", path, "", "password=correct+horse", std::string(form));
  request.peer.both_loopback = false;

  const auto refused = place.send(request);

  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(cookie_of(refused), "");
}

TEST_F(Links, GuessingAPasswordIsSlowedDown) {
  const auto path = path_of(link("file", file, R"(,"password":"correct horse")"));
  for (int i = 0; i < 3; ++i) answer(path, "password=guess");

  const auto held = answer(path, "password=correct+horse");

  EXPECT_EQ(held.status, 429);
  EXPECT_GT(std::stoi(held.headers.at("retry-after")), 0);
  EXPECT_EQ(cookie_of(held), "");
}

TEST_F(Links, AreOpenedAsOftenAsTheyMayAndLookingDoesNotCount) {
  const auto made = link("file", file, R"(,"count":2)");
  const auto path = path_of(made);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(visit(path, "", "HEAD").status, 200);
    ASSERT_NE(visit(path).body, "0123456789");
  }
  EXPECT_EQ(uses(made), 0);

  const auto first = cookie_of(answer(path, "")), second = cookie_of(answer(path, ""));

  for (int i = 0; i < 3; ++i) EXPECT_EQ(visit(path, first).body, "0123456789") << "a cut download goes on";
  EXPECT_EQ(visit(path, second).body, "0123456789");
  EXPECT_EQ(uses(made), 2);
  expect_gone(answer(path, ""));
  expect_gone(visit(path));
  EXPECT_EQ(visit(path, second).status, 200);
}

TEST_F(Links, WithALoginAreOpenedByTheirOwnerOnly) {
  ASSERT_TRUE(place.run(place.accounts->set_password("ana", "correct horse")));
  ASSERT_TRUE(place.run(place.accounts->set_password("ben", "battery staple")));
  const auto path = path_of(link("file", file, R"(,"login":true)"));

  const auto stranger = answer(path, "user=ana&account-password=wrong+one");
  const auto other = answer(path, "user=ben&account-password=battery+staple");
  const auto owner = answer(path, "user=ana&account-password=correct+horse");

  EXPECT_EQ(visit(path).status, 200);
  EXPECT_NE(visit(path).body, "0123456789");
  EXPECT_EQ(stranger.status, 403);
  EXPECT_EQ(other.status, 403);
  EXPECT_EQ(cookie_of(stranger) + cookie_of(other), "");
  EXPECT_EQ(owner.status, 303);
  EXPECT_EQ(visit(path, cookie_of(owner)).body, "0123456789");
  EXPECT_EQ(place.send("GET", path, anas).body, "0123456789");
  EXPECT_NE(place.send("GET", path, bens).body, "0123456789");
}

TEST_F(Links, MadeInSomebodysTransactionAreFoundAndMadeOnce) {
  files::NewLink wanted;
  wanted.account = place.accounts->snapshot()->accounts().front().id;
  wanted.target.file = *FileId::parse(file);
  wanted.token = files::link_token({1, 2, 3});
  wanted.now = place.clock.now();
  std::function<Result<files::Link>(Tx&)> work = [&](Tx& tx) { return files::Links::create_in(tx, wanted); };
  expect_gone(visit(files::link_path(wanted.token)));

  const auto first = place.run(place.store->write_value<files::Link>(work));
  const auto second = place.run(place.store->write_value<files::Link>(work));

  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->id, second->id);
  EXPECT_EQ(visit(files::link_path(wanted.token)).body, "0123456789");
}

TEST_F(Links, NoErrorTellsTheToken) {
  const auto path = path_of(link("file", file));
  const auto token = path.substr(3);
  auto misdirected = place.request("GET", path),
       foreign = place.request("POST", path, "", "x", std::string(form));
  misdirected.headers[0].second = "evil.example";
  foreign.headers.emplace_back("Origin", "https://evil.example");

  for (const auto& refused : {place.send("PUT", path), place.send(misdirected), place.send(foreign)}) {
    EXPECT_GE(refused.status, 400);
    EXPECT_NE(refused.status, 404);
    EXPECT_EQ(refused.body.find(token), std::string::npos) << refused.body;
  }
}

TEST_F(Links, NoTokenLiesInTheStore) {
  const auto path = path_of(link("file", file));
  visit(path);

  const auto token = path.substr(3);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(place.folder))
    if (entry.is_regular_file()) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      EXPECT_EQ(bytes.find(token), std::string::npos) << entry.path();
    }
}

}  // namespace
}  // namespace restante::api::test
