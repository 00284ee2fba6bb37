// SPDX-License-Identifier: Apache-2.0
// THREATS.md D3 and D4 on every route of the contract, so that a new route is covered by itself.
#include "api/openapi_json.hpp"
#include "place.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <functional>

namespace restante::api::test {
namespace {

constexpr const char* own_origin = "http://127.0.0.1:8470";
constexpr const char* password = "correct horse";

struct Operation {
  std::string method, path;
  bool open = false;
  bool forms = false;  ///< takes them, by other rules: ShareTest
};

std::vector<Operation> operations(const std::map<std::string, std::string>& ids) {
  std::vector<Operation> out;
  const auto contract = boost::json::parse(openapi_json());
  for (const auto& path : contract.at("paths").as_object())
    for (const auto& operation : path.value().as_object()) {
      if (operation.key() == "parameters") continue;
      Operation one{operation.key(), path.key()};
      for (char& c : one.method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      one.open = operation.value().as_object().contains("x-open");
      one.forms = operation.value().as_object().contains("x-forms");
      for (auto at = one.path.find('{'); at != std::string::npos; at = one.path.find('{')) {
        const auto end = one.path.find('}', at) + 1;
        const auto id = ids.find(one.path.substr(at, end - at));
        one.path.replace(at, end - at, id == ids.end() ? std::string(32, 'f') : id->second);
      }
      out.push_back(std::move(one));
    }
  return out;
}

bool changes(const Operation& operation) {
  return operation.method != "GET" && operation.method != "HEAD" && operation.method != "OPTIONS";
}

struct DoorsTest : testing::Test {
  DoorsTest() {
    token = place.connect("ana", accounts::Role::admin, password);
    browser = place.browse("ana", password);
    job = place.submit(token, 1);
    ids = {{"{job}", job}, {"{file}", place.publish("ana", "x.bin", "0123456789")}, {"{index}", "0"}};
    const auto devices = place.send("GET", "/v1/devices", token).json();
    ids["{device}"] = std::string(devices.at("devices").at(0).at("id").as_string());
    ids["{session}"] = std::string(devices.at("sessions").at(0).at("id").as_string());
    ids["{user}"] = "ana";
    before = state();
  }

  /// What a person would miss.
  std::string state() {
    std::string out;
    for (const char* path : {"/v1/jobs", "/v1/files", "/v1/tokens", "/v1/users", "/v1/invites"})
      out += place.send("GET", path, token).body;
    out += place.send("GET", "/v1/jobs/" + job, token).body;
    const auto devices = place.send("GET", "/v1/devices", token).json();
    for (const char* kind : {"devices", "sessions"})
      for (const auto& one : devices.at(kind).as_array()) out += one.at("id").as_string();
    return out;
  }

  http::Request by_cookie(const Operation& operation, const std::string& type = "application/json") {
    auto out = place.request(operation.method, operation.path, "", "{}", type);
    out.headers.emplace_back("Cookie", browser.cookie);
    out.headers.emplace_back("If-Match", "*");
    return out;
  }
  http::Request by_token(const Operation& operation, const std::string& type = "application/json") {
    auto out = place.request(operation.method, operation.path, token, "{}", type);
    out.headers.emplace_back("If-Match", "*");
    return out;
  }

  Place place;
  std::string token, job, before;
  Browser browser;
  std::map<std::string, std::string> ids;
};

TEST_F(DoorsTest, NoChangingRouteTakesWhatAPageOfAnotherSiteCanSend) {
  int asked = 0;
  for (const auto& operation : operations(ids)) {
    if (!changes(operation)) continue;
    const auto status = [&](http::Request request, const char* name, const char* value) {
      if (name != nullptr) request.headers.emplace_back(name, value);
      ++asked;
      return place.send(std::move(request)).status;
    };
    const std::string shown = operation.method + " " + operation.path;
    for (const char* origin : {"https://evil.example", "null", "http://127.0.0.1:8471"}) {
      EXPECT_EQ(status(by_token(operation), "Origin", origin), 403) << shown << " " << origin;
      EXPECT_EQ(status(by_cookie(operation), "Origin", origin), 403) << shown << " " << origin;
    }
    for (const char* form :
         {"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"}) {
      auto cross_site = by_cookie(operation, form);
      cross_site.headers.emplace_back("Sec-Fetch-Site", "cross-site");
      EXPECT_EQ(status(std::move(cross_site), "Origin", "https://evil.example"), 403) << shown << " " << form;
      if (!operation.path.starts_with("/v1/") || operation.forms) continue;
      EXPECT_EQ(status(by_token(operation, form), nullptr, nullptr), 415) << shown << " " << form;
    }
    if (operation.open) continue;
    auto told = by_cookie(operation);
    told.headers.emplace_back("X-CSRF-Token", browser.csrf);
    EXPECT_EQ(status(std::move(told), nullptr, nullptr), 403) << shown << " without Origin";
    EXPECT_EQ(status(by_cookie(operation), "Origin", own_origin), 403) << shown << " without X-CSRF-Token";
    auto guessed = by_cookie(operation);
    guessed.headers.emplace_back("X-CSRF-Token", std::string(43, 'A'));
    EXPECT_EQ(status(std::move(guessed), "Origin", own_origin), 403) << shown << " with a guess";
    EXPECT_EQ(status(place.request(operation.method, operation.path), nullptr, nullptr), 401) << shown;
  }

  EXPECT_GE(asked, 200);
  EXPECT_EQ(state(), before);
}

TEST_F(DoorsTest, OurOwnPagesMayChangeThings) {
  for (const bool untold : {false, true}) {
    auto request = by_cookie({"POST", "/v1/jobs/" + job + (untold ? ":resume" : ":pause")});
    request.headers.emplace_back("Origin", untold ? "null" : own_origin);
    request.headers.emplace_back("Sec-Fetch-Site", "same-origin");
    request.headers.emplace_back("X-CSRF-Token", browser.csrf);

    EXPECT_EQ(place.send(std::move(request)).status, 200) << untold;
  }
  EXPECT_NE(state(), before) << "the history of the job is longer, so `state` would show a change";
}

TEST_F(DoorsTest, AnExtensionOfABrowserIsAProgramAndItsCookiesCountForNothing) {
  const std::pair<const char*, const char*> extensions[] = {
      {"chrome-extension://abcdefghijklmnopabcdefghijklmnop", ":pause"},
      {"moz-extension://0b9ed6d4-3c5d-4b3c-9d2f-2f7b1c7d7e11", ":resume"}};
  for (const auto& [origin, deed] : extensions) {
    auto by_its_cookie = by_cookie({"POST", "/v1/jobs/" + job + deed});
    by_its_cookie.headers.emplace_back("Origin", origin);
    by_its_cookie.headers.emplace_back("X-CSRF-Token", browser.csrf);
    auto by_its_token = by_token({"POST", "/v1/jobs/" + job + deed});
    by_its_token.headers.emplace_back("Origin", origin);

    EXPECT_EQ(place.send(std::move(by_its_cookie)).status, 403) << origin;
    EXPECT_EQ(place.send(std::move(by_its_token)).status, 200) << origin;
  }
}

TEST_F(DoorsTest, AProgramMayNameAFormsTypeWhereItSendsNothing) {
  auto request = place.request("POST", "/v1/jobs/" + job + ":pause", token);
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");

  EXPECT_EQ(place.send(std::move(request)).status, 200);
}

TEST_F(DoorsTest, NothingIsSharedWithPagesOfOtherOrigins) {
  const std::vector<std::string> origins{"null",
                                         "https://evil.example",
                                         "http://evil.example:8470",
                                         "https://127.0.0.1:8470",
                                         "http://127.0.0.1",
                                         "http://127.0.0.1:8471",
                                         "http://127.0.0.1:84700",
                                         "http://127.0.0.1:8470.evil.example",
                                         "http://127.0.0.1:8470@evil.example",
                                         "http://evil.example#127.0.0.1:8470",
                                         "http://evil127.0.0.1:8470",
                                         "http://localhost:8470",
                                         "http://[::1]:8470",
                                         "http://2130706433:8470",
                                         "http://0x7f000001:8470",
                                         "file://",
                                         "chrome-extension://abcdefghijklmnop",
                                         "moz-extension://f00",
                                         "http://127.0.0.1:8470, https://evil.example",
                                         "*"};
  for (const auto& operation : operations(ids))
    for (const auto& origin : origins)
      for (const bool preflight : {false, true}) {
        if (changes(operation) && !preflight && origin != origins.front()) continue;  // see above
        auto request = by_token(operation);
        if (operation.path == "/v1/events") request.headers.erase(request.headers.begin() + 1);
        if (preflight) {
          request.headers.emplace_back("Access-Control-Request-Method", request.method);
          request.method = "OPTIONS";
        }
        request.headers.emplace_back("Origin", origin);
        const auto answer = place.begin(std::move(request));
        for (const auto& [name, value] : answer.headers)
          EXPECT_FALSE(name.starts_with("Access-Control-")) << operation.path << " " << origin;
      }
  EXPECT_EQ(state(), before);
}

TEST_F(DoorsTest, ACookieIsMadeForOneOriginAndTellsNoToken) {
  const auto sign_in = [&](bool tls, const std::function<void(http::Request&)>& change) {
    auto request = place.request("POST", "/v1/session", "",
                                 R"({"user":"ana","password":"correct horse","cookie":true})");
    request.peer.tls = tls;
    change(request);
    return place.send(std::move(request));
  };
  const auto own = [](bool tls) {
    return [tls](http::Request& request) {
      request.headers.emplace_back("Origin", tls ? "https://127.0.0.1:8470" : own_origin);
      request.headers.emplace_back("User-Agent",
                                   "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko Firefox/140.0");
    };
  };

  const auto plain = sign_in(false, own(false)), secure = sign_in(true, own(true));
  const auto program = sign_in(false, [](http::Request&) {});
  const auto foreign = sign_in(
      false, [](http::Request& request) { request.headers.emplace_back("Origin", "https://evil.example"); });

  ASSERT_EQ(secure.status, 201) << secure.body;
  const std::string& cookie = secure.headers.at("set-cookie");
  EXPECT_TRUE(cookie.starts_with("__Host-restante="));
  EXPECT_NE(cookie.find("; Path=/; Max-Age=259"), std::string::npos) << cookie;
  EXPECT_TRUE(cookie.ends_with("; HttpOnly; SameSite=Strict; Secure")) << cookie;
  EXPECT_FALSE(secure.json().as_object().contains("token"));
  EXPECT_TRUE(plain.headers.at("set-cookie").starts_with("restante="));
  EXPECT_EQ(plain.headers.at("set-cookie").find("Secure"), std::string::npos);
  EXPECT_EQ(program.status, 403);
  EXPECT_EQ(foreign.status, 403);
  const auto devices = place.send("GET", "/v1/devices", token).json();
  EXPECT_EQ(devices.at("sessions").at(2).at("label"), "Firefox on Linux");
}

TEST_F(DoorsTest, ACookieOfTheWrongKindOrPlaceIsNone) {
  const auto status = [&](const std::string& cookie, const std::function<void(http::Request&)>& change = {}) {
    auto request = place.request("GET", "/v1/jobs");
    request.headers.emplace_back("Cookie", cookie);
    if (change) change(request);
    return place.send(std::move(request)).status;
  };
  const std::string value = browser.cookie.substr(browser.cookie.find('=') + 1);

  EXPECT_EQ(status(browser.cookie), 200);
  EXPECT_EQ(status("a=b; " + browser.cookie + "; c=d"), 200);
  EXPECT_EQ(status("restante=" + token), 401) << "a device's token is no cookie";
  EXPECT_EQ(status("restante=x; " + browser.cookie), 401) << "one of two was put there by somebody else";
  EXPECT_EQ(status("__Host-restante=" + value), 401) << "only over TLS";
  EXPECT_EQ(status(browser.cookie, [](http::Request& r) { r.peer.tls = true; }), 401)
      << "only with its prefix";
  EXPECT_EQ(status(browser.cookie, [](http::Request& r) { r.peer.both_loopback = false; }), 401);
  for (const char* site : {"cross-site", "same-site"})
    EXPECT_EQ(
        status(browser.cookie, [&](http::Request& r) { r.headers.emplace_back("Sec-Fetch-Site", site); }),
        401)
        << site;
  EXPECT_EQ(
      status(browser.cookie, [](http::Request& r) { r.headers.emplace_back("Authorization", "Bearer x"); }),
      401)
      << "what is said counts, not what comes along";
}

TEST_F(DoorsTest, ACookieEndsWithItsSession) {
  const auto alive = [&](const Browser& one) {
    auto request = place.request("GET", "/v1/session");
    request.headers.emplace_back("Cookie", one.cookie);
    return place.send(std::move(request)).status == 200;
  };
  const auto change = [&](const Browser& one, const char* method, const std::string& path,
                          std::string body = {}) {
    auto request = place.request(method, path, "", std::move(body));
    request.headers.insert(request.headers.end(),
                           {{"Cookie", one.cookie}, {"Origin", own_origin}, {"X-CSRF-Token", one.csrf}});
    return place.send(std::move(request));
  };

  const auto again =
      change(browser, "POST", "/v1/session", R"({"user":"ana","password":"correct horse","cookie":true})");
  ASSERT_EQ(again.status, 201) << again.body;
  EXPECT_FALSE(alive(browser)) << "signing in rotates";
  const std::string& set = again.headers.at("set-cookie");
  const Browser second{set.substr(0, set.find(';')), std::string(again.json().at("csrf").as_string())};
  EXPECT_TRUE(alive(second));
  const auto out = change(second, "DELETE", "/v1/session");
  EXPECT_EQ(out.status, 204);
  EXPECT_NE(out.headers.at("set-cookie").find("Max-Age=0"), std::string::npos);
  EXPECT_FALSE(alive(second)) << "signed out";

  const auto third = place.browse("ana", password), fourth = place.browse("ana", password);
  const auto sessions = place.send("GET", "/v1/devices", token).json().at("sessions");
  const std::string id(sessions.at(0).at("id").as_string());
  EXPECT_EQ(place.send("DELETE", "/v1/sessions/" + id, token).status, 204);
  EXPECT_FALSE(alive(third)) << "ended from another device";
  EXPECT_TRUE(alive(fourth));
  EXPECT_EQ(place.send("PATCH", "/v1/users/ana", token, R"({"password":"battery staple"})").status, 200);
  EXPECT_FALSE(alive(fourth)) << "another password";
  EXPECT_EQ(place.send("GET", "/v1/jobs", token).status, 200) << "devices stay";
}

}  // namespace
}  // namespace restante::api::test
