// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "capture/curl_options.hpp"
#include "capture/understand.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>

namespace restante::capture {
namespace {

/// All that would be sent, in one line: "POST URL name=N header:value ... basic(user:password) body=...".
std::string sent(const Request& one) {
  const auto& file = one.document.files.at(0);
  const auto& source = file.sources.at(0);
  std::string out = source.request.method + " " + source.url;
  if (!file.folder.empty()) out += " folder=" + file.folder;
  if (!file.name.empty()) out += " name=" + file.name;
  for (const auto& [name, value] : source.request.headers) out += " [" + name + ": " + value + "]";
  for (const auto& id : source.credential_ids)
    for (const auto& credential : one.document.access) {
      if (credential.id != id) continue;
      using Kind = proxy::CredentialKind;
      if (credential.kind == Kind::basic)
        out += " basic(" + credential.user + ":" + credential.password + ")";
      if (credential.kind == Kind::digest)
        out += " digest(" + credential.user + ":" + credential.password + ")";
      if (credential.kind == Kind::bearer) out += " bearer(" + credential.token + ")";
      for (const auto& cookie : credential.cookies)
        out += " cookie(" + cookie.name + "=" + cookie.value + ")";
      for (const auto& [name, value] : credential.headers) out += " secret[" + name + ": " + value + "]";
    }
  if (source.request.body) out += " body=" + *source.request.body;
  return out;
}

std::string sent(const Result<Understood>& found) {
  if (!found) return "error " + found.error().message;
  std::string out;
  for (const auto& one : found->requests) out += sent(one) + "\n";
  for (const auto& one : found->left_out) out += "left out " + one.what + ": " + one.why + "\n";
  if (!out.empty()) out.pop_back();
  return out;
}

struct Case {
  const char* what;
  const char* text;
  const char* sent;
};

class CurlCommand : public testing::TestWithParam<Case> {};

TEST_P(CurlCommand, IsUnderstoodAsCurlDoes) {
  const auto found = understand(GetParam().text);

  EXPECT_EQ(sent(found), GetParam().sent);
  if (found) EXPECT_EQ(found->kind, Kind::curl);
}

const Case cases[] = {
    {"ChromeBash",
     "curl 'https://video.example.edu/media/lecture-12.mp4?sid=1&x=%20' \\\n"
     "  -H 'Accept: */*' \\\n  -H 'Accept-Language: de,en;q=0.9' \\\n"
     "  -b 'session=b7c1; theme=dark' \\\n  -H 'Referer: https://video.example.edu/course/42' \\\n"
     "  -H 'Sec-Fetch-Dest: video' \\\n  -H 'User-Agent: Mozilla/5.0 (X11; Linux x86_64)' \\\n"
     "  -H 'Range: bytes=0-' \\\n  -H 'sec-ch-ua: \"Chromium\";v=\"130\"' --compressed --insecure",
     "GET https://video.example.edu/media/lecture-12.mp4?sid=1&x=%20 [accept: */*] "
     "[accept-language: de,en;q=0.9] [referer: https://video.example.edu/course/42] [sec-fetch-dest: video] "
     "[user-agent: Mozilla/5.0 (X11; Linux x86_64)] [sec-ch-ua: \"Chromium\";v=\"130\"] "
     "cookie(session=b7c1) cookie(theme=dark)"},
    {"ChromeBashPost",
     "curl 'https://a.example/export' -X 'POST' -H 'content-type: application/json;charset=UTF-8' "
     "-H 'cookie: a=1' --data-raw $'{\"q\":\"it\\'s \\u00fc \\n\\u0021\"}'",
     "POST https://a.example/export [content-type: application/json;charset=UTF-8] cookie(a=1) "
     "body={\"q\":\"it's \xc3\xbc \n!\"}"},
    {"ChromeCmd",
     "curl ^\"https://a.example/get?a=1^&b=^%^20c^\" ^\r\n  -H ^\"accept: */*^\" ^\r\n"
     "  -H ^\"x-q: say ^\\^\"hi^\\^\"^\" ^\r\n  -b ^\"id=1^%^3D; t=^{x^}^\"",
     "GET https://a.example/get?a=1&b=%20c [accept: */*] secret[x-q: say \"hi\"] cookie(id=1%3D) "
     "cookie(t={x})"},
    {"ChromeCmdBody", "curl ^\"https://a.example/p^\" ^\r\n  --data-raw ^\"a=1^\r\n\r\nb=2^\"",
     "POST https://a.example/p [content-type: application/x-www-form-urlencoded] body=a=1\nb=2"},
    {"ChromeCmdAll", "curl ^\"https://a.example/1^\" &\r\ncurl ^\"https://a.example/2^\" -H ^\"accept: x^\"",
     "GET https://a.example/1\nGET https://a.example/2 [accept: x]"},
    {"OldChromeCmd",
     "curl \"https://a.example/x?a=1&b=2\" -H \"accept: */*\" -H \"cookie: s=1\" --compressed",
     "GET https://a.example/x?a=1&b=2 [accept: */*] cookie(s=1)"},
    {"ChromeBashAll",
     "curl 'https://a.example/1' -H 'accept: a' ;\ncurl 'https://a.example/2' ;\ncurl 'https://a.example/3'",
     "GET https://a.example/1 [accept: a]\nGET https://a.example/2\nGET https://a.example/3"},
    {"FirefoxPosix",
     "curl --globoff 'https://b.example/f[1].zip' --compressed -H 'User-Agent: Mozilla/5.0 (X11) "
     "Firefox/140.0' "
     "-H 'Accept: text/html,*/*;q=0.8' -H 'Connection: keep-alive' -H 'Referer: https://b.example/' "
     "-H 'Cookie: sid=abc; x=\"q v\"' -H 'Upgrade-Insecure-Requests: 1' -H 'Priority: u=0, i' -H 'TE: "
     "trailers'",
     "GET https://b.example/f%5B1%5D.zip [user-agent: Mozilla/5.0 (X11) Firefox/140.0] "
     "[accept: text/html,*/*;q=0.8] [referer: https://b.example/] [upgrade-insecure-requests: 1] "
     "[priority: u=0, i] cookie(sid=abc) cookie(x=\"q v\")"},
    {"FirefoxAnsi", "curl 'https://b.example/p' -X POST --data-raw $'a=1^&b=\\'2\\''",
     "POST https://b.example/p [content-type: application/x-www-form-urlencoded] body=a=1^&b='2'"},
    {"BackslashInQuery", "curl 'https://b.example/p?q=a\\b'", "GET https://b.example/p?q=a%5Cb"},
    {"FirefoxHead", "curl 'https://b.example/p' -I", "GET https://b.example/p"},
    {"Escaped", "curl 'https://a.example/\\[1\\]\\{2\\}'", "GET https://a.example/%5B1%5D%7B2%7D"},
    {"Counting", "curl 'https://a.example/f[1-3].zip'",
     "left out https:… (line 1): curl would count through the [ ] or { } in the address: write "
     "each "
     "address out"},
    {"Ipv6", "curl 'http://[2001:db8::1]:8080/a'", "GET http://[2001:db8::1]:8080/a"},
    {"Joined", "curl -sSLo out.bin -XPOST -d a=1 -d'b=2' -uana:pw https://a.example/x",
     "POST https://a.example/x name=out.bin [content-type: application/x-www-form-urlencoded] basic(ana:pw) "
     "body=a=1&b=2"},
    {"RemoteName", "curl -OL https://a.example/x.iso", "GET https://a.example/x.iso"},
    {"OutputPath", "curl https://a.example/x -o dir/x.iso", "GET https://a.example/x folder=dir name=x.iso"},
    {"OutputOfDevice", "curl https://a.example/x -o ~/Downloads/../x.iso",
     "GET https://a.example/x name=x.iso"},
    {"OutputDirectory", "curl --output-dir talks -o a.mp4 https://a.example/a",
     "GET https://a.example/a folder=talks name=a.mp4"},
    {"Redirected", "curl https://a.example/x > 'x y.iso' 2>/dev/null",
     "GET https://a.example/x name=x y.iso"},
    {"Piped", "curl https://a.example/x.tgz | tar xz -C / && echo done",
     "GET https://a.example/x.tgz\nleft out line 1: it is no curl command"},
    {"TwoAddresses", "curl https://a.example/1 -o one https://a.example/2 -o two",
     "GET https://a.example/1 name=one\nGET https://a.example/2 name=two"},
    {"Next", "curl -H 'X-A: 1' https://a.example/1 --next -H 'X-B: 2' https://a.example/2",
     "GET https://a.example/1 secret[x-a: 1]\nGET https://a.example/2 secret[x-b: 2]"},
    {"Get", "curl -G -d q=1 --data-urlencode 'n=a b&c' https://a.example/s?x=0",
     "GET https://a.example/s?x=0&q=1&n=a+b%26c"},
    {"UrlQuery", "curl --url-query a=1 --url 'https://a.example/s#top'", "GET https://a.example/s?a=1"},
    {"Urlencode", "curl --data-urlencode '=a=b' --data-urlencode 'c d' https://a.example/",
     "POST https://a.example/ [content-type: application/x-www-form-urlencoded] body=a%3Db&c+d"},
    {"Json", "curl --json '{\"a\":' --json '1}' https://a.example/",
     "POST https://a.example/ [content-type: application/json] [accept: application/json] body={\"a\":1}"},
    {"Form", "curl -F 'a=1;type=text/plain' -F 'b=\"x;y\"' --form-string 'c=@d' https://a.example/",
     "POST https://a.example/ [content-type: multipart/form-data; "
     "boundary=------------------------restante00000001] "
     "body=--------------------------restante00000001\r\nContent-Disposition: form-data; name=\"a\"\r\n"
     "Content-Type: text/plain\r\n\r\n1\r\n--------------------------restante00000001\r\n"
     "Content-Disposition: form-data; name=\"b\"\r\n\r\nx;y\r\n--------------------------restante00000001\r\n"
     "Content-Disposition: form-data; "
     "name=\"c\"\r\n\r\n@d\r\n--------------------------restante00000001--\r\n"},
    {"Digest", "curl --digest -u ana:p:w https://a.example/", "GET https://a.example/ digest(ana:p:w)"},
    {"UserInAddress", "curl https://ana:p%40w@a.example/", "GET https://a.example/ basic(ana:p@w)"},
    {"UserBesideAddress", "curl -u bob:x https://ana:pw@a.example/", "GET https://a.example/ basic(bob:x)"},
    {"Bearer", "curl --oauth2-bearer abc.def https://a.example/", "GET https://a.example/ bearer(abc.def)"},
    {"BearerHeader", "curl -H 'Authorization: Bearer abc' https://a.example/",
     "GET https://a.example/ bearer(abc)"},
    {"BasicHeader", "curl -H 'authorization: Basic YW5hOnB3' https://a.example/",
     "GET https://a.example/ basic(ana:pw)"},
    {"OtherAuthorization", "curl -H 'Authorization: AWS4-HMAC x' -H 'X-Api-Key: k' https://a.example/",
     "GET https://a.example/ secret[authorization: AWS4-HMAC x] secret[x-api-key: k]"},
    {"Agent", "curl -A 'Mine/1' -e 'https://r.example/;auto' https://a.example/",
     "GET https://a.example/ [user-agent: Mine/1] [referer: https://r.example/]"},
    {"AgentTwice", "curl -A 'Mine/1' -H 'User-Agent: Other' https://a.example/",
     "GET https://a.example/ [user-agent: Other]"},
    {"EmptyHeaders", "curl -H 'Accept:' -H 'X-Empty;' -H 'DNT: 1' https://a.example/",
     "GET https://a.example/ [dnt: 1] secret[x-empty: ]"},
    {"StrangeCookie", "curl -b 'a b=1; c' https://a.example/",
     "GET https://a.example/ secret[cookie: a b=1; c]"},
    {"Abbreviated", "curl --silen --user-a x --no-progress-meter --no-keepalive https://a.example/",
     "GET https://a.example/ [user-agent: x]"},
    {"Assigned", "LC_ALL=C sudo /usr/bin/curl https://a.example/", "GET https://a.example/"},
    {"Prompt", "$ curl https://a.example/x", "GET https://a.example/x"},
    {"Fenced", "Try this:\n```sh\ncurl https://a.example/x\n```",
     "GET https://a.example/x\nleft out line 1: it is no curl command"},
    {"DoubleQuotes", "curl \"https://a.example/\\\"x\\$y\" -H \"X-A: \\n\\\\\"",
     "GET https://a.example/%22x$y secret[x-a: \\n\\]"},
    {"Comment", "curl https://a.example/x # -H 'X: y'\n# curl https://b.example/", "GET https://a.example/x"},
    {"UnquotedAmpersand", "curl https://a.example/x?a=1&b=2", "GET https://a.example/x?a=1&b=2"},
    {"Background", "curl https://a.example/x & curl https://a.example/y &",
     "GET https://a.example/x\nGET https://a.example/y"},
    {"Detour", "curl -x http://proxy.example:3128 --resolve a.example:443:10.0.0.1 https://a.example/",
     "GET https://a.example/"},
    {"BareHost", "curl a.example/x", "GET http://a.example/x"},
    {"Limits", "curl --limit-rate 1M --max-filesize 10M -m 30 --retry 3 https://a.example/",
     "GET https://a.example/"},
    // What cannot be done is said, and nothing is guessed.
    {"Variable", "curl -H \"Authorization: Bearer $TOKEN\" https://a.example/x",
     "left out curl https://a.example/x (line 1): there is a variable ($TOKEN) in it; only a running shell "
     "knows "
     "what that is"},
    {"Substitution", "curl https://a.example/$(date)",
     "left out curl https://a.example/(date) (line 1): there is another command in it; only a running "
     "shell "
     "knows what that is"},
    {"FileData", "curl -d @secrets.txt https://a.example/",
     "left out curl https://a.example/ (line 1): -d reads a file of your device (@); put its content there "
     "instead"},
    {"FileCookies", "curl -b cookies.txt https://a.example/",
     "left out curl https://a.example/ (line 1): -b reads cookies from a file of your device; put name=value "
     "there "
     "instead"},
    {"FileForm", "curl -F f=@x.png https://a.example/",
     "left out curl https://a.example/ (line 1): -F sends a file of your device (@ or <); it cannot be sent "
     "from "
     "here"},
    {"Upload", "curl -T x https://a.example/",
     "left out curl https://a.example/ (line 1): -T needs what only your device has"},
    {"Put", "curl -X PUT https://a.example/",
     "left out https://a.example/ (line 1): only GET and POST can be sent yet, and it asks for another "
     "method"},
    {"Unknown", "curl --frobnicate https://a.example/",
     "left out curl https://a.example/ (line 1): an option of it is not known here: leave it out"},
    {"Nothing", "curl -s", "left out curl (line 1): there is no address in it"},
    {"NoValue", "curl https://a.example/ -H",
     "left out curl https://a.example/ (line 1): behind -H something is missing"},
    {"Open", "curl 'https://a.example/", "error line 1: a quote (') is not closed"},
    {"Ftp", "curl ftp://a.example/x", "GET ftp://a.example/x"},
};

INSTANTIATE_TEST_SUITE_P(All, CurlCommand, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case>& info) {
                           return std::string(info.param.what);
                         });

TEST(Curl, TellsWhatItDoesNotFollow) {
  const auto found = understand("curl -k -x http://S3CR3T:1 -r 0-9 -I -C - https://a.example/x");

  ASSERT_EQ(found->requests.size(), 1u);
  EXPECT_EQ(found->requests[0].notes.size(), 5u);
  for (const auto& note : found->requests[0].notes) {
    EXPECT_EQ(note.find("S3CR3T"), std::string::npos) << note;
    EXPECT_EQ(note.find("proxy"), std::string::npos) << "an internal word: " << note;
  }
}

TEST(Curl, TakesRateAndSizeAlong) {
  const auto found = understand("curl --limit-rate 500k --max-filesize 1000 https://a.example/x");

  EXPECT_EQ(found->requests.at(0).document.limits.rate_bytes_per_s, 512000u);
  EXPECT_EQ(found->requests.at(0).document.limits.max_bytes, 1000u);
}

TEST(Curl, ShowsNoSecret) {
  const std::string text =
      "curl -u ana:S3CR3T -H 'X-Key: S3CR3T' -b 'sid=S3CR3T' -d 'S3CR3T=S3CR3T' --oauth2-bearer S3CR3T "
      "'https://S3CR3T:S3CR3T@a.example/x?k=S3CR3T#S3CR3T'\n"
      "curl -H 'X: S3CR3T' -d @S3CR3T https://a.example/?S3CR3T\ncurl --S3CR3T S3CR3T\nS3CR3T=1\n"
      "curl -X S3CR3T https://a.example/\ncurl -H 'Cookie: a=$S3CR3T' 'S3CR3T://x' -k -b 'S3CR3T x'\n";

  const auto found = understand(text);

  ASSERT_TRUE(found) << found.error().message;
  ASSERT_GE(found->requests.size(), 1u);
  EXPECT_EQ(found->requests[0].secrets.size(), 4u);
  for (const auto& one : found->requests) {
    std::string shown = one.url + one.name;
    for (const auto& note : one.notes) shown += note;
    for (const auto& secret : one.secrets) shown += secret.kind + secret.origin + secret.label;
    EXPECT_EQ(shown.find("S3CR3T"), std::string::npos) << shown;
  }
  for (const auto& one : found->left_out)
    EXPECT_EQ((one.what + one.why).find("S3CR3T"), std::string::npos) << one.what << ": " << one.why;
}

TEST(Curl, ShowsNoHeaderNameThatIsNone) {
  const auto found = understand("curl https://a.example/x -H $'if-a\\nS3CR3T: 1' -H 'If-Match: 1'");

  ASSERT_EQ(found->requests.size(), 1u);
  const auto& notes = found->requests[0].notes;
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0], "a header line without a proper name is left out");
  EXPECT_THAT(notes[1], testing::HasSubstr("if-match"));
}

TEST(CurlOptions, AreFoundByNameLetterAndBeginning) {
  EXPECT_EQ(curl_option("compressed")->name, "compressed");
  EXPECT_EQ(curl_option('H')->name, "header");
  EXPECT_EQ(curl_option("insec")->name, "insecure");
  EXPECT_EQ(curl_option("no-insecure")->act, CurlAct::ignored);
  EXPECT_EQ(curl_option("data-"), nullptr) << "several begin so";
  EXPECT_EQ(curl_option("no-header"), nullptr) << "it takes a value";
  EXPECT_EQ(curl_option('!'), nullptr);
}

}  // namespace
}  // namespace restante::capture
