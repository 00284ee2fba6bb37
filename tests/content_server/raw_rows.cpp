// SPDX-License-Identifier: Apache-2.0
#include "raw_rows.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"

#include <zlib.h>

namespace restante::test {

namespace {

using jobs::Outcome;
using Then = Answer::Then;

constexpr std::size_t size = 60;
const std::string& data() {
  static const std::string all = content(size);
  return all;
}
std::string half() {
  return data().substr(0, size / 2);
}
const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string partial = "HTTP/1.1 206 Partial Content\r\n";
const std::string tag = "ETag: \"v1\"\r\n";

std::string length(std::size_t bytes) {
  return "Content-Length: " + std::to_string(bytes) + "\r\n";
}
std::string range(std::uint64_t first, std::uint64_t last, std::size_t total = size) {
  return "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
         std::to_string(total) + "\r\n";
}

std::string hexadecimal(std::size_t number) {
  constexpr const char* digits = "0123456789abcdef";
  std::string out;
  do out.insert(out.begin(), digits[number % 16]);
  while ((number /= 16) > 0);
  return out;
}
std::string chunks(const std::string& bytes, std::size_t each = 25) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += each) {
    const std::string piece = bytes.substr(at, each);
    out += hexadecimal(piece.size()) + "\r\n" + piece + "\r\n";
  }
  return out;
}
const std::string chunked = "Transfer-Encoding: chunked\r\n";
const std::string last_chunk = "0\r\n\r\n";

Script says(std::string bytes, Then then = Then::keep) {
  return [bytes = std::move(bytes), then](std::size_t, std::uint64_t) { return Answer{bytes, then}; };
}
/// 200 with these fields and the body as it is.
Script file(const std::string& fields, const std::string& body, Then then = Then::keep) {
  return says(ok + fields + length(body.size()) + "\r\n" + body, then);
}
/// As a server should.
Answer good(std::uint64_t start) {
  if (start == 0) return {ok + tag + length(size) + "\r\n" + data()};
  const std::string rest = data().substr(start);
  return {partial + tag + range(start, size - 1) + length(rest.size()) + "\r\n" + rest};
}
Script part(std::function<std::string(std::uint64_t start)> fields_and_body) {
  return [f = std::move(fields_and_body)](std::size_t, std::uint64_t start) {
    return Answer{"HTTP/1.1 206 P\r\n" + f(start)};
  };
}
Script status(int code, const std::string& fields = {}) {
  return says("HTTP/1.1 " + std::to_string(code) + " Words\r\n" + fields + length(5) + "\r\nwords");
}
/// First a redirect to `location`, then `next`.
Script redirect(const std::string& location, Script next, const std::string& code = "302 Found") {
  return [location, next = std::move(next), code](std::size_t n, std::uint64_t start) {
    if (n > 0) return next(n - 1, start);
    return Answer{"HTTP/1.1 " + code + "\r\nLocation: " + location + "\r\n" + length(0) + "\r\n"};
  };
}
Script good_file() {
  return [](std::size_t, std::uint64_t start) { return good(start); };
}

std::string packed(const std::string& plain, int bits) {
  z_stream stream{};
  ::deflateInit2(&stream, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(::deflateBound(&stream, plain.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}
const std::string& text() {
  static const std::string all = "one two one two one two one two one two";
  return all;
}
std::string gzip() {
  return packed(text(), 31);
}
std::string digest_of(const std::string& bytes, const char* algorithm = "SHA256") {
  Hasher hasher(algorithm);
  hasher.update(bytes.data(), bytes.size());
  return to_base64(hasher.finish());
}

// What is changed about the order.
void resuming(jobs::TransferOrder& order) {
  order.if_range = "\"v1\"";
  order.known_size = size;
}
void with_digest(jobs::TransferOrder& order) {
  order.digest_algorithm = "sha-256";
  order.digest_hex = to_hex(sha256(data()));
}
void with_size(jobs::TransferOrder& order) {
  order.known_size = size;
}
void empty_is_fine(jobs::TransferOrder& order) {
  order.allow_empty = true;
}
void at_most_50(jobs::TransferOrder& order) {
  order.max_bytes = 50;
}
void as_page(jobs::TransferOrder& order) {
  order.wanted_name = "page.html";
}
void signed_in(jobs::TransferOrder& order) {
  proxy::Credential credential;
  credential.kind = proxy::CredentialKind::bearer;
  credential.scope = {order.source.url.substr(0, order.source.url.find('/', 8))};
  credential.token = "t0ken";
  order.credentials = {credential};
}

const Ending all{Outcome::complete, {}, data()};
Ending failed(Reason reason, std::optional<std::string> file = "") {
  return {Outcome::failed, reason, std::move(file)};
}
Ending restart(Reason reason) {
  return {Outcome::restart, reason, half()};
}

const std::string page = "<!DOCTYPE html><title>Hello</title>";
const std::string form = "<html><form><input type=\"password\"></form></html>";
const std::string html = "Content-Type: text/html\r\n";

using Rows = std::vector<RawRow>;

void add_lengths(Rows& rows) {
  rows.push_back({"Plain", good_file(), all});
  rows.push_back(
      {"M1", says(ok + length(size) + "\r\n" + half(), Then::close), failed(Reason::incomplete, half())});
  rows.push_back({"M1NoBody", says(ok + length(size) + "\r\n", Then::close), failed(Reason::incomplete)});
  rows.push_back(
      {"M1InTheHead", says("HTTP/1.1 200 OK\r\nContent-Len", Then::close), failed(Reason::incomplete)});
  rows.push_back({"M1Resumed", good_file(), all, {}, half(), resuming});
  rows.push_back({"M2", says(ok + length(10) + "\r\n" + data().substr(0, 14), Then::close),
                  failed(Reason::excess, data().substr(0, 10))});
  rows.back().may_end_before_excess = true;
  rows.push_back({"M2Digest",
                  says(ok + length(size) + "\r\n" + data() + "more", Then::close),
                  all,
                  {},
                  {},
                  with_digest});
  rows.push_back(
      {"M2Size", says(ok + length(size) + "\r\n" + data() + "more", Then::close), all, {}, {}, with_size});
  rows.push_back({"M3", says(ok + length(size) + length(size + 1) + "\r\n" + data(), Then::close),
                  failed(Reason::malformed)});
  rows.push_back({"M3OneField", says(ok + "Content-Length: 60, 61\r\n\r\n" + data(), Then::close),
                  failed(Reason::malformed)});
  rows.push_back({"M3Same", file(length(size), data()), all});
  rows.push_back({"M3SameInOneField", says(ok + "Content-Length: 60, 60\r\n\r\n" + data()), all});
  for (const char* bad : {"-5", "many", "5x", "0x5", "+5", "5.0", "5 5", "100000000000000000000000"}) {
    rows.push_back({std::string("M4 ") + bad,
                    says(ok + "Content-Length: " + bad + "\r\n\r\nhello", Then::close),
                    failed(Reason::malformed)});
  }
  rows.push_back({"M4Large", file("", data()), failed(Reason::too_large), {}, {}, at_most_50});
}

void add_framings(Rows& rows) {
  const auto every = [&rows] { rows.back().every_position = true; };
  rows.push_back({"M5", says(ok + length(17) + chunked + "\r\n" + chunks(data()) + last_chunk), all});
  rows.push_back(
      {"M6", says(ok + chunked + "\r\n" + chunks(data()), Then::close), failed(Reason::incomplete, data())});
  rows.push_back({"M6InTheLast", says(ok + chunked + "\r\n" + chunks(data()) + "0\r\n", Then::close),
                  failed(Reason::incomplete, data())});
  rows.push_back({"M6InAChunk", says(ok + chunked + "\r\n28\r\n" + half(), Then::close),
                  failed(Reason::incomplete, half())});
  rows.push_back({"M6Twin", says(ok + chunked + "\r\n" + chunks(data()) + last_chunk), all});
  every();
  rows.push_back({"M6TwinWithExtensions",
                  says(ok + chunked + "\r\n3C;name=\"value\"\r\n" + data() + "\r\n000;last\r\n\r\n"), all});
  every();
  for (const char* bad : {"zz", "ffffffffffffffffffff", "-1", ""}) {
    rows.push_back(
        {std::string("M7 ") + bad,
         says(ok + chunked + "\r\n" + chunks(half()) + bad + "\r\nxx\r\n" + last_chunk, Then::close),
         failed(Reason::malformed, std::nullopt)});
  }
  const Ending unproven{Outcome::unverified, Reason::complete_unverified, data()};
  rows.push_back({"M8", says(ok + "\r\n" + data(), Then::close), unproven, all});
  rows.push_back({"M8Old", says("HTTP/1.0 200 OK\r\n\r\n" + data(), Then::close), unproven, all});
  rows.push_back({"M8Size", says(ok + "\r\n" + data(), Then::close), all, {}, {}, with_size});
  rows.push_back({"M8Digest", says(ok + "\r\n" + data(), Then::close), all, {}, {}, with_digest});
  rows.push_back({"M9", says(ok + "\r\n" + data(), Then::cut), unproven, failed(Reason::incomplete, data())});
  rows.push_back({"M9Size", says(ok + "\r\n" + data(), Then::cut), all, {}, {}, with_size});
  rows.push_back({"M9Length", file("", data(), Then::cut), all});
  rows.push_back({"M9Chunked", says(ok + chunked + "\r\n" + chunks(data()) + last_chunk, Then::cut), all});
  rows.push_back(
      {"M10", says(ok + length(size) + "\r\n" + half(), Then::reset), failed(Reason::incomplete, half())});
}

void add_ranges(Rows& rows) {
  const auto resumed = [&rows](std::string name, Script script, Ending ending) {
    rows.push_back({std::move(name), std::move(script), std::move(ending), {}, half(), resuming});
  };
  rows.push_back({"M11",
                  [](std::size_t, std::uint64_t start) {
                    const std::uint64_t last = start == 0 ? 39 : size - 1;
                    return Answer{partial + tag + range(start, last) + length(last - start + 1) + "\r\n" +
                                  data().substr(start, last - start + 1)};
                  },
                  all});
  rows.push_back({"M11Whole", says(partial + range(0, size - 1) + length(size) + "\r\n" + data()), all});
  rows.push_back({"M11Middle", says(partial + range(10, size - 1) + length(50) + "\r\n" + data().substr(10)),
                  failed(Reason::malformed)});
  resumed("M12", says(ok + tag + length(size) + "\r\n" + data()), restart(Reason::incomplete));
  resumed("M13", part([](std::uint64_t start) {
            return tag + range(start + 2, size - 1) + length(size - start - 2) + "\r\n" +
                   data().substr(start + 2);
          }),
          restart(Reason::malformed));
  resumed("M14", part([](std::uint64_t start) {
            return tag + range(start, size, size + 1) + length(size - start + 1) + "\r\n" +
                   data().substr(start) + "x";
          }),
          restart(Reason::source_changed));
  resumed("M15", part([](std::uint64_t start) {
            const std::uint64_t last = std::min<std::uint64_t>(start + 39, size - 1);
            return tag + range(start, last) + length(last - start + 1) + "\r\n" +
                   data().substr(start, last - start + 1);
          }),
          all);
  resumed("M16", part([](std::uint64_t start) {
            return tag + length(size - start) + "\r\n" + data().substr(start);
          }),
          restart(Reason::malformed));
  resumed("M17", part([](std::uint64_t start) {
            const std::string body =
                "--X\r\n" + range(start, size - 1) + "\r\n" + data().substr(start) + "\r\n--X--\r\n";
            return "Content-Type: multipart/byteranges; boundary=X\r\n" + length(body.size()) + "\r\n" + body;
          }),
          restart(Reason::malformed));
  resumed("M18", part([](std::uint64_t start) {
            return tag + range(start, size - 1) + length(size - start) + "\r\n" + "?" +
                   data().substr(start + 1);
          }),
          restart(Reason::source_changed));
  resumed("M19", says(ok + "ETag: \"v2\"\r\n" + length(size) + "\r\n" + data()),
          restart(Reason::source_changed));
  resumed("M20", part([](std::uint64_t start) {
            return "ETag: \"v2\"\r\n" + range(start, size - 1) + length(size - start) + "\r\n" +
                   data().substr(start);
          }),
          restart(Reason::source_changed));
  resumed("M24", says("HTTP/1.1 416 Too far\r\nContent-Range: bytes */10\r\n" + length(0) + "\r\n"),
          restart(Reason::source_changed));
  resumed("M25", status(412), restart(Reason::source_changed));
  resumed("M29", part([](std::uint64_t start) {
            return tag + "Content-Encoding: gzip\r\n" + range(start, size - 1) + length(size - start) +
                   "\r\n" + data().substr(start);
          }),
          restart(Reason::decode));
  resumed("M52InTheMiddle", says(ok + html + length(form.size()) + "\r\n" + form),
          failed(Reason::portal_suspected, half()));
  resumed("M57Direct", status(403, "Content-Type: application/xml\r\n"),
          failed(Reason::auth_expired, half()));
  resumed("ResumedWithEquals", part([](std::uint64_t start) {
            return tag + "Content-Range: bytes=" + std::to_string(start) + "-59/60\r\n" +
                   length(size - start) + "\r\n" + data().substr(start);
          }),
          all);
  resumed("ResumedChunked", part([](std::uint64_t start) {
            return tag + range(start, size - 1) + chunked + "\r\n" + chunks(data().substr(start)) +
                   last_chunk;
          }),
          all);
}

void add_contents(Rows& rows) {
  rows.push_back({"M26", says("HTTP/1.1 304 Not Modified\r\n" + tag + "\r\n"), failed(Reason::malformed)});
  rows.push_back({"M26Once",
                  [](std::size_t n, std::uint64_t start) {
                    return n == 0 ? Answer{"HTTP/1.1 304 Not Modified\r\n\r\n"} : good(start);
                  },
                  all});
  const std::string no_content = "HTTP/1.1 204 No Content\r\n\r\n";
  const std::string empty = ok + length(0) + "\r\n", empty_chunks = ok + chunked + "\r\n" + last_chunk;
  const Ending nothing{Outcome::complete, {}, ""};
  rows.push_back({"M27 204", says(no_content), failed(Reason::empty_result)});
  rows.push_back(
      {"M27 205", says("HTTP/1.1 205 Reset\r\n" + length(0) + "\r\n"), failed(Reason::empty_result)});
  rows.push_back({"M27", says(empty), failed(Reason::empty_result)});
  rows.push_back({"M27Chunked", says(empty_chunks), failed(Reason::empty_result)});
  rows.push_back({"M27Closed", says(ok + "\r\n", Then::close), failed(Reason::empty_result)});
  rows.push_back({"M27Allowed204", says(no_content), nothing, {}, {}, empty_is_fine});
  rows.push_back({"M27Allowed", says(empty), nothing, {}, {}, empty_is_fine});
  rows.push_back({"M27AllowedChunked", says(empty_chunks), nothing, {}, {}, empty_is_fine});

  const Ending unpacked{Outcome::complete, {}, text()};
  const std::string coded = "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n";
  rows.push_back({"M28", file(coded, gzip()), unpacked});
  rows.back().every_position = true;
  rows.push_back(
      {"M28Chunked", says(ok + coded + chunked + "\r\n" + chunks(gzip(), 20) + last_chunk), unpacked});
  rows.push_back({"M28Deflate", file("Content-Encoding: deflate\r\n", packed(text(), 15)), unpacked});
  rows.push_back({"M28DeflateRaw", file("Content-Encoding: deflate\r\n", packed(text(), -15)), unpacked});
  rows.back().every_position = true;
  rows.push_back({"M28Unknown", file("Content-Encoding: br\r\n", gzip()), failed(Reason::decode)});
  rows.push_back({"M28NotAtAll", file("Content-Encoding: gzip\r\n", text()), failed(Reason::decode)});
  rows.push_back({"M28OfTheFile",
                  file("Content-Encoding: gzip\r\nContent-Type: application/gzip\r\n", gzip()),
                  {Outcome::complete, {}, gzip()}});
  rows.push_back({"M28NamedGzip",
                  file("Content-Encoding: gzip\r\nContent-Type: application/x-tar\r\n", gzip()),
                  {Outcome::complete, {}, gzip()}});
  rows.back().leaf = "x.tar.gz";
  rows.push_back({"M28Identity", file("Content-Encoding: identity\r\n", data()), all});
  rows.push_back({"M30", file(coded, gzip().substr(0, gzip().size() - 8)), failed(Reason::incomplete)});
  rows.back().every_position = true;
  rows.push_back({"M30Closed", says(ok + coded + "\r\n" + gzip().substr(0, 20), Then::close),
                  failed(Reason::incomplete)});
  std::string wrong = gzip();
  wrong[wrong.size() - 5] = static_cast<char>(wrong[wrong.size() - 5] ^ 1);
  rows.push_back({"M30CheckSum", file(coded, wrong), failed(Reason::decode)});
  rows.push_back({"M31",
                  file(coded, packed(std::string(100000, 'x'), 31)),
                  failed(Reason::too_large),
                  {},
                  {},
                  at_most_50});
}

void add_ways(Rows& rows) {
  for (const char* location :
       {"ftp://127.0.0.1/x", "file:///etc/passwd", "data:text/plain,hello", "javascript:x"}) {
    rows.push_back(
        {std::string("M35 ") + location, redirect(location, good_file()), failed(Reason::redirect_refused)});
  }
  rows.push_back({"M32", redirect("x.bin", redirect("x.bin", good_file())), failed(Reason::redirect_loop)});
  for (const char* code : {"301 M", "302 F", "303 S", "307 T", "308 P"}) {
    rows.push_back({std::string("M32Twin ") + code, redirect("y.bin", good_file(), code), all});
  }
  rows.push_back({"M32TwinOdd", redirect("./q/./y z.bin?a b#c", good_file()), all});
  rows.push_back(
      {"M36", says("HTTP/1.1 302 Found\r\n" + length(5) + "\r\nhello"), failed(Reason::redirect_refused)});
  rows.push_back(
      {"M37", status(401, "WWW-Authenticate: Basic realm=\"x\"\r\n"), failed(Reason::auth_required)});
  rows.push_back({"M37SignedIn",
                  status(401, "WWW-Authenticate: Bearer\r\n"),
                  failed(Reason::auth_expired),
                  {},
                  {},
                  signed_in});
  const std::vector<std::pair<int, Reason>> codes{
      {407, Reason::server_error}, {402, Reason::payment},      {403, Reason::forbidden},
      {404, Reason::not_found},    {410, Reason::not_found},    {451, Reason::forbidden},
      {429, Reason::rate_limited}, {408, Reason::timeout},      {500, Reason::server_error},
      {502, Reason::server_error}, {503, Reason::server_error}, {504, Reason::server_error},
      {522, Reason::server_error}, {999, Reason::server_error}, {511, Reason::portal_suspected},
      {202, Reason::server_error}};
  for (const auto& [code, reason] : codes) {
    rows.push_back({"Status " + std::to_string(code), status(code), failed(reason)});
  }
  rows.push_back({"M41", status(503, "Retry-After: 120\r\n"), failed(Reason::server_error)});
}

void add_heads(Rows& rows) {
  rows.push_back(
      {"M43",
       says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + good(0).bytes),
       all});
  rows.push_back({"M45Nul", says(ok + std::string("X: a\0b\r\n", 8) + length(5) + "\r\nhello", Then::close),
                  failed(Reason::malformed)});
  rows.push_back({"M45BareReturn", says(ok + "X: a\rY: b\r\n" + length(5) + "\r\nhello", Then::close),
                  failed(Reason::malformed)});
  rows.push_back(
      {"M45Smuggled", says(ok + "Content-Length : 5\r\n\r\nhello", Then::close), failed(Reason::malformed)});
  rows.push_back({"M45NoColon", says(ok + "what is this\r\n" + length(5) + "\r\nhello", Then::close),
                  failed(Reason::malformed)});
  rows.push_back({"M45Fold", file("X: a\r\n  b\r\n\tc\r\n", data()), all});
  rows.push_back({"M46Old", says("hello, this is HTTP/0.9", Then::close), failed(Reason::malformed)});
  for (const char* bad : {"HTTP/1.1 abc OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTX/1.1 200 OK"}) {
    rows.push_back({std::string("M46 ") + bad,
                    says(std::string(bad) + "\r\n" + length(5) + "\r\nhello", Then::close),
                    failed(Reason::malformed)});
  }
  rows.push_back({"M46Nothing", says("", Then::close), failed(Reason::incomplete)});
  // What real servers send.
  rows.push_back({"NoPhrase", says("HTTP/1.1 200\r\n" + length(size) + "\r\n" + data()), all});
  rows.push_back({"EmptyPhrase", says("HTTP/1.1 200 \r\n" + length(size) + "\r\n" + data()), all});
  rows.push_back(
      {"OldVersion", says("HTTP/1.0 200 OK\r\n" + length(size) + "\r\n" + data(), Then::close), all});
  rows.push_back({"OnlyLineFeeds", says("HTTP/1.1 200 OK\nContent-Length: 60\nX: y\n\n" + data()), all});
  rows.push_back({"NoSpaces", says(ok + "content-length:60\r\ncontent-type:a/b\r\n\r\n" + data()), all});
  rows.push_back({"ManySpaces", says(ok + "CONTENT-LENGTH: \t 60 \t\r\n\r\n" + data()), all});
  rows.push_back(
      {"IdentityCoding", says(ok + "Transfer-Encoding: identity\r\n" + length(size) + "\r\n" + data()), all});
  rows.push_back({"BrokenNames", file("My Field: x\r\nX-Odd : y\r\n", data()), all});
  rows.push_back({"Latin1AndUtf8", file("X: caf\xE9\r\nY: na\xC3\xAFve\r\nEmpty:\r\n", data()), all});
  rows.push_back({"ConnectionClose", file("Connection: close\r\n", data(), Then::close), all});
}

void add_pages(Rows& rows) {
  const Ending portal = failed(Reason::portal_suspected), sign_in = failed(Reason::auth_expired);
  const auto page_at = [&rows](std::string name, std::string leaf, Script script, Ending ending) {
    rows.push_back({std::move(name), std::move(script), std::move(ending)});
    rows.back().leaf = std::move(leaf);
  };
  const auto ends_with = [](const std::string& body) { return Ending{Outcome::complete, {}, body}; };
  const Ending the_page = ends_with(page);
  const auto bare = [](const Ending& ending) { return Ending{ending.outcome, ending.reason, std::nullopt}; };
  page_at("M52", "x.zip", file(html, page), bare(portal));
  page_at("M52Form", "x.zip", file(html, form), bare(portal));
  page_at("M52Untyped", "x.zip", file("", page), bare(portal));
  page_at("M52OtherType", "x.zip", file("Content-Type: application/zip\r\n", page), bare(portal));
  page_at("M52Chunked", "x.zip", says(ok + html + chunked + "\r\n" + chunks(page) + last_chunk),
          bare(portal));
  page_at("M52Packed", "x.zip", file(html + "Content-Encoding: gzip\r\n", packed(page, 31)), bare(portal));
  page_at("M52FormAnywhere", "get", file(html, form), bare(portal));
  page_at("M52HotSpot", "x.html", file(html, "<html><!-- <WISPAccessGatewayParam> --></html>"), bare(portal));
  page_at("M53", "x.iso", file(html, "<html><h1>404 Not Found</h1></html>"), bare(portal));
  page_at("M53Words", "x.iso", file(html, "File not found."), bare(portal));
  page_at("M54", "x.zip", file(html, form), bare(sign_in));
  rows.back().change = signed_in;
  page_at("M54Redirected", "x.zip", redirect("login?next=x", file(html, form)), bare(sign_in));
  page_at("M52HalfThere", "x.zip", good_file(), {Outcome::restart, Reason::source_changed, page});
  rows.back().held = page;
  rows.back().change = resuming;
  page_at("M52Twin", "x.html", file(html, page), the_page);
  page_at("M52TwinAddress", "page", file(html, page), the_page);
  page_at("M52TwinName", "x.zip", file(html, page), the_page);
  rows.back().change = as_page;
  page_at("M52TwinAccept", "x.zip", file(html, page), the_page);
  rows.back().change = [](jobs::TransferOrder& order) {
    order.source.request.headers = {{"Accept", "text/html"}};
  };
  page_at("M52TwinDigest", "x.zip", file(html, page), the_page);
  rows.back().change = [](jobs::TransferOrder& order) {
    order.digest_algorithm = "sha-256";
    order.digest_hex = to_hex(sha256(page));
  };
  page_at("M52TwinAttachment", "x.zip", file(html + "Content-Disposition: attachment\r\n", page), the_page);
  page_at("M52TwinForm", "x.html", file(html, form), ends_with(form));
  page_at("M55", "x.zip", file(html, data()), all);
  page_at("M55Json", "x.json", file(html, "{\"a\": \"b\"}"), ends_with("{\"a\": \"b\"}"));
  page_at("M55Feed", "x.xml", file(html, "<?xml version='1.0'?><rss/>"),
          ends_with("<?xml version='1.0'?><rss/>"));
  page_at("M55Saved", "get.php",
          file(html + "Content-Disposition: attachment; filename=\"a.torrent\"\r\n", "d3:abc1:de"),
          ends_with("d3:abc1:de"));
  page_at("M55Source", "x.txt", file("Content-Type: text/plain\r\n", page), the_page);
}

void add_digests(Rows& rows) {
  const std::string right = digest_of(data()), wrong = digest_of("other");
  const auto trailer = [](const std::string& field) {
    return says(ok + "Trailer: Repr-Digest\r\n" + chunked + "\r\n" + chunks(data()) + "0\r\n" + field +
                "\r\n\r\n");
  };
  const Ending mismatch = failed(Reason::digest_mismatch, data());
  rows.push_back(
      {"M47",
       says(ok + tag + chunked + "\r\n" + chunks(data()) + "0\r\nETag: \"v2\"\r\nContent-Length: 5\r\n\r\n"),
       all});
  rows.back().every_position = true;
  rows.push_back({"M47Digest", trailer("Repr-Digest: sha-256=:" + wrong + ":"), mismatch});
  rows.back().every_position = true;
  rows.push_back({"M47DigestTwin", trailer("Repr-Digest: sha-256=:" + right + ":"), all});
  rows.push_back({"M70 Repr-Digest", file("Repr-Digest: sha-256=:" + wrong + ":\r\n", data()), mismatch});
  rows.push_back(
      {"M70 Content-Digest", file("Content-Digest: sha-256=:" + wrong + ":\r\n", data()), mismatch});
  rows.push_back({"M70 Digest", file("Digest: SHA-256=" + wrong + "\r\n", data()), mismatch});
  rows.push_back(
      {"M70Twin Repr-Digest", file("Repr-Digest: md5=:x:, sha-256=:" + right + ":\r\n", data()), all});
  rows.push_back({"M70Twin Digest",
                  file("Digest: unixsum=7,sha-512=" + digest_of(data(), "SHA512") + "\r\n", data()), all});
  rows.push_back({"M70Twin proves a length",
                  says(ok + "Repr-Digest: sha-256=:" + right + ":\r\n\r\n" + data(), Then::cut), all});
  rows.push_back({"M70Wanted", file("", data()), mismatch, {}, {}, [](jobs::TransferOrder& order) {
                    order.digest_algorithm = "sha-256";
                    order.digest_hex = std::string(64, '0');
                  }});
}

}  // namespace

std::vector<RawRow> raw_rows() {
  Rows rows;
  add_lengths(rows);
  add_framings(rows);
  add_ranges(rows);
  add_contents(rows);
  add_ways(rows);
  add_heads(rows);
  add_pages(rows);
  add_digests(rows);
  return rows;
}

}  // namespace restante::test
