// SPDX-License-Identifier: Apache-2.0
#include "request/compose.hpp"

#include "base/text.hpp"
#include "request/test_place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace restante::request {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const Instant now = *from_rfc3339("2026-11-22T11:00:00Z");  // noon in Paris

Wish wish(std::string url = "https://files.example/a/film.mp4?x=1") {
  Wish out;
  out.url = std::move(url);
  return out;
}

proxy::Document composed(const Wish& from) {
  auto document = compose(from, test_place(), now);
  EXPECT_TRUE(document) << document.error().message;
  if (!document) return {};
  // What is composed is what the place's own parser reads.
  auto again = proxy::parse(proxy::to_json(*document));
  EXPECT_TRUE(again) << again.error().message << " at " << again.error().pointer;
  return again ? std::move(*again) : proxy::Document{};
}

Error refused(const Wish& from) {
  auto document = compose(from, test_place(), now);
  EXPECT_FALSE(document);
  return document ? Error{} : document.error();
}

TEST(Compose, MakesTheSmallestRequestFromAUrl) {
  const auto document = composed(wish());

  ASSERT_EQ(document.files.size(), 1u);
  ASSERT_EQ(document.files[0].sources.size(), 1u);
  EXPECT_EQ(document.files[0].sources[0].url, "https://files.example/a/film.mp4?x=1");
  EXPECT_EQ(document.files[0].sources[0].request.method, "GET");
  ASSERT_EQ(document.aud.size(), 1u);
  EXPECT_EQ(document.aud[0].jkt, test_place().jkt);
  EXPECT_EQ(document.iss_jkt, test_place().device_jkt);
  EXPECT_EQ(document.iss_account, "ana");
  EXPECT_EQ(document.iat, 1795345200);
  EXPECT_GT(document.exp, document.iat);
  EXPECT_TRUE(document.access.empty());
  EXPECT_TRUE(document.probe);
  EXPECT_FALSE(document.when.start);
}

TEST(Compose, IdsAreVersion7AndSortByTime) {
  const std::string first = new_request_id(now), second = new_request_id(now + Millis(1));

  EXPECT_EQ(first.size(), 36u);
  EXPECT_EQ(first[14], '7');
  EXPECT_LT(first.substr(0, 13), second.substr(0, 13));
  EXPECT_NE(new_request_id(now), new_request_id(now));
}

TEST(Compose, AddsTheSchemeToABareHost) {
  EXPECT_EQ(composed(wish("localhost:8000/a")).files[0].sources[0].url, "http://localhost:8000/a");
  EXPECT_EQ(composed(wish("files.example/a")).files[0].sources[0].url, "http://files.example/a");
}

TEST(Compose, MeansWallClocksAtThePlace) {
  auto from = wish();
  from.at = "tomorrow 02:00";
  from.by = "+2d";

  const auto document = composed(from);

  EXPECT_EQ(to_rfc3339(*document.when.start), "2026-11-23T01:00:00Z");
  EXPECT_EQ(document.when.start_text, "2026-11-23T02:00:00+01:00[Europe/Paris]");
  EXPECT_EQ(to_rfc3339(*document.when.by), "2026-11-24T11:00:00Z");
  EXPECT_EQ(document.when.tz, "Europe/Paris");
}

TEST(Compose, MeansThemInAnotherZoneWhenAsked) {
  auto from = wish();
  from.at = "18:00";
  from.tz = "Asia/Tokyo";

  const auto document = composed(from);

  EXPECT_EQ(to_rfc3339(*document.when.start), "2026-11-23T09:00:00Z");
  EXPECT_EQ(document.when.tz, "Asia/Tokyo");
}

TEST(Compose, RepeatsByTheClocksOfThePlace) {
  auto from = wish();
  from.every = "mo,fr";

  const auto document = composed(from);

  EXPECT_EQ(document.when.repeat, "FREQ=WEEKLY;BYDAY=MO,FR");
  EXPECT_EQ(document.when.tz, "Europe/Paris");
  from.every = "hour";
  EXPECT_EQ(compose(from, test_place(), now).error().reason, Reason::usage);
}

TEST(Compose, TakesSeveralWindows) {
  auto from = wish();
  from.windows = {"22:00-06:00@mo-fr", "00:00-24:00@SA,SU"};

  const auto document = composed(from);

  ASSERT_EQ(document.when.windows.size(), 2u);
  EXPECT_EQ(document.when.windows[0].from_minute, 22 * 60);
  EXPECT_EQ(document.when.windows[0].days.size(), 5u);
  EXPECT_EQ(document.when.windows[1].to_minute, 1440);
  EXPECT_EQ(document.when.tz, "Europe/Paris");
}

TEST(Compose, RefusesTimesThatItDoesNotUnderstand) {
  for (const char* option : {"at", "by", "window", "tz"}) {
    auto from = wish();
    (std::string(option) == "at" ? from.at : std::string(option) == "by" ? from.by : from.tz) = "whenever";
    if (std::string(option) == "window") from = wish(), from.windows = {"night"};
    EXPECT_EQ(refused(from).reason, Reason::usage) << option;
  }
}

TEST(Compose, NamesFolderAndLimits) {
  auto from = wish();
  from.name = "Lecture 12.mp4";
  from.folder = "course/week 3";
  from.limit_rate = "500k";
  from.max_size = "1.5G";
  from.max_attempts = 1;
  from.keep = "14d";
  from.allow_empty = true;
  from.probe = false;

  const auto document = composed(from);

  EXPECT_EQ(document.files[0].name, "Lecture 12.mp4");
  EXPECT_EQ(document.files[0].folder, "course/week 3");
  EXPECT_TRUE(document.files[0].allow_empty);
  EXPECT_EQ(document.limits.rate_bytes_per_s, 500u * 1024);
  EXPECT_EQ(document.limits.max_bytes, 1610612736u);
  EXPECT_EQ(document.limits.attempts, 1);
  EXPECT_EQ(document.keep, std::chrono::days(14));
  EXPECT_FALSE(document.probe);
}

TEST(Compose, RefusesSizesAndDurationsThatItDoesNotUnderstand) {
  for (int i = 0; i < 4; ++i) {
    auto from = wish();
    (i == 0   ? from.limit_rate
     : i == 1 ? from.max_size
     : i == 2 ? from.keep
              : from.limit_rate) = i == 3 ? "0" : "much";
    EXPECT_EQ(refused(from).reason, Reason::usage) << i;
  }
}

TEST(Compose, RefusesToKeepAFileForNoTime) {
  auto from = wish();
  from.keep = "0d";
  EXPECT_THAT(refused(from).message, ::testing::HasSubstr("--keep"));
}

TEST(Compose, TakesChecksumsInTheirUsualSpellings) {
  auto from = wish();
  from.checksums = {"SHA256=" + std::string(64, 'A'), "sha-1=" + std::string(40, '0'),
                    "md5=" + std::string(32, 'f')};

  const auto document = composed(from);

  EXPECT_THAT(document.files[0].digests,
              ElementsAre(std::pair(std::string("md5"), std::string(32, 'f')),
                          std::pair(std::string("sha"), std::string(40, '0')),
                          std::pair(std::string("sha-256"), std::string(64, 'a'))));
}

TEST(Compose, RefusesChecksumsThatCannotBe) {
  for (const char* text : {"", "abc", "sha-256", "sha-256=", "sha-256=abcd", "crc32=00000000",
                           "md5=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"}) {
    auto from = wish();
    from.checksums = {text};
    EXPECT_EQ(refused(from).reason, Reason::usage) << text;
  }
}

TEST(Compose, MirrorsComeAfterTheUrlAndGetNoSecretsOfAnotherOrigin) {
  auto from = wish();
  from.mirrors = {"https://files.example/b", "https://mirror.example/c"};
  from.user = "ana";
  from.secret = "pw";

  const auto document = composed(from);

  const auto& sources = document.files[0].sources;
  ASSERT_EQ(sources.size(), 3u);
  EXPECT_LT(sources[0].priority, sources[1].priority);
  EXPECT_LT(sources[1].priority, sources[2].priority);
  EXPECT_THAT(sources[0].credential_ids, ElementsAre("c1"));
  EXPECT_THAT(sources[1].credential_ids, ElementsAre("c1"));
  EXPECT_TRUE(sources[2].credential_ids.empty());
  EXPECT_THAT(document.access[0].scope, ElementsAre("https://files.example"));
}

TEST(Compose, UserAndSecretAreABasicCredential) {
  auto from = wish("http://Files.example:8080/x");
  from.user = "ana";
  from.secret = "p w:";

  const auto document = composed(from);

  ASSERT_EQ(document.access.size(), 1u);
  EXPECT_EQ(document.access[0].kind, proxy::CredentialKind::basic);
  EXPECT_EQ(document.access[0].user, "ana");
  EXPECT_EQ(document.access[0].password, "p w:");
  EXPECT_THAT(document.access[0].scope, ElementsAre("http://files.example:8080"));
}

TEST(Compose, ASecretAloneIsABearerToken) {
  auto from = wish();
  from.secret = "abc";

  const auto document = composed(from);

  ASSERT_EQ(document.access.size(), 1u);
  EXPECT_EQ(document.access[0].kind, proxy::CredentialKind::bearer);
  EXPECT_EQ(document.access[0].token, "abc");
}

TEST(Compose, UserInformationLeavesTheUrl) {
  const auto document = composed(wish("https://an%40a:p%3Aw@files.example/x"));

  EXPECT_EQ(document.files[0].sources[0].url, "https://files.example/x");
  ASSERT_EQ(document.access.size(), 1u);
  EXPECT_EQ(document.access[0].user, "an@a");
  EXPECT_EQ(document.access[0].password, "p:w");
  EXPECT_THAT(proxy::to_json(document, proxy::Part::without_secrets), Not(HasSubstr("p:w")));
}

TEST(Compose, TheUserOptionWinsOverTheUrl) {
  auto from = wish("https://bob@files.example/x");
  from.secret = "pw";
  EXPECT_EQ(composed(from).access[0].user, "bob");
  EXPECT_EQ(composed(from).access[0].password, "pw");

  from.user = "ana";
  EXPECT_EQ(composed(from).access[0].user, "ana");
}

TEST(Compose, RefusesUserInformationOfMirrorsAndColonsInUsers) {
  auto from = wish();
  from.mirrors = {"https://a:b@mirror.example/"};
  EXPECT_EQ(refused(from).reason, Reason::usage);

  from = wish();
  from.user = "ana:pw";
  from.secret = "x";
  const Error error = refused(from);
  EXPECT_EQ(error.reason, Reason::usage);
  EXPECT_THAT(error.message, Not(HasSubstr("pw")));
}

TEST(Compose, PlainHeadersGoWithTheSourceAndSecretOnesDoNot) {
  auto from = wish();
  from.headers = {"Accept-Language:  fr ", "X-Api-Key: k1", "Authorization: Token t1", "COOKIE: a=1"};
  from.referer = "https://files.example/page";

  const auto document = composed(from);

  EXPECT_THAT(document.files[0].sources[0].request.headers,
              ElementsAre(proxy::Header("accept-language", "fr"),
                          proxy::Header("referer", "https://files.example/page")));
  ASSERT_EQ(document.access.size(), 1u);
  EXPECT_EQ(document.access[0].kind, proxy::CredentialKind::headers);
  EXPECT_THAT(document.access[0].headers,
              ElementsAre(proxy::Header("x-api-key", "k1"), proxy::Header("authorization", "Token t1"),
                          proxy::Header("cookie", "a=1")));
  EXPECT_THAT(document.files[0].sources[0].credential_ids, ElementsAre("c1"));
}

TEST(Compose, RefusesHeadersThatCannotBe) {
  for (const char* text : {"nothing", ": x", "a b: c", "X: a\r\nY: b", "Host: other", "Range: bytes=0-",
                           "If-Match: x", "Proxy-Authorization: x", "Content-Length: 5"}) {
    auto from = wish();
    from.headers = {text};
    EXPECT_EQ(refused(from).reason, Reason::usage) << text;
  }
}

TEST(Compose, CookiesOfTheFileAreACredential) {
  auto from = wish();
  from.cookies_file = "files.example\tFALSE\t/\tTRUE\t0\tsid\tv\nother.example\tFALSE\t/\tTRUE\t0\tx\ty\n";

  const auto document = composed(from);

  ASSERT_EQ(document.access.size(), 1u);
  EXPECT_EQ(document.access[0].kind, proxy::CredentialKind::cookies);
  ASSERT_EQ(document.access[0].cookies.size(), 1u);
  EXPECT_EQ(document.access[0].cookies[0].value, "v");

  from.cookies_file = "other.example\tFALSE\t/\tTRUE\t0\tx\ty\n";
  EXPECT_THAT(refused(from).message, HasSubstr("has none for https://files.example"));
}

TEST(Compose, RefusesWhatIsNoUrl) {
  for (const char* url : {"", "nonsense", "javascript:1", "http://", "javascript:alert(1)",
                          "magnet:?xt=urn:btih:aa", "http://a b/"}) {
    const Error error = refused(wish(url));
    EXPECT_TRUE(error.reason == Reason::invalid || error.reason == Reason::scheme)
        << url << ": " << error.message;
  }
}

std::string patch(const Change& change) {
  auto out = compose_change(change, test_place(), now);
  return out ? *out : "error: " + out.error().message;
}

/// What capture::understand makes of a command with a cookie, a header and a sign-in.
proxy::Document captured() {
  proxy::Document out;
  proxy::Source source;
  source.url = "https://files.example/a.bin";
  source.priority = 1;
  source.request.headers = {{"referer", "https://files.example/old"}, {"accept", "*/*"}};
  source.credential_ids = {"c1", "c2"};
  proxy::Credential login, cookies;
  login.id = "c1";
  login.kind = proxy::CredentialKind::basic;
  login.scope = cookies.scope = {"https://files.example"};
  login.user = "old";
  cookies.id = "c2";
  cookies.kind = proxy::CredentialKind::cookies;
  cookies.cookies.emplace_back();
  cookies.cookies[0].name = "sid";
  cookies.cookies[0].value = "1";
  cookies.cookies[0].host = "files.example";
  out.access = {login, cookies};
  proxy::File& file = out.files.emplace_back();
  file.name = "a.bin";
  file.folder = "own";
  file.sources.push_back(std::move(source));
  return out;
}

proxy::Document dressed(proxy::Document document, const Wish& with) {
  auto made = compose_captured(std::move(document), with, test_place(), now);
  EXPECT_TRUE(made) << made.error().message;
  if (!made) return {};
  auto again = proxy::parse(proxy::to_json(*made));
  EXPECT_TRUE(again) << again.error().message << " at " << again.error().pointer;
  return again ? std::move(*again) : proxy::Document{};
}

TEST(ComposeCaptured, LeavesWhatTheOptionsSayNothingAbout) {
  const auto document = dressed(captured(), {});

  EXPECT_EQ(document.files[0].name, "a.bin");
  EXPECT_EQ(document.files[0].folder, "own");
  EXPECT_EQ(document.files[0].sources[0].request.headers, captured().files[0].sources[0].request.headers);
  EXPECT_THAT(document.files[0].sources[0].credential_ids, ElementsAre("c1", "c2"));
  ASSERT_EQ(document.aud.size(), 1u);
  EXPECT_EQ(document.aud[0].jkt, test_place().jkt);
  EXPECT_FALSE(document.when.start);
}

TEST(ComposeCaptured, PutsTheOptionsOnTop) {
  Wish with;
  with.name = "b.bin";
  with.folder = "lectures";
  with.at = "02:00";
  with.referer = "https://files.example/new";

  const auto document = dressed(captured(), with);

  EXPECT_EQ(document.files[0].name, "b.bin");
  EXPECT_EQ(document.files[0].folder, "lectures/own");
  EXPECT_TRUE(document.when.start);
  EXPECT_THAT(
      document.files[0].sources[0].request.headers,
      ElementsAre(proxy::Header("accept", "*/*"), proxy::Header("referer", "https://files.example/new")));
}

TEST(ComposeCaptured, AGivenSignInStandsInsteadOfTheCapturedOne) {
  Wish with;
  with.user = "new";
  with.secret = "secret";

  const auto document = dressed(captured(), with);

  std::vector<std::string> users;
  for (const auto& one : document.access)
    if (one.kind == proxy::CredentialKind::basic) users.push_back(one.user);
  EXPECT_THAT(users, ElementsAre("new"));
  EXPECT_EQ(document.files[0].sources[0].credential_ids.size(), 2u);
}

TEST(ComposeCaptured, StoredSignInsAreForOriginsThatHaveNone) {
  auto document = captured();
  proxy::Source mirror;
  mirror.url = "https://mirror.example/a.bin";
  mirror.priority = 2;
  document.files[0].sources.push_back(mirror);
  Wish with;
  for (const char* origin : {"https://files.example", "https://mirror.example"}) {
    proxy::Credential& login = with.logins.emplace_back();
    login.kind = proxy::CredentialKind::basic;
    login.scope = {origin};
    login.user = "stored";
  }

  const auto made = dressed(std::move(document), with);

  EXPECT_THAT(made.files[0].sources[0].credential_ids, ElementsAre("c1", "c2"));
  ASSERT_EQ(made.files[0].sources[1].credential_ids.size(), 1u);
  EXPECT_EQ(made.access.size(), 3u);
}

TEST(ComposeCaptured, RefusesOptionsOfOneFileForSeveral) {
  auto document = captured();
  document.files.push_back(document.files[0]);
  Wish with;
  with.name = "b.bin";

  EXPECT_FALSE(compose_captured(document, with, test_place(), now));
}

TEST(ComposeChange, SaysOnlyWhatChanges) {
  Change change;
  change.name = "b.mp4";
  EXPECT_EQ(patch(change), R"({"name":"b.mp4"})");

  change = {};
  change.limit_rate = "1k";
  change.folder = "x/y";
  EXPECT_EQ(patch(change), R"({"folder":"x/y","limits":{"rate":1024}})");
}

TEST(ComposeChange, WritesTimesInThePlacesZone) {
  Change change;
  change.at = "18:30";
  change.windows = {{"22:00-06:30@SA"}};

  EXPECT_EQ(patch(change),
            R"({"when":{"start":"2026-11-22T18:30:00+01:00[Europe/Paris]",)"
            R"("windows":[{"from":"22:00","to":"06:30","days":["SA"]}],"tz":"Europe/Paris"}})");
}

TEST(ComposeChange, GivesANewLinkAsAPageOrAPersonWritesIt) {
  Change change;
  change.url = " HTTPS://Cdn.Test/a b?sig=x ";

  EXPECT_EQ(patch(change), R"({"sources":[{"url":"https://cdn.test/a%20b?sig=x"}]})");
}

TEST(ComposeChange, EmptyOnesRemove) {
  Change change;
  change.by = "";
  change.limit_rate = "";
  change.windows.emplace();

  EXPECT_EQ(patch(change), R"({"when":{"by":null,"windows":[],"tz":"Europe/Paris"},"limits":{"rate":null}})");
}

TEST(ComposeChange, RefusesToChangeNothing) {
  EXPECT_EQ(patch({}), "error: change what?");
}

}  // namespace
}  // namespace restante::request
