// SPDX-License-Identifier: Apache-2.0
#include "http/ranges.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "http/conditions.hpp"
#include "http/head.hpp"

#include <algorithm>
#include <ctime>

namespace restante::http {

namespace {

/// Media types that a browser may show from our own origin: they carry no code. No HTML, SVG, XML, PDF; a
/// type that ends with +xml is XML, whatever it begins with.
bool safe_to_show(std::string_view type) {
  const std::string bare = ascii_lower(type.substr(0, type.find(';')));
  for (std::string_view one :
       {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "text/plain"})
    if (bare == one) return true;
  return (bare.starts_with("audio/") || bare.starts_with("video/")) &&
         bare.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_/") == std::string::npos;
}

/// Types that a page of ours could be made to load as its own script or style. With `nosniff` nothing else is
/// taken for one (Fetch Standard, "should response to request be blocked due to nosniff").
bool becomes_part_of_pages(std::string_view type) {
  const std::string bare = ascii_lower(type.substr(0, type.find(';')));
  for (std::string_view one : {"javascript", "ecmascript", "jscript", "livescript", "/css"})
    if (bare.find(one) != bare.npos) return true;
  return false;
}

std::string media_type(const Representation& file) {
  if (file.media_type.empty() || becomes_part_of_pages(file.media_type)) return "application/octet-stream";
  return file.media_type;
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" +
         std::to_string(size);
}

/// A separator that no content contains by chance.
std::string boundary() {
  std::uint8_t bytes[15];
  random_bytes(bytes, sizeof bytes);
  return to_hex(bytes);
}

void several_parts(Response& response, const Representation& file, const std::vector<ByteRange>& ranges) {
  const std::string separator = boundary();
  FileBody body;
  body.fd = file.fd;
  for (const auto& range : ranges) {
    FilePart part;
    part.before = (body.parts.empty() ? "--" : "\r\n--") + separator +
                  "\r\nContent-Type: " + media_type(file) +
                  "\r\nContent-Range: " + content_range(range, file.size_bytes) + "\r\n\r\n";
    part.offset = range.first;
    part.length = range.last - range.first + 1;
    body.parts.push_back(std::move(part));
  }
  body.after = "\r\n--" + separator + "--\r\n";
  response.set("Content-Type", "multipart/byteranges; boundary=" + separator);
  response.body = std::move(body);
}

void one_part(Response& response, const Representation& file, std::uint64_t offset, std::uint64_t length) {
  FileBody body;
  body.fd = file.fd;
  FilePart part;
  part.offset = offset;
  part.length = length;
  body.parts.push_back(std::move(part));
  response.set("Content-Type", media_type(file));
  response.body = std::move(body);
}

}  // namespace

Response file_response(const Request& request, const Representation& file) {
  Response response;
  response.set("Accept-Ranges", "bytes");
  response.set("ETag", file.etag);
  response.set("Last-Modified", http_date(file.modified_s));
  response.set("Cache-Control", "private, no-cache");
  response.set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'");
  response.set("X-Content-Type-Options", "nosniff");
  // No page of another site gets at the bytes by embedding them (Fetch Standard, CORP).
  response.set("Cross-Origin-Resource-Policy", "same-origin");

  const Validators validators{file.etag, file.modified_s, std::time(nullptr)};
  switch (judge_conditions(request, validators)) {
    case Condition::not_modified:
      response.status = 304;
      return response;
    case Condition::failed:
      response.status = 412;
      response.body = std::string();
      return response;
    case Condition::go_on:
      break;
  }

  if (auto raw = from_hex(file.sha256_hex); raw && raw->size() == 32)
    response.set("Repr-Digest", "sha-256=:" + to_base64(*raw) + ":");
  response.set("Content-Disposition",
               content_disposition(safe_to_show(file.media_type) ? "inline" : "attachment", file.name));

  // RFC 9110 §14.2: Range is defined for GET only.
  const RangeRequest asked = request.method == "GET" && if_range_holds(request, validators)
                                 ? parse_range(request.header("Range"), file.size_bytes)
                                 : RangeRequest{};
  switch (asked.verdict) {
    case RangeVerdict::unsatisfiable:
      response.status = 416;
      response.set("Content-Range", "bytes */" + std::to_string(file.size_bytes));
      std::erase_if(response.headers, [](const auto& line) {
        return line.first == "Repr-Digest" || line.first == "Content-Disposition";
      });
      response.body = std::string();
      return response;
    case RangeVerdict::whole:
      one_part(response, file, 0, file.size_bytes);
      return response;
    case RangeVerdict::some:
      break;
  }
  response.status = 206;
  if (asked.ranges.size() == 1) {
    const ByteRange& range = asked.ranges.front();
    response.set("Content-Range", content_range(range, file.size_bytes));
    one_part(response, file, range.first, range.last - range.first + 1);
  } else {
    several_parts(response, file, asked.ranges);
  }
  return response;
}

std::string content_disposition(std::string_view kind, std::string_view name) {
  std::string plain, encoded;
  bool same = true;
  static constexpr char digits[] = "0123456789ABCDEF";
  for (char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    // A percent sign would be decoded by some clients; quotes and backslashes are read in different ways.
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\' || c == '%') {
      // One underscore for one character, not for each of its bytes.
      if ((byte & 0xc0) != 0x80) plain += '_';
      same = false;
    } else {
      plain += c;
    }
    if (letter || std::string_view("!#$&+-.^_`|~").find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += digits[byte >> 4];
      encoded += digits[byte & 15];
    }
  }
  std::string out = std::string(kind) + "; filename=\"" + plain + "\"";
  if (!same) out += "; filename*=UTF-8''" + encoded;
  return out;
}

}  // namespace restante::http
