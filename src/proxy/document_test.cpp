// SPDX-License-Identifier: Apache-2.0
#include "proxy/document.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace restante::proxy {
namespace {

constexpr std::string_view jkt = "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s";

/// A document of one source, with more members of the top level and of the source.
std::string one_url(const std::string& members = "", const std::string& in_source = "",
                    const std::string& url = "https://host.example/a.bin") {
  return R"({"v":1,"id":"01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a","aud":[{"jkt":")" + std::string(jkt) +
         R"("}],"iat":1795335600,"exp":1796200000,"what":{"files":[{"sources":[{"url":")" + url + "\"" +
         in_source + "}]}]}" + members + "}";
}

/// The document, which must be right.
Document read(const std::string& json) {
  auto document = parse(json);
  if (!document) {
    ADD_FAILURE() << document.error().pointer << " " << document.error().message;
    return {};
  }
  return std::move(*document);
}

const Source& first_source(const Document& document) {
  return document.files.at(0).sources.at(0);
}

const std::string whole = one_url(
    R"(,"rev":2,"iss":{"jkt":"cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s","account":"ana"},"nbf":1795335601,"access":[
    {"id":"c1","kind":"basic","scope":["HTTPS://Host.example:443"],"user":"ana","password":"pass-secret"},
    {"id":"c2","kind":"bearer","scope":["https://host.example"],"token":"token-secret"},
    {"id":"c3","kind":"cookies","scope":["https://host.example"],"cookies":[{"name":"s","value":"cookie-secret","host":"host.example","secure":true,"expires":5}]},
    {"id":"c4","kind":"headers","scope":["https://host.example"],"headers":[["x-key","header-secret"]]},
    {"id":"c5","kind":"digest","scope":["https://host.example"],"user":"ana","password":"digest-secret"},
    {"id":"c6","kind":"tls","scope":["https://host.example"],"cert":"-----BEGIN C\n","key":"-----BEGIN tls-secret"},
    {"id":"c7","kind":"oauth","scope":["https://host.example"],"token_endpoint":"https://id.example/token","client_id":"me",
     "client_secret":"client-secret","refresh_token":"refresh-secret","access_token":"access-secret","expires":9}],
    "when":{"tz":"Europe/Paris","start":"2026-11-28T01:00:00+01:00[Europe/Paris]","by":"2026-11-30T08:00:00Z",
    "windows":[{"days":["MO","SU"],"from":"23:00","to":"06:30"},{"from":"00:00","to":"24:00"}],"repeat":"FREQ=DAILY","miss":"skip","late":"stop"},
    "limits":{"bytes":10,"rate":20,"attempts":3,"parallel":4},"keep":"P14D","probe":false)",
    R"(,"pri":2,"cred":["c1","c2"],"request":{"method":"POST","body64":"/wA=","headers":[["accept","*/*"]]})");

TEST(Document, ReadsOneAddress) {
  const auto document = read(one_url());

  EXPECT_EQ(first_source(document).url, "https://host.example/a.bin");
  EXPECT_EQ(first_source(document).request.method, "GET");
  EXPECT_EQ(document.aud.at(0).jkt, jkt);
  EXPECT_EQ(document.iat, 1795335600);
  EXPECT_TRUE(document.probe);
  EXPECT_FALSE(document.keep);
}

TEST(Document, ReadsEveryMember) {
  const auto document = read(whole);

  EXPECT_EQ(document.rev, 2);
  EXPECT_EQ(document.iss_account, "ana");
  EXPECT_EQ(document.nbf, 1795335601);
  EXPECT_EQ(first_source(document).priority, 2);
  EXPECT_EQ(first_source(document).request.body, std::string("\xff\x00", 2));
  ASSERT_EQ(document.access.size(), 7u);
  EXPECT_EQ(document.access[6].refresh_token, "refresh-secret");
  EXPECT_EQ(document.access[6].expires, 9);
  EXPECT_EQ(document.access[0].scope, std::vector<std::string>{"https://host.example"});
  EXPECT_EQ(document.access[2].cookies.at(0).path, "/");
  EXPECT_EQ(document.access[2].cookies.at(0).expires, 5);
  EXPECT_EQ(to_rfc3339(*document.when.start), "2026-11-28T00:00:00Z");
  EXPECT_EQ(document.when.start_text, "2026-11-28T01:00:00+01:00[Europe/Paris]");
  ASSERT_EQ(document.when.windows.size(), 2u);
  EXPECT_EQ(document.when.windows[0].from_minute, 23 * 60);
  EXPECT_EQ(document.when.windows[0].to_minute, 6 * 60 + 30);
  EXPECT_EQ(document.when.windows[1].to_minute, 1440);
  EXPECT_EQ(document.when.miss, Miss::skip);
  EXPECT_EQ(document.when.late, Late::stop);
  EXPECT_EQ(document.limits.max_bytes, 10u);
  EXPECT_EQ(document.limits.rate_bytes_per_s, 20u);
  EXPECT_EQ(document.limits.attempts, 3);
  EXPECT_EQ(document.limits.parallel, 4);
  EXPECT_EQ(document.keep, std::chrono::days(14));
  EXPECT_FALSE(document.probe);
}

TEST(Document, IsTheSameAfterWritingAndReading) {
  const auto document = read(whole);

  const auto written = to_json(document);

  EXPECT_EQ(to_json(read(written)), written);
  for (const char* part :
       {"pass-secret", "token-secret", "cookie-secret", "header-secret", "body64", "FREQ=DAILY", "\"24:00\"",
        "01:00:00+01:00[Europe/Paris]", "P14D", "\"probe\":false", "\"expires\":5"})
    EXPECT_NE(written.find(part), std::string::npos) << part;
}

TEST(Document, WritesAChangedTimeAnew) {
  auto document = read(whole);
  document.when.start = *document.when.start + std::chrono::hours(1);

  const auto again = read(to_json(document));

  EXPECT_EQ(to_rfc3339(*again.when.start), "2026-11-28T01:00:00Z");
}

TEST(Document, FoldersOfTheWholeAndOfOneFileJoin) {
  auto json = one_url();
  json.replace(json.find("\"files\":[{"), 10, R"("folder":"course","files":[{"path":"week 1/two",)");

  const auto document = read(json);

  EXPECT_EQ(document.files.at(0).folder, "course/week 1/two");
  EXPECT_EQ(read(to_json(document)).files.at(0).folder, "course/week 1/two");
}

TEST(Document, FoldersTogetherHaveALimit) {
  auto json = one_url();
  std::string deep = "a";
  for (int i = 1; i < 32; ++i) deep += "/a";
  json.replace(json.find("\"files\":[{"), 10, R"("folder":")" + deep + R"(","files":[{"path":"b",)");

  const auto document = parse(json);

  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().pointer, "/what/files/0/path");
}

TEST(Document, FoldersInCommonAreWrittenOnce) {
  auto document = read(one_url());
  const auto folders = [&](std::vector<std::string> wanted) {
    const File file = document.files.at(0);
    document.files.assign(wanted.size(), file);
    for (std::size_t i = 0; i < wanted.size(); ++i) document.files[i].folder = wanted[i];
    const auto json = to_json(document);
    const auto again = read(json);
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(again.files.at(i).folder, wanted[i]) << json;
    return json;
  };

  EXPECT_NE(folders({"a/b/c", "a/b", "a/b/d"}).find(R"("folder":"a/b")"), std::string::npos);
  EXPECT_EQ(folders({"a/b", "a/bc"}).find(R"("folder":"a/b")"), std::string::npos);
  EXPECT_EQ(folders({"a", ""}).find("\"folder\""), std::string::npos);
}

TEST(Document, WhatIsAcceptedCanBeWrittenAndReadAgainAlsoWhenItIsLarge) {
  const auto with_sources = [](int count) {
    std::string sources;
    for (int i = 0; i < count; ++i) {
      const auto user = static_cast<char>('a' + i % 16);
      sources += std::string(i == 0 ? "" : ",") + R"({"sources":[)";
      for (int k = 0; k < 64; ++k)
        sources += std::string(k == 0 ? "" : ",") + R"({"url":"http://)" + user + "@h\"}";
      sources += "]}";
    }
    auto json = one_url();
    const auto start = json.find("{\"sources\"");
    return json.replace(start, json.find("]}]}") + 3 - start, sources + "]");
  };

  const auto accepted = parse(with_sources(80));
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_GT(to_json(*accepted).size(), with_sources(80).size());
  EXPECT_TRUE(parse(to_json(*accepted)));
  const auto refused = parse(with_sources(150));
  ASSERT_LT(with_sources(150).size(), 256u * 1024);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::too_large);
}

TEST(Document, RandomChangesNeverBreakTheParserAndWhatItAcceptsItCanWrite) {
  constexpr unsigned seed = 20261122;
  std::minstd_rand random(seed);
  int accepted = 0;
  for (int round = 0; round < 8000; ++round) {
    auto json = whole;
    for (auto changes = random() % 3 + 1; changes > 0; --changes) {
      const auto at = random() % json.size();
      const auto kind = random() % 4;
      if (kind == 0)
        json[at] = static_cast<char>(random());
      else if (kind == 1)
        json.erase(at, random() % 8);
      else if (kind == 2)
        json.insert(at, 1, "\"\\{}[]:,0-e./@%"[random() % 16]);
      else
        json.insert(at, json.substr(random() % json.size(), random() % 24));
    }
    const auto document = parse(json);
    if (!document) {
      ASSERT_FALSE(document.error().message.empty()) << json;
      continue;
    }
    ++accepted;
    const auto written = to_json(*document);
    const auto again = parse(written);
    ASSERT_TRUE(again) << "seed " << seed << ": " << again.error().message << "\n" << json << "\n" << written;
    ASSERT_EQ(to_json(*again), written) << json;
  }
  EXPECT_GT(accepted, 500);
}

TEST(Document, IsRefusedWhenItIsTooLarge) {
  const auto document = parse(one_url(R"(,"ext":{"a":")" + std::string(256 * 1024, 'x') + "\"}"));

  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().reason, Reason::too_large);
}

TEST(Document, ErrorsSayWhatIsWrongAndHowToMendIt) {
  const auto no_zone = parse(one_url(R"(,"when":{"start":"2026-11-28T02:00:00"})")).error();
  EXPECT_NE(no_zone.message.find("zone"), std::string::npos) << no_zone.message;
  EXPECT_NE(no_zone.hint.find("+01:00"), std::string::npos) << no_zone.hint;

  const auto scheme = parse(one_url("", "", "file:///etc/passwd")).error();
  EXPECT_EQ(scheme.reason, Reason::scheme);
  EXPECT_NE(scheme.message.find("https://"), std::string::npos) << scheme.message;

  const auto type = parse(one_url(R"(,"rev":"1")")).error();
  EXPECT_EQ(type.message, "/rev must be a number, and is a text in quotes");
}

TEST(Document, ErrorsDoNotRepeatWhatWasGiven) {
  for (const char* url :
       {"https://ana:hush-hush@host/a b", "https://ana:hush-hush@@host/", "ana:hush-hush@host"}) {
    const auto error = parse(one_url("", "", url)).error();
    EXPECT_EQ((error.message + error.hint).find("hush"), std::string::npos) << error.message;
  }
  const auto error =
      parse(one_url(R"(,"access":[{"id":"a","kind":"bearer","scope":["https://h"],"token":"hush hush"}])"))
          .error();
  EXPECT_EQ(error.pointer, "/access/0/token");
  EXPECT_EQ((error.message + error.hint).find("hush"), std::string::npos) << error.message;
}

TEST(Secrets, OfAnAddressBecomeACredentialOfItsOrigin) {
  const auto document = read(one_url("", "", "https://ana:p%3Ass%20w@Host.example:443/a"));

  EXPECT_EQ(first_source(document).url, "https://Host.example:443/a");
  ASSERT_EQ(document.access.size(), 1u);
  const auto& credential = document.access[0];
  EXPECT_EQ(credential.kind, CredentialKind::basic);
  EXPECT_EQ(credential.user, "ana");
  EXPECT_EQ(credential.password, "p:ss w");
  EXPECT_EQ(credential.scope, std::vector<std::string>{"https://host.example"});
  EXPECT_EQ(first_source(document).credential_ids, std::vector<std::string>{credential.id});
}

TEST(Secrets, OfAnAddressMustBeText) {
  for (const char* user : {"a%0d%0ab", "a:%00", "%ff", "a%3ab"})
    EXPECT_EQ(parse(one_url("", "", "https://" + std::string(user) + "@host/")).error().pointer,
              "/what/files/0/sources/0/url")
        << user;
  EXPECT_TRUE(read(one_url("", "", "https://@host/")).access.empty());
}

/// C3: what could begin another line in a request, a mail or a log.
TEST(Secrets, AndOtherTextsHaveNoLineBreaks) {
  const auto refused = [](const std::string& where, const std::string& fault) {
    std::string text = whole;
    const auto at = text.find(where);
    text.insert(at + where.size() / 2, fault);
    const auto parsed = parse(text);
    return !parsed && !parsed.error().pointer.empty();
  };
  for (const char* fault : {R"(\r)", R"(\n)", R"(\u0000)", R"(\u0085)", R"(\u2028)", R"(\u2029)"})
    for (const char* where :
         {"pass-secret", "token-secret", "cookie-secret", "header-secret", "digest-secret", "x-key",
          "client-secret", "refresh-secret", "access-secret", "id.example/token", "\"me\"", "\"ana\"",
          "/a.bin", "*/*", "https://host.example\"]"})
      EXPECT_TRUE(refused(where, fault)) << where << " " << fault;
  for (const char* fault : {"%0d", "%0A", "%00"})
    for (const char* where : {"/a.bin", "id.example/token"})
      EXPECT_TRUE(refused(where, fault)) << where << " " << fault;
  EXPECT_TRUE(read(one_url("", "", "https://host/a%0B%20")).access.empty());
}

TEST(Secrets, OfHeadersBecomeACredentialOfTheOrigin) {
  const auto document = read(one_url(
      "", R"(,"request":{"headers":[["Cookie","a=b; c=d"],["accept","*/*"],["AUTHORIZATION","Bearer x"]]})"));

  ASSERT_EQ(document.access.size(), 1u);
  const auto& credential = document.access[0];
  EXPECT_EQ(credential.kind, CredentialKind::headers);
  EXPECT_EQ(credential.headers, (std::vector<Header>{{"Cookie", "a=b; c=d"}, {"AUTHORIZATION", "Bearer x"}}));
  EXPECT_EQ(credential.scope, std::vector<std::string>{"https://host.example"});
  EXPECT_EQ(first_source(document).request.headers, (std::vector<Header>{{"accept", "*/*"}}));
  EXPECT_EQ(to_json(document, Part::without_secrets).find("a=b"), std::string::npos);
}

TEST(Secrets, ThatAreTheSameAreOneCredentialWithANameOfItsOwn) {
  const auto document = parse(
      R"({"v":1,"id":"01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a","aud":[{"jkt":"cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"}],
      "iat":1,"exp":2,"what":{"files":[{"sources":[{"url":"http://a:b@h/1"},{"url":"http://a:b@h/2"},{"url":"http://a:c@h/3"}]}]},
      "access":[{"id":"from-source-1","kind":"bearer","scope":["http://h"],"token":"t"}]})");

  ASSERT_TRUE(document);
  ASSERT_EQ(document->access.size(), 3u);
  const auto& sources = document->files[0].sources;
  EXPECT_EQ(sources[0].credential_ids, (std::vector<std::string>{"from-source-2", "from-source-1"}));
  EXPECT_EQ(sources[1].credential_ids, sources[0].credential_ids);
  EXPECT_EQ(sources[2].credential_ids, (std::vector<std::string>{"from-source-3", "from-source-1"}));
}

TEST(Headers, ThatTheTransferSetsItselfAreDropped) {
  const auto document = read(one_url(
      "",
      R"(,"request":{"headers":[["Host","x"],["Content-Length","1"],["Transfer-Encoding","chunked"],["Connection","close"],
      ["Proxy-Authorization","x"],["TE","x"],["Upgrade","h2c"],["Expect","x"],["Accept-Encoding","gzip"],["Range","bytes=0-"],
      ["If-Range","x"],["if-none-match","x"],["Referer","https://host.example/"]]})"));

  EXPECT_EQ(first_source(document).request.headers,
            (std::vector<Header>{{"Referer", "https://host.example/"}}));
}

TEST(Document, ABasicCredentialMayNameTheKeyOfItsHost) {
  const std::string key = "SHA256:" + std::string(40, 'a') + "+/9";
  const auto with = [](const std::string& kind, const std::string& host_key) {
    return one_url(R"(,"access":[{"id":"c1","kind":")" + kind +
                   R"(","scope":["sftp://host.example"],"user":"ana","password":"p","host_key":")" +
                   host_key + R"("}])");
  };

  const auto document = read(with("basic", key));

  EXPECT_EQ(document.access.at(0).host_key, key);
  EXPECT_EQ(read(to_json(document)).access.at(0).host_key, key);
  EXPECT_EQ(read(with("digest", key)).access.at(0).host_key, "");
  for (const std::string& wrong : {"MD5:" + key, key + "=", key.substr(7), std::string()})
    EXPECT_EQ(parse(with("basic", wrong)).error().pointer, "/access/0/host_key") << wrong;
}

TEST(Parts, WithoutSecretsNamesThemButHasNone) {
  const auto document = read(whole);

  const auto open = to_json(document, Part::without_secrets);
  const auto hidden = to_json(document, Part::hidden);

  for (const auto& text : {open, hidden}) EXPECT_EQ(text.find("-secret"), std::string::npos) << text;
  EXPECT_NE(open.find(R"("cred":["c1","c2"])"), std::string::npos);
  EXPECT_NE(hidden.find(R"("user":"ana","password":"***")"), std::string::npos);
  EXPECT_TRUE(read(open).access.empty());
}

TEST(Parts, SecretsComeBack) {
  const auto document = read(whole);
  auto restored = read(to_json(document, Part::without_secrets));

  const auto done = restore_secrets(restored, to_json(document, Part::only_secrets));

  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(to_json(restored), to_json(document));
}

TEST(Parts, ADocumentWithoutSecretsHasNoSecretPart) {
  auto document = read(one_url());

  EXPECT_EQ(to_json(document, Part::only_secrets), "");
  EXPECT_TRUE(restore_secrets(document, ""));
  EXPECT_FALSE(restore_secrets(document, "[]"));
}

}  // namespace
}  // namespace restante::proxy
