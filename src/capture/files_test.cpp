// SPDX-License-Identifier: Apache-2.0
// What comes as a file: recordings (HAR), Metalinks, aria2's input files, request documents.
#include "capture/understand.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace restante::capture {
namespace {

const proxy::Source& source(const Request& one, std::size_t file = 0, std::size_t at = 0) {
  return one.document.files.at(file).sources.at(at);
}

std::string shown(const Understood& found) {
  std::string out;
  for (const auto& one : found.requests) {
    out += one.url + " " + one.name;
    for (const auto& note : one.notes) out += " (" + note + ")";
    for (const auto& secret : one.secrets)
      out += " " + secret.kind + " " + secret.origin + " " + secret.label;
    out += '\n';
  }
  for (const auto& one : found.left_out) out += one.what + ": " + one.why + "\n";
  return out;
}

std::string har(const std::string& entries) {
  return R"({"log":{"version":"1.2","creator":{"name":"WebInspector","version":"537.36"},"pages":[],"entries":[)" +
         entries + "]}}";
}

std::string entry(const std::string& method, const std::string& url, int status, const std::string& type,
                  int size, const std::string& headers = "", const std::string& response = "",
                  const std::string& more = "") {
  return fmt::format(
      R"({{"request":{{"method":"{}","url":"{}","httpVersion":"h2","headers":[{}],"queryString":[],"cookies":[]{}}},)"
      R"("response":{{"status":{},"headers":[{}],"redirectURL":"","content":{{"size":{},"mimeType":"{}"}}}}}})",
      method, url, headers, more, status, response, size, type);
}

std::string field(const std::string& name, const std::string& value) {
  return fmt::format(R"({{"name":"{}","value":"{}"}})", name, value);
}

TEST(Recording, GivesTheDownloadAndNotThePage) {
  const auto cookie = field(":authority", "a.example") + "," + field("Cookie", "sid=S3CR3T") + "," +
                      field("Accept", "*/*") + "," + field("Accept-Encoding", "gzip");
  const auto found = understand(
      har(entry("GET", "https://a.example/", 200, "text/html", 90000, cookie) + "," +
          entry("GET", "https://a.example/big.js", 200, "application/javascript", 900000, cookie) + "," +
          entry("GET", "https://a.example/get?id=S3CR3T", 200, "application/zip", 5000, cookie,
                field("Content-Disposition", "attachment; filename*=UTF-8''Caf%C3%A9.zip"))));

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->kind, Kind::har);
  ASSERT_EQ(found->requests.size(), 1u) << shown(*found);
  const auto& one = found->requests[0];
  EXPECT_EQ(source(one).url, "https://a.example/get?id=S3CR3T");
  EXPECT_EQ(source(one).request.headers, (std::vector<proxy::Header>{{"accept", "*/*"}}));
  EXPECT_EQ(one.name, "Caf\xc3\xa9.zip");
  ASSERT_EQ(one.document.access.size(), 1u);
  EXPECT_EQ(one.document.access[0].cookies.at(0).value, "S3CR3T");
  EXPECT_EQ(found->left_out.at(0).what, "2 other requests of the recording");
  EXPECT_EQ(shown(*found).find("S3CR3T"), std::string::npos) << shown(*found);
}

TEST(Recording, OfFirefoxHasDownloadsWithoutStatus) {
  const auto found = understand(
      har(entry("GET", "https://a.example/", 200, "text/html", 90000) + "," +
          entry("GET", "https://a.example/blocked.zip", 0, "application/zip", 0) + "," +
          entry("GET", "https://a.example/film.mp4", 0, "", 5000, "", field("content-type", "video/mp4"))));

  ASSERT_EQ(found->requests.size(), 1u) << shown(*found);
  EXPECT_EQ(source(found->requests[0]).url, "https://a.example/film.mp4");
}

TEST(Recording, BeginsAtTheFirstOfItsRedirectsWithTheCookiesOfEach) {
  const auto found = understand(har(
      entry("GET", "https://a.example/dl/1", 302, "", 0, field("cookie", "a=1"), field("location", "/dl/2")) +
      "," +
      entry("GET", "https://a.example/dl/2", 303, "", 0, field("cookie", "a=1"),
            field("location", "https://cdn.example/f.iso?sig=1")) +
      "," +
      entry("GET", "https://cdn.example/f.iso?sig=1", 200, "application/octet-stream", 7,
            field("cookie", "c=2"))));

  ASSERT_EQ(found->requests.size(), 1u);
  const auto& one = found->requests[0];
  EXPECT_EQ(source(one).url, "https://a.example/dl/1");
  EXPECT_EQ(one.name, "f.iso");
  ASSERT_EQ(one.document.access.size(), 2u) << shown(*found);
  EXPECT_EQ(one.document.access[0].scope, std::vector<std::string>{"https://a.example"});
  EXPECT_EQ(one.document.access[1].scope, std::vector<std::string>{"https://cdn.example"});
  EXPECT_EQ(source(one).credential_ids.size(), 2u);
}

TEST(Recording, SendsAFormAgain) {
  const auto found = understand(har(entry(
      "POST", "https://a.example/export", 200, "text/csv", 10, "", "",
      R"(,"postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a b","value":"1&2"}]})")));

  ASSERT_EQ(found->requests.size(), 1u);
  EXPECT_EQ(source(found->requests[0]).request.method, "POST");
  EXPECT_EQ(source(found->requests[0]).request.body, "a+b=1%262");
  EXPECT_EQ(source(found->requests[0]).request.headers.at(0).second, "application/x-www-form-urlencoded");
}

TEST(Recording, LeavesOutWhatItCannotSendAgain) {
  const auto found = understand(har(entry(
      "POST", "https://a.example/up", 200, "application/zip", 10, "", "",
      R"(,"postData":{"mimeType":"multipart/form-data; boundary=x","text":"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"S3CR3T.png\"\r\n\r\n--x--"})")));

  EXPECT_TRUE(found->requests.empty());
  EXPECT_EQ(shown(*found),
            "https://a.example/up: it sends a form with files of your device, and recordings do not "
            "have those\n");
}

TEST(Recording, SaysWhenTheBrowserLeftTheSecretsOut) {
  const auto without = understand(har(entry("GET", "https://a.example/a.zip", 200, "application/zip", 1)));
  const auto with = understand(
      har(entry("GET", "https://a.example/a.zip", 200, "application/zip", 1, field("cookie", "a=1"))));

  ASSERT_EQ(without->requests.at(0).notes.size(), 1u);
  EXPECT_NE(without->requests[0].notes[0].find("no cookies"), std::string::npos);
  EXPECT_TRUE(with->requests.at(0).notes.empty());
}

TEST(Recording, OfAPageOnlyGivesTheLargestAndSaysSo) {
  const auto found = understand(har(entry("GET", "https://a.example/", 200, "text/html", 10) + "," +
                                    entry("GET", "https://a.example/big.jpg", 200, "image/jpeg", 1000)));

  ASSERT_EQ(found->requests.size(), 1u);
  EXPECT_EQ(found->requests[0].name, "big.jpg");
  EXPECT_NE(shown(*found).find("this was the largest"), std::string::npos);
}

TEST(Recording, ThatIsBrokenOrEmptySaysSo) {
  const auto cut =
      understand(har(entry("GET", "https://a.example/", 200, "", 1)).substr(0, 200) + "\"entries\"");
  const auto empty = understand(har(""));
  const auto failed = understand(har(entry("GET", "https://a.example/a.zip", 0, "", 0)));

  EXPECT_EQ(cut.error().reason, Reason::malformed);
  EXPECT_EQ(empty.error().reason, Reason::invalid);
  ASSERT_TRUE(failed);
  EXPECT_TRUE(failed->requests.empty());
}

constexpr const char* digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

TEST(Metalink, OfVersion4GivesFilesWithSizeDigestAndMirrors) {
  const auto found = understand(fmt::format(
      R"(<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">
  <published>2009-05-15T12:23:23Z</published>
  <file name="dir/example.ext">
    <size>14471447</size>
    <hash type="sha-256">{}</hash>
    <hash type="whirlpool">aa</hash>
    <pieces length="262144" type="sha-1"><hash>aa</hash></pieces>
    <url location="de" priority="2">http://mirror.example/example.ext</url>
    <url priority="1">https://first.example/example.ext?a=1&amp;b=2</url>
    <url priority="3">ftp://ftp.example/example.ext</url>
    <metaurl mediatype="torrent">http://example.com/example.ext.torrent</metaurl>
  </file>
  <file name="../../etc/passwd"><url>https://a.example/x</url></file>
  <file name="/abs"><url>https://a.example/x</url></file>
  <file name="second"><url>https://a.example/second</url></file>
</metalink>)",
      digest));

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->kind, Kind::metalink);
  ASSERT_EQ(found->requests.size(), 1u) << shown(*found);
  const auto& files = found->requests[0].document.files;
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].name, "example.ext");
  EXPECT_EQ(files[0].folder, "dir");
  EXPECT_EQ(files[0].size_bytes, 14471447u);
  EXPECT_EQ(files[0].digests, (std::map<std::string, std::string>{{"sha-256", digest}}));
  ASSERT_EQ(files[0].sources.size(), 3u);
  EXPECT_EQ(files[0].sources[2].url, "ftp://ftp.example/example.ext");
  EXPECT_EQ(files[0].sources[0].url, "https://first.example/example.ext?a=1&b=2");
  EXPECT_EQ(files[0].sources[1].url, "http://mirror.example/example.ext");
  EXPECT_EQ(files[1].name, "second");
  EXPECT_EQ(found->left_out.size(), 2u) << shown(*found);
}

TEST(Metalink, OfVersion3PutsTheGreatestPreferenceFirst) {
  const auto found = understand(
      R"(<metalink version="3.0" xmlns="http://www.metalinker.org/"><files><file name="a.iso"><size> 5 </size>
<verification><hash type="md5">0123456789abcdef0123456789ABCDEF</hash><pieces><hash piece="0">aa</hash></pieces></verification>
<resources maxconnections="1"><url type="http" preference="10">http://b.example/a.iso</url>
<url type="http" preference="100">http://a.example/a.iso</url><url type="bittorrent">http://a.example/a.torrent</url>
</resources></file></files></metalink>)");

  ASSERT_EQ(found->requests.size(), 1u);
  const auto& file = found->requests[0].document.files[0];
  EXPECT_EQ(file.sources.at(0).url, "http://a.example/a.iso");
  EXPECT_EQ(file.sources.at(1).url, "http://b.example/a.iso");
  EXPECT_EQ(file.digests.at("md5"), "0123456789abcdef0123456789abcdef");
}

TEST(Metalink, WithEntitiesOrBrokenIsRefused) {
  const auto bomb =
      understand(R"(<!DOCTYPE metalink [<!ENTITY a "aaaa">]><metalink><file name="&a;"/></metalink>)");
  const auto broken = understand("<metalink><file name='a'><url>https://a.example/");
  const auto other = understand("<html metalink='x'></html>");

  EXPECT_EQ(bomb.error().reason, Reason::malformed);
  EXPECT_EQ(broken.error().reason, Reason::malformed);
  EXPECT_EQ(other.error().reason, Reason::malformed);
}

TEST(Aria2, GivesMirrorsAndOptions) {
  const auto found =
      understand(fmt::format("# list\nhttps://a.example/f\thttps://b.example/f\n  out=f.iso\n  dir=isos\n"
                             "  checksum=sha-256={}\n  header=X-Key: S3CR3T\n  http-user=ana\n"
                             "  http-passwd=S3CR3T\n  referer=https://r.example/\n"
                             "  max-download-limit=1M\n  split=5\n\nhttps://c.example/g\n\tdir=/mnt/x\n"
                             "magnet:?x\n",
                             digest));

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->kind, Kind::aria2);
  ASSERT_EQ(found->requests.size(), 2u) << shown(*found);
  const auto& first = found->requests[0];
  EXPECT_EQ(first.document.files[0].name, "f.iso");
  EXPECT_EQ(first.document.files[0].folder, "isos");
  EXPECT_EQ(first.document.files[0].digests.at("sha-256"), digest);
  EXPECT_EQ(first.document.limits.rate_bytes_per_s, 1048576u);
  EXPECT_EQ(source(first, 0, 0).credential_ids.size(), 2u);
  EXPECT_EQ(source(first, 0, 1).url, "https://b.example/f");
  EXPECT_TRUE(source(first, 0, 1).credential_ids.empty()) << "secrets are of the first address's server";
  EXPECT_EQ(found->requests[1].document.files[0].folder, "");
  EXPECT_EQ(found->requests[1].notes.size(), 1u);
  EXPECT_EQ(found->left_out.size(), 1u);
  EXPECT_EQ(shown(*found).find("S3CR3T"), std::string::npos) << shown(*found);
}

TEST(RequestDocument, IsAdoptedWithWhatItAsksFor) {
  const std::string text =
      R"({"v":1,"id":"01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a","iss":{"jkt":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
"aud":[{"jkt":"cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"}],"iat":1795335600,"exp":1796200000,
"what":{"title":"Lecture","files":[{"name":"l.mp4","sources":[{"url":"https://v.example/l","cred":["c1"]}]}]},
"access":[{"id":"c1","kind":"bearer","scope":["https://v.example"],"token":"S3CR3T"}],
"when":{"windows":[{"from":"01:00","to":"06:00"}]},"keep":"P14D","notify":[{"kind":"email","to":"a@b.example"}]})";

  const auto found = understand(text);

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->kind, Kind::request);
  ASSERT_EQ(found->requests.size(), 1u) << shown(*found);
  const auto& one = found->requests[0];
  const auto adopted =
      address_to(one.document, {std::string(43, 'B'), "https://p.example"}, Instant(Seconds(1'800'000'000)));
  EXPECT_NE(adopted.id, "01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a");
  EXPECT_TRUE(adopted.iss_jkt.empty());
  EXPECT_EQ(adopted.when.windows.size(), 1u);
  EXPECT_EQ(adopted.access.at(0).token, "S3CR3T");
  EXPECT_EQ(adopted.title, "Lecture");
  EXPECT_EQ(one.notes.size(), 1u);
  EXPECT_EQ(shown(*found).find("S3CR3T"), std::string::npos);
}

TEST(RequestDocument, ThatIsSealedSignedOrStrangeIsRefusedInWords) {
  for (const char* text :
       {R"({"protected":"e30","ciphertext":"AAAA","iv":"A","tag":"A"})",
        R"({"payload":"e30","signatures":[]})", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "web+restante:p/eyJh"}) {
    EXPECT_EQ(understand(text).error().reason, Reason::cap_denied) << text;
  }
  EXPECT_EQ(understand(R"({"hello":1})").error().reason, Reason::invalid);
  EXPECT_EQ(understand(R"({"v":1,"what":)").error().reason, Reason::malformed);
  EXPECT_FALSE(understand(R"({"v":1,"what":{}})"));
}

TEST(Hint, SaysWhatItIsWhereTheTextDoesNot) {
  Hint hint;
  hint.kind = Kind::curl;

  EXPECT_EQ(understand("https://a.example/x", {})->kind, Kind::urls);
  EXPECT_TRUE(understand("https://a.example/x", hint)->requests.empty()) << "it is no command";
  hint.kind = Kind::metalink;
  EXPECT_FALSE(understand("https://a.example/x", hint));
}

}  // namespace
}  // namespace restante::capture
