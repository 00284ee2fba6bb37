// SPDX-License-Identifier: Apache-2.0
#include "http/ranges.hpp"

#include "http/conditions.hpp"
#include "http/head.hpp"
#include "http/target.hpp"

#include <gtest/gtest.h>

namespace restante::http {
namespace {

constexpr std::int64_t modified = 1'700'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT
constexpr const char* modified_text = "Tue, 14 Nov 2023 22:13:20 GMT";
constexpr const char* before_text = "Tue, 14 Nov 2023 22:13:19 GMT";
constexpr const char* after_text = "Tue, 14 Nov 2023 22:13:21 GMT";

using Lines = std::vector<std::pair<std::string, std::string>>;

Response answer(Lines headers, std::string method = "GET", std::uint64_t size = 1000) {
  Request request;
  request.method = std::move(method);
  request.headers = std::move(headers);
  Representation file;
  file.fd = std::make_shared<UniqueFd>();
  file.size_bytes = size;
  file.etag = "\"f-1\"";
  file.modified_s = modified;
  file.name = "a.bin";
  return file_response(request, file);
}

std::string header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

struct Conditional {
  Lines headers;
  int status;
  std::string method = "GET";
};

class Conditions : public testing::TestWithParam<Conditional> {};

TEST_P(Conditions, AreJudgedInTheOrderOfTheStandard) {
  std::string told;
  for (const auto& [name, value] : GetParam().headers) told += name + ": " + value + "; ";

  EXPECT_EQ(answer(GetParam().headers, GetParam().method).status, GetParam().status) << told;
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9110, Conditions,
    testing::Values(
        Conditional{{}, 200}, Conditional{{{"If-Match", "\"f-1\""}}, 200},
        Conditional{{{"If-Match", "*"}}, 200}, Conditional{{{"If-Match", "\"x\", \"f-1\""}}, 200},
        Conditional{{{"If-Match", "\"x\""}}, 412}, Conditional{{{"If-Match", "W/\"f-1\""}}, 412},
        Conditional{{{"If-Match", "\"x\""}, {"If-Match", "\"f-1\""}}, 200},
        Conditional{{{"If-None-Match", "\"f-1\""}}, 304}, Conditional{{{"If-None-Match", "W/\"f-1\""}}, 304},
        Conditional{{{"If-None-Match", "*"}}, 304}, Conditional{{{"If-None-Match", "*"}}, 304, "HEAD"},
        Conditional{{{"If-None-Match", "\"x\",,\"y\""}}, 200}, Conditional{{{"If-None-Match", "f-1"}}, 200},
        Conditional{{{"If-None-Match", "\"f-1\""}}, 412, "DELETE"},
        Conditional{{{"If-Modified-Since", modified_text}}, 304},
        Conditional{{{"If-Modified-Since", after_text}}, 304},
        Conditional{{{"If-Modified-Since", before_text}}, 200},
        Conditional{{{"If-Modified-Since", "yesterday"}}, 200},
        Conditional{{{"If-Unmodified-Since", before_text}}, 412},
        Conditional{{{"If-Unmodified-Since", modified_text}}, 200},
        Conditional{{{"If-Unmodified-Since", "nonsense"}}, 200},
        // the entity tag decides, the date beside it is ignored
        Conditional{{{"If-None-Match", "\"x\""}, {"If-Modified-Since", modified_text}}, 200},
        Conditional{{{"If-Match", "\"f-1\""}, {"If-Unmodified-Since", before_text}}, 200},
        Conditional{{{"If-Match", "\"x\""}, {"If-None-Match", "\"f-1\""}}, 412},
        Conditional{{{"If-None-Match", "\"f-1\""}, {"Range", "bytes=0-1"}}, 304},
        Conditional{{{"If-Match", "\"x\""}, {"Range", "bytes=5000-"}}, 412},
        Conditional{{{"If-Range", "\"f-1\""}, {"Range", "bytes=0-1"}}, 206},
        Conditional{{{"If-Range", "W/\"f-1\""}, {"Range", "bytes=0-1"}}, 200},
        Conditional{{{"If-Range", "\"x\""}, {"Range", "bytes=5000-"}}, 200},
        Conditional{{{"If-Range", modified_text}, {"Range", "bytes=0-1"}}, 206},
        Conditional{{{"If-Range", after_text}, {"Range", "bytes=0-1"}}, 200},
        Conditional{{{"If-Range", "soon"}, {"Range", "bytes=0-1"}}, 200},
        Conditional{{{"Range", "bytes=0-1"}}, 200, "HEAD"}));

struct Asked {
  std::string header;
  RangeVerdict verdict;
  std::vector<ByteRange> ranges = {};
  std::uint64_t size = 1000;
};

class Ranges : public testing::TestWithParam<Asked> {};

TEST_P(Ranges, AreReadAsTheStandardSays) {
  const auto read = parse_range(GetParam().header, GetParam().size);

  EXPECT_EQ(read.verdict, GetParam().verdict) << GetParam().header;
  EXPECT_EQ(read.ranges, GetParam().ranges) << GetParam().header;
}

std::string many(int count) {
  std::string out = "bytes=";
  for (int i = 0; i < count; ++i) out += std::to_string(i * 2) + "-" + std::to_string(i * 2) + ",";
  return out;
}

constexpr auto whole = RangeVerdict::whole;
constexpr auto some = RangeVerdict::some;
constexpr auto none = RangeVerdict::unsatisfiable;

INSTANTIATE_TEST_SUITE_P(
    Rfc9110, Ranges,
    testing::Values(Asked{"", whole}, Asked{"bytes=0-0", some, {{0, 0}}},
                    Asked{"bytes=10-", some, {{10, 999}}}, Asked{"bytes=-10", some, {{990, 999}}},
                    Asked{"bytes=-5000", some, {{0, 999}}}, Asked{"bytes=990-5000", some, {{990, 999}}},
                    Asked{"BYTES=0-1", some, {{0, 1}}}, Asked{"bytes= 0-1 , 5-6 ", some, {{0, 1}, {5, 6}}},
                    Asked{"bytes=,0-1,,", some, {{0, 1}}}, Asked{"bytes=5-6,0-1", some, {{5, 6}, {0, 1}}},
                    Asked{"bytes=0-1,5000-", some, {{0, 1}}}, Asked{"bytes=1000-", none},
                    Asked{"bytes=-0", none}, Asked{"bytes=5000-6000,-0", none},
                    Asked{"bytes=0-", none, {}, 0}, Asked{"bytes=-1", none, {}, 0},
                    Asked{"bytes=99999999999999999999999-", none},
                    Asked{"bytes=0-99999999999999999999999", some, {{0, 999}}}, Asked{"bytes=", whole},
                    Asked{"bytes=,", whole}, Asked{"bytes=-", whole}, Asked{"bytes=2-1", whole},
                    Asked{"bytes=a-b", whole}, Asked{"bytes=1", whole}, Asked{"bytes=1-2-3", whole},
                    Asked{"bytes=+1-2", whole}, Asked{"bytes=0-1;5-6", whole}, Asked{"bytes 0-1", whole},
                    Asked{"items=0-1", whole}, Asked{"bytes=0-1,x", whole}, Asked{"bytes=0-,0-,0-", whole},
                    Asked{"bytes=0-599,400-999", whole}, Asked{many(33), whole}));

TEST(FileResponse, SaysWhatAPartIs) {
  const auto part = answer({{"Range", "bytes=-100"}});

  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(header(part, "Content-Range"), "bytes 900-999/1000");
  EXPECT_EQ(header(part, "ETag"), "\"f-1\"");
  const auto& body = std::get<FileBody>(part.body);
  ASSERT_EQ(body.parts.size(), 1u);
  EXPECT_EQ(body.parts[0].offset, 900u);
  EXPECT_EQ(body.length(), 100u);
}

TEST(FileResponse, SaysTheSizeWhenNoPartIsThere) {
  const auto refused = answer({{"Range", "bytes=1000-"}});

  EXPECT_EQ(refused.status, 416);
  EXPECT_EQ(header(refused, "Content-Range"), "bytes */1000");
}

TEST(FileResponse, FramesSeveralParts) {
  const auto parts = answer({{"Range", "bytes=0-1,10-19"}});

  const std::string type = header(parts, "Content-Type");
  ASSERT_TRUE(type.starts_with("multipart/byteranges; boundary="));
  const std::string separator = type.substr(type.find('=') + 1);
  const auto& body = std::get<FileBody>(parts.body);
  ASSERT_EQ(body.parts.size(), 2u);
  EXPECT_EQ(body.parts[1].before, "\r\n--" + separator +
                                      "\r\nContent-Type: application/octet-stream\r\n"
                                      "Content-Range: bytes 10-19/1000\r\n\r\n");
  EXPECT_EQ(body.after, "\r\n--" + separator + "--\r\n");
}

Response shown_as(std::string type) {
  Request request;
  request.method = "GET";
  Representation file;
  file.fd = std::make_shared<UniqueFd>();
  file.name = "n";
  file.media_type = std::move(type);
  return file_response(request, file);
}

TEST(FileResponse, TellsADigestOnceItIsKnown) {
  Request request;
  request.method = "GET";
  Representation file;
  file.fd = std::make_shared<UniqueFd>();
  file.etag = "\"x\"";
  EXPECT_EQ(header(file_response(request, file), "Repr-Digest"), "");

  file.sha256_hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

  EXPECT_EQ(header(file_response(request, file), "Repr-Digest"),
            "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
}

TEST(FileResponse, ShowsOnlyWhatCarriesNoCode) {
  const auto disposition = [](std::string type) {
    const auto response = shown_as(std::move(type));
    EXPECT_EQ(header(response, "Content-Security-Policy"),
              "sandbox; default-src 'none'; frame-ancestors 'none'");
    EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header(response, "Cross-Origin-Resource-Policy"), "same-origin");
    return header(response, "Content-Disposition").substr(0, 6);
  };

  for (const char* safe : {"image/png", "IMAGE/JPEG", "audio/ogg", "video/mp4", "text/plain; charset=utf-8"})
    EXPECT_EQ(disposition(safe), "inline") << safe;
  for (const char* unsafe : {"text/html", "image/svg+xml", "application/xml", "text/xml", "application/pdf",
                             "application/xhtml+xml", "text/javascript", "", "image/png, text/html",
                             "video/x+xml", "audio/x+xml", "video/mp4,text/html"})
    EXPECT_EQ(disposition(unsafe), "attach") << unsafe;
}

TEST(FileResponse, NeverIsTheScriptOrStyleOfAPage) {
  const auto type_of = [](std::string type) { return header(shown_as(std::move(type)), "Content-Type"); };

  for (const char* loaded : {"text/javascript", "Application/JavaScript; charset=utf-8", "text/ecmascript",
                             "application/x-javascript", "text/jscript", "text/livescript", "text/css"})
    EXPECT_EQ(type_of(loaded), "application/octet-stream") << loaded;
  for (const char* other : {"text/plain", "application/pdf", "image/png"}) EXPECT_EQ(type_of(other), other);
}

TEST(ContentDisposition, GivesAPlainAndAnExactName) {
  EXPECT_EQ(content_disposition("attachment", "a b.txt"), "attachment; filename=\"a b.txt\"");
  EXPECT_EQ(content_disposition("inline", "Übung €.txt"),
            "inline; filename=\"_bung _.txt\"; filename*=UTF-8''%C3%9Cbung%20%E2%82%AC.txt");
  EXPECT_EQ(content_disposition("attachment", "q\"uote\\.txt"),
            "attachment; filename=\"q_uote_.txt\"; filename*=UTF-8''q%22uote%5C.txt");
  EXPECT_EQ(content_disposition("attachment", "a\r\nX: y"),
            "attachment; filename=\"a__X: y\"; filename*=UTF-8''a%0D%0AX%3A%20y");
}

TEST(HttpDate, IsWrittenAndReadInAllThreeForms) {
  constexpr std::int64_t instant = 784111777;

  EXPECT_EQ(http_date(instant), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", modified), instant);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", modified), instant);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", modified), instant);
  for (const char* bad : {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT",
                          "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "784111777"})
    EXPECT_FALSE(parse_http_date(bad, modified)) << bad;
}

TEST(Target, IsTakenApartAndDecoded) {
  const auto target = parse_target("/v1/files/caf%C3%A9%20x/?q=a%26b&empty=&bare&s=a+b");

  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/files/caf%C3%A9%20x/");
  EXPECT_EQ(target->segments, (std::vector<std::string>{"v1", "files", "café x", ""}));
  const Lines query{{"q", "a&b"}, {"empty", ""}, {"bare", ""}, {"s", "a b"}};
  EXPECT_EQ(target->query, query);
  EXPECT_TRUE(parse_target("/")->segments.empty());
}

TEST(Target, RefusesWhatTwoReadersCouldReadDifferently) {
  for (const char* bad :
       {"",     "x",       "/a/%2E%2e",   "/..",  "/./a", "/a%2Fb", "/a%5cb", "/a\\b",
        "/%00", "/%0a",    "/%",          "/%g1", "/%ff", "/a#b",   "/a b",   "/caf\xc3\xa9",
        "//[",  "http://", "http://a:b/", "/?%zz"})
    EXPECT_EQ(parse_target(bad).has_value(), std::string_view(bad) == "//[") << bad;
}

TEST(Host, IsANameOrAnAddressWithAPort) {
  for (const char* good : {"localhost", "a.example:8470", "127.0.0.1", "[::1]", "[::1]:80", "a_b", "x."})
    EXPECT_TRUE(valid_host(good)) << good;
  for (const char* bad :
       {"", "a b", "a:b", "a:123456", "[::1", "[]", "[x]", "[::1]x", "u@h", "a/b", "a,b", "::1"})
    EXPECT_FALSE(valid_host(bad)) << bad;
}

TEST(Problem, IsADocumentForProgramsAndPeople) {
  const auto response = problem(Error{Reason::not_found, "no \"x\"", {}, "/a/b", false}, "/v1/files/x");

  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(header(response, "Content-Type"), "application/problem+json");
  EXPECT_EQ(std::get<std::string>(response.body),
            "{\"type\":\"/problems/not-found\",\"title\":\"it does not exist\",\"status\":404,"
            "\"detail\":\"no \\\"x\\\"\",\"instance\":\"/v1/files/x\",\"reason\":\"not-found\","
            "\"hint\":\"check the address or the id\",\"pointer\":\"/a/b\"}");
}

TEST(RequestHeaders, AreComparedWithoutCase) {
  Request request;
  request.headers = {{"AUTHORIZATION", "bearer  abc "}};

  EXPECT_EQ(request.bearer_token(), "abc");
  EXPECT_EQ(request.header("authorization"), "bearer  abc ");
  request.headers = {{"Authorization", "Basic abc"}};
  EXPECT_EQ(request.bearer_token(), "");
}

}  // namespace
}  // namespace restante::http
