// SPDX-License-Identifier: Apache-2.0
#include "transfer/hop_headers.hpp"
#include "transfer/redirects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Redirects and what is sent on each hop.
namespace restante::transfer {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

net::HttpUrl url(const std::string& text) {
  return net::parse_url(text).value();
}
Hop hop(const std::string& text, std::string method = "GET", bool body = false) {
  return Hop{url(text), std::move(method), body};
}

TEST(Redirects, TurnMethodsAsTheRfcSays) {
  struct Case {
    int status;
    const char* method;
    const char* after;
    bool body;
  };
  for (const Case& c :
       {Case{301, "POST", "GET", false}, Case{302, "POST", "GET", false}, Case{303, "POST", "GET", false},
        Case{303, "PUT", "GET", false}, Case{307, "POST", "POST", true}, Case{308, "POST", "POST", true},
        Case{302, "PUT", "PUT", true}}) {
    const auto next = next_hop(hop("http://h/a", c.method, true), c.status, "/b");
    ASSERT_TRUE(next);
    EXPECT_EQ(next->method, c.after) << c.status << c.method;
    EXPECT_EQ(next->with_body, c.body) << c.status << c.method;
  }
}

TEST(Redirects, RefuseDowngradesForeignBodiesAndOtherSchemes) {
  EXPECT_FALSE(next_hop(hop("https://h/"), 302, "http://h/"));
  EXPECT_TRUE(next_hop(hop("http://h/"), 302, "https://h/"));
  EXPECT_FALSE(next_hop(hop("http://h/", "POST", true), 307, "http://other/"));
  for (const char* place : {"ftp://h/", "file:///etc/passwd", "data:,x", "javascript:1", "http://",
                            "http://h:99999/", "http://[::1/", "//h\\@evil/", "http://a b/"}) {
    const auto next = next_hop(hop("http://h/"), 302, place);
    ASSERT_FALSE(next) << place;
    EXPECT_EQ(next.error().reason, Reason::redirect_refused);
  }
}

TEST(Redirects, EndAfterTenOrInACircle) {
  RedirectTrail circle(10);
  EXPECT_TRUE(circle.enter(hop("http://h/a")));
  EXPECT_TRUE(circle.enter(hop("http://h/b")));
  EXPECT_FALSE(circle.enter(hop("http://h/a")));
  RedirectTrail chain(10);
  for (int i = 0; i <= 10; ++i) EXPECT_TRUE(chain.enter(hop("http://h/" + std::to_string(i))));
  EXPECT_EQ(chain.enter(hop("http://h/11")).error().reason, Reason::redirect_loop);
}

TEST(Redirects, TellTheWayWithoutPathsAndQueries) {
  RedirectTrail trail(10);
  EXPECT_TRUE(trail.enter(hop("http://a.test/secret?token=1")));
  EXPECT_EQ(trail.way(), "");
  EXPECT_TRUE(trail.enter(hop("https://user:word@b.test:444/x")));
  EXPECT_TRUE(trail.enter(hop("http://10.0.0.1/")));
  EXPECT_EQ(trail.way(), "http://a.test > https://b.test:444 > http://10.0.0.1");
}

jobs::TransferOrder order_with(proxy::CredentialKind kind, std::vector<std::string> scope) {
  jobs::TransferOrder order;
  proxy::Credential credential;
  credential.kind = kind;
  credential.scope = std::move(scope);
  credential.user = "u";
  credential.password = "p";
  credential.token = "t";
  credential.headers = {{"X-Key", "k"}};
  order.credentials = {credential};
  return order;
}

std::vector<std::string> lines(const jobs::TransferOrder& order, const std::string& source,
                               const std::string& to) {
  return hop_headers(order, url(source), url(to), Instant(Seconds(1000))).value().lines;
}

TEST(HopHeaders, SendCredentialsOnlyInsideTheirScope) {
  for (const auto kind :
       {proxy::CredentialKind::basic, proxy::CredentialKind::bearer, proxy::CredentialKind::headers}) {
    const auto order = order_with(kind, {"https://h"});
    EXPECT_TRUE(hop_headers(order, url("https://h/"), url("https://h/x"), {})->credentials);
    for (const char* elsewhere : {"http://h/", "https://h:444/", "https://sub.h/", "https://other/"}) {
      EXPECT_FALSE(hop_headers(order, url("https://h/"), url(elsewhere), {})->credentials) << elsewhere;
    }
  }
}

TEST(HopHeaders, SendCookiesByHostDomainPathSchemeAndTime) {
  const auto sent = [](auto change, const char* to) {
    auto order = order_with(proxy::CredentialKind::cookies,
                            {"https://a.h.test", "http://a.h.test", "https://1.2.3.4"});
    proxy::Cookie cookie;
    cookie.name = "n";
    cookie.value = "v";
    cookie.host = "a.h.test";
    change(cookie);
    order.credentials[0].cookies = {cookie};
    return hop_headers(order, url(to), url(to), Instant(Seconds(1000)))->credentials;
  };
  const auto plain = [](proxy::Cookie&) {};
  EXPECT_TRUE(sent(plain, "https://a.h.test/"));
  EXPECT_FALSE(sent([](auto& c) { c.host = "h.test"; }, "https://a.h.test/"));
  EXPECT_TRUE(sent([](auto& c) { c.domain = ".h.test"; }, "https://a.h.test/"));
  EXPECT_FALSE(sent([](auto& c) { c.domain = "evil-h.test"; }, "https://a.h.test/"));
  EXPECT_FALSE(sent([](auto& c) { c.domain = "3.4"; }, "https://1.2.3.4/"));
  EXPECT_TRUE(sent([](auto& c) { c.path = "/x"; }, "https://a.h.test/x/y"));
  EXPECT_FALSE(sent([](auto& c) { c.path = "/x"; }, "https://a.h.test/xy"));
  EXPECT_FALSE(sent([](auto& c) { c.secure = true; }, "http://a.h.test/"));
  EXPECT_FALSE(sent([](auto& c) { c.expires = 999; }, "https://a.h.test/"));
}

TEST(HopHeaders, DecideSomeFieldsThemselves) {
  jobs::TransferOrder order;
  order.source.request.headers = {{"Host", "evil"},
                                  {"Range", "bytes=0-1"},
                                  {"accept-encoding", "gzip"},
                                  {"Proxy-Authorization", "x"},
                                  {"User-Agent", "mine"}};

  const auto got = lines(order, "http://h/", "http://h/");

  EXPECT_THAT(got, testing::UnorderedElementsAre("User-Agent: mine", "Accept-Encoding: identity"));
}

TEST(HopHeaders, RefuseLineBreaksInNamesAndValues) {
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"A", "b\r\nC: d"},
                                    {"A\nB", "c"},
                                    {"A", std::string("b\0c", 3)},
                                    {"A:", "b"}}) {
    jobs::TransferOrder order;
    order.source.request.headers = {{name, value}};
    EXPECT_FALSE(hop_headers(order, url("http://h/"), url("http://h/"), {}));
  }
}

TEST(HopHeaders, KeepConnectionsOfDifferentCredentialsAndAccountsApart) {
  const auto order = [](std::int64_t account, const char* password) {
    auto made = order_with(proxy::CredentialKind::basic, {"https://h"});
    made.account.value = account;
    made.credentials[0].password = password;
    return credential_domain(made);
  };
  EXPECT_EQ(order(1, "a"), order(1, "a"));
  EXPECT_NE(order(1, "a"), order(1, "b"));
  EXPECT_NE(order(1, "a"), order(2, "a"));
  EXPECT_THAT(order(1, "K4N4RY"), Not(HasSubstr("K4N4RY")));
  EXPECT_NE(credential_domain({}), order(0, "a"));
}

}  // namespace
}  // namespace restante::transfer
