// SPDX-License-Identifier: Apache-2.0
#include "answer.hpp"

#include <algorithm>

namespace restante::test {

namespace {

std::string spelled(Rng& rng, std::string_view name) {
  std::string out(name);
  const std::size_t how = rng.below(4);
  for (char& c : out) {
    const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
    if (how == 1 && upper) c = static_cast<char>(c + 32);
    if (how == 2 && lower) c = static_cast<char>(c - 32);
    if (how == 3 && (upper || lower) && rng.chance(50)) c = static_cast<char>(c ^ 32);
  }
  return out;
}

const std::vector<std::string> frills{"Server: Apache/2.4.57 (Debian)",
                                      "Server: nginx",
                                      "X-Powered-By: PHP/8.2.7",
                                      "Cache-Control: max-age=3600",
                                      "Vary: Accept-Encoding",
                                      "X-Cache: HIT from edge-3",
                                      "Age: 17",
                                      "Via: 1.1 varnish",
                                      "Set-Cookie: a=b; Path=/",
                                      "Content-Language: de",
                                      "Content-Disposition: attachment; filename=\"a b.bin\"",
                                      "Strict-Transport-Security: max-age=31536000",
                                      "X-Empty:",
                                      "Link: </x>; rel=\"next\""};

std::string hex(std::size_t number, bool upper) {
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  do {
    out.insert(out.begin(), digits[number % 16]);
    number /= 16;
  } while (number > 0);
  return out;
}

}  // namespace

std::uint64_t Rng::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

Answer::Answer(Rng& random, int code) : rng(random), status(code) {
  if (rng.chance(85)) field("Date", "Sun, 22 Nov 2026 10:00:00 GMT");
  for (std::size_t i = rng.below(4); i > 0; --i) lines.push_back(rng.pick(frills));
}

Answer& Answer::field(std::string_view name, std::string_view value) {
  static const std::vector<std::string> gaps{" ", " ", " ", "", "  ", "\t"};
  std::string line = spelled(rng, name) + ":" + rng.pick(gaps);
  line += value;
  if (rng.chance(5)) line += "  ";
  lines.push_back(std::move(line));
  return *this;
}

Answer& Answer::raw(std::string line) {
  lines.push_back(std::move(line));
  return *this;
}

Answer& Answer::body(std::string bytes, Framing how) {
  framing = how;
  if (how == Framing::length) field("Content-Length", std::to_string(bytes.size()));
  if (how == Framing::chunked) field("Transfer-Encoding", rng.chance(90) ? "chunked" : "Chunked");
  if (how == Framing::close && rng.chance(70)) field("Connection", "close");
  coded = how == Framing::chunked ? chunked(rng, bytes) : std::move(bytes);
  return *this;
}

std::string Answer::head() const {
  static const std::vector<std::string> phrases{" OK", " Fine", " ", "", " Much Better Words"};
  std::string out = version + " " + std::to_string(status) + rng.pick(phrases) + "\r\n";
  std::vector<std::string> order = lines;
  if (!order.empty() && rng.chance(30))
    std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(rng.below(order.size())),
                order.end());
  for (const std::string& line : order) out += line + "\r\n";
  return out + "\r\n";
}

Reply Answer::reply(Ending end) const {
  std::string interim;
  if (rng.chance(8)) {
    static const std::vector<std::string> first{
        "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\nETag: \"no\"\r\n\r\n"};
    for (std::size_t i = rng.between(1, 3); i > 0; --i) interim += rng.pick(first);
  }
  return {interim + head() + coded, end, {}};
}

std::string chunked(Rng& rng, std::string_view bytes, bool with_end) {
  static const std::vector<std::string> extensions{"", "", "", ";a", ";name=value", ";q=\"a b\\\"c\"", " "};
  std::string out;
  while (!bytes.empty()) {
    const std::size_t size =
        std::min(bytes.size(), rng.chance(10) ? rng.between(1, 3) : rng.between(1, 20000));
    out += (rng.chance(10) ? "000" : "") + hex(size, rng.chance(50)) + rng.pick(extensions) + "\r\n";
    out += bytes.substr(0, size);
    out += "\r\n";
    bytes.remove_prefix(size);
  }
  if (!with_end) return out;
  out += rng.chance(10) ? "000" : "0";
  out += rng.pick(extensions) + "\r\n";
  if (rng.chance(15)) out += "X-Trailer: y\r\nETag: \"trailer\"\r\nContent-Length: 7\r\n";
  return out + "\r\n";
}

void describe(Answer& answer, const Entity& entity) {
  if (!entity.etag.empty()) answer.field("ETag", entity.etag);
  if (!entity.modified.empty()) answer.field("Last-Modified", entity.modified);
  if (answer.rng.chance(60)) answer.field("Accept-Ranges", "bytes");
  if (answer.rng.chance(80)) answer.field("Content-Type", "application/octet-stream");
}

Answer good(Rng& rng, const Entity& entity, const Request& request, Framing framing) {
  const std::size_t size = entity.bytes.size();
  const bool strong = !entity.etag.empty() && entity.etag.front() == '"';
  const bool same = request.if_range.empty() || (strong && request.if_range == entity.etag) ||
                    (!entity.modified.empty() && request.if_range == entity.modified);
  if (request.range_start && same && *request.range_start >= size) {
    Answer answer(rng, 416);
    answer.field("Content-Range", "bytes */" + std::to_string(size));
    describe(answer, entity);
    answer.body("", Framing::length);
    return answer;
  }
  const bool part = request.range_start && same;
  const std::size_t start = part ? static_cast<std::size_t>(*request.range_start) : 0;
  Answer answer(rng, part ? 206 : 200);
  describe(answer, entity);
  if (part)
    answer.field("Content-Range", "bytes " + std::to_string(start) + "-" + std::to_string(size - 1) + "/" +
                                      std::to_string(size));
  answer.body(entity.bytes.substr(start), framing);
  return answer;
}

Reply sent(const Answer& answer) {
  return answer.reply(answer.framing == Framing::close ? Ending::close : Ending::keep);
}

}  // namespace restante::test
