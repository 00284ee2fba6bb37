// SPDX-License-Identifier: Apache-2.0
// POST /v1/share as phones, Shortcuts and bookmarklets use it.
#include "base/text.hpp"
#include "place.hpp"

#include <boost/json/value.hpp>
#include <gtest/gtest.h>

namespace restante::api::test {
namespace {

constexpr const char* password = "correct horse";
constexpr const char* form = "application/x-www-form-urlencoded";
constexpr const char* multipart = "multipart/form-data; boundary=----WebKitFormBoundaryX";

std::string field(const std::string& name, const std::string& value, const std::string& file = {}) {
  return "------WebKitFormBoundaryX\r\nContent-Disposition: form-data; name=\"" + name + "\"" +
         (file.empty() ? "" : "; filename=\"" + file + "\"\r\nContent-Type: application/octet-stream") +
         "\r\n\r\n" + value + "\r\n";
}
const std::string end = "------WebKitFormBoundaryX--\r\n";

struct ShareTest : testing::Test {
  ShareTest() : device(place.connect("ana", accounts::Role::user, password)) {
    const auto made = place.send("POST", "/v1/tokens", device, R"({"kind":"submit","label":"phone"})");
    key = std::string(made.json().at("token").as_string());
  }
  Answer share(const std::string& with, const std::string& body, const std::string& type) {
    return place.send("POST", "/v1/share", with, body, type);
  }
  /// The names of the account's downloads, newest first.
  std::vector<std::string> downloads() {
    std::vector<std::string> out;
    const auto jobs = place.send("GET", "/v1/jobs", device).json();
    for (const auto& job : jobs.as_array()) out.emplace_back(job.at("name").as_string());
    return out;
  }

  Place place;
  std::string device, key;
};

TEST_F(ShareTest, ALinkIsTakenInEveryFormThatPhonesSend) {
  const std::string url = "http://127.0.0.1:9/";

  const std::vector<Answer> answers{
      share(key, R"({"url":")" + url + R"(a.bin"})", "application/json"),
      share(key, R"({"text":"Look at this: )" + url + R"(b.bin.","title":"A page"})", "application/json"),
      share(key, url + "c.bin\n", "text/plain; charset=utf-8"),
      share(key, "title=A+page&text=&url=http%3A%2F%2F127.0.0.1%3A9%2Fd.bin", form),
      share(key, field("title", "A page") + field("text", url + "e.bin") + field("url", "") + end, multipart),
      share(key, field("title", "see " + url + "f.bin") + end, multipart),
      share(key, field("files", url + "g.bin\r\n" + url + "h.bin\r\n", "links.txt") + end, multipart),
  };

  for (const auto& answer : answers) EXPECT_EQ(answer.status, 202) << answer.body;
  EXPECT_EQ(downloads(), (std::vector<std::string>{"h.bin", "g.bin", "f.bin", "e.bin", "d.bin", "c.bin",
                                                   "b.bin", "a.bin"}));
  const auto first = answers.front().json();
  EXPECT_EQ(first.at("downloads").as_array().size(), 1u);
  EXPECT_EQ(first.at("downloads").at(0).as_object().size(), 2u) << "a submit token is told id and state only";
  EXPECT_EQ(first.at("refused").as_array().size(), 0u);
  EXPECT_FALSE(answers.front().headers.contains("location"));
}

TEST_F(ShareTest, ALinkThatComesTwiceIsOneDownload) {
  const auto answer =
      share(device, R"({"url":"http://127.0.0.1:9/a.bin","text":"A: http://127.0.0.1:9/a.bin"})",
            "application/json");

  ASSERT_EQ(answer.status, 202) << answer.body;
  EXPECT_EQ(answer.json().at("downloads").as_array().size(), 1u);
  EXPECT_EQ(answer.json().at("downloads").at(0).at("name"), "a.bin") << "who may read is told all";
  EXPECT_EQ(downloads().size(), 1u);
}

TEST_F(ShareTest, WhatHoldsNoLinkIsRefusedInWords) {
  for (const auto& [body, type] : std::vector<std::pair<std::string, std::string>>{
           {"{}", "application/json"},
           {R"({"text":"nothing of use"})", "application/json"},
           {"hello", "text/plain"},
           {"text=hello&url=", form},
           {field("files", std::string("\x89PNG\r\n\x1a\n\0\0", 10), "holiday.png") + end, multipart},
           {end, multipart}}) {
    const auto answer = share(key, body, type);
    EXPECT_EQ(answer.status, 400) << body << answer.body;
    EXPECT_FALSE(answer.json().at("hint").as_string().empty());
  }
  EXPECT_EQ(share(key, R"({"link":"http://127.0.0.1:9/a"})", "application/json").status, 400);
  EXPECT_EQ(share(key, "text=%zz", form).reason(), "malformed");
  EXPECT_EQ(share(key, "------WebKitFormBoundaryX\r\n", multipart).reason(), "malformed");
  EXPECT_EQ(share(key, "http://127.0.0.1:9/a", "image/png").status, 415);
  EXPECT_TRUE(downloads().empty());
}

TEST_F(ShareTest, NoFormOfAnotherSiteStartsAnything) {
  const auto browser = place.browse("ana", password);
  const auto made = place.send("POST", "/v1/tokens", device, R"({"kind":"app-password","label":"phone"})");
  const std::string app_password(made.json().at("token").as_string());
  const auto asked = [&](const char* type, std::vector<std::pair<std::string, std::string>> headers) {
    const std::string body = std::string_view(type) == form ? "url=http%3A%2F%2F127.0.0.1%3A9%2Fa.bin"
                                                            : field("url", "http://127.0.0.1:9/a.bin") + end;
    auto request = place.request("POST", "/v1/share", "", body, type);
    for (auto& header : headers) request.headers.push_back(std::move(header));
    return place.send(std::move(request)).status;
  };

  for (const char* type : {form, multipart}) {
    EXPECT_EQ(asked(type, {}), 401);
    EXPECT_EQ(asked(type, {{"Cookie", browser.cookie}}), 403);
    EXPECT_EQ(asked(type, {{"Cookie", browser.cookie}, {"Origin", "http://127.0.0.1:8470"}}), 403);
    EXPECT_EQ(asked(type, {{"Cookie", browser.cookie},
                           {"Origin", "https://evil.example"},
                           {"X-CSRF-Token", browser.csrf}}),
              403);
    EXPECT_EQ(asked(type, {{"Authorization", "Bearer " + key}, {"Origin", "https://evil.example"}}), 403);
    EXPECT_EQ(asked(type, {{"Authorization", "Basic " + to_base64("ana:" + app_password)}}), 403)
        << "browsers add Basic by themselves";
  }
  EXPECT_TRUE(downloads().empty());
  EXPECT_EQ(asked(multipart, {{"Cookie", browser.cookie},
                              {"Origin", "http://127.0.0.1:8470"},
                              {"X-CSRF-Token", browser.csrf}}),
            202);
}

TEST_F(ShareTest, WhatOneCallStartsIsLimitedAndSaidSo) {
  ApiLimits limits;
  limits.shared_downloads = 2;
  limits.submit_per_minute = 1;
  Place narrow(limits);
  const auto token = narrow.connect("ana");
  const std::string links = "http://127.0.0.1:9/a http://127.0.0.1:9/b http://127.0.0.1:9/c";

  const auto first = narrow.send("POST", "/v1/share", token, links, "text/plain");
  const auto second = narrow.send("POST", "/v1/share", token, links, "text/plain");

  ASSERT_EQ(first.status, 202) << first.body;
  EXPECT_EQ(first.json().at("downloads").as_array().size(), 2u);
  EXPECT_EQ(first.json().at("refused").at(0).at("reason"), "too-large");
  EXPECT_EQ(second.status, 429);
  EXPECT_TRUE(second.headers.contains("retry-after"));
}

}  // namespace
}  // namespace restante::api::test
