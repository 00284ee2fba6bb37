// SPDX-License-Identifier: Apache-2.0
#include "fuzz.hpp"
#include "net/curl_url.hpp"
#include "transfer/content_coding.hpp"
#include "transfer/digests.hpp"
#include "transfer/web_page.hpp"

#include <algorithm>
#include <string>

// What is in a body of a content server: a coding that is taken off, a digest that was published for it, a
// web page that came instead. Line 1: the coding; line 2: the digest field; line 3: the path; the rest is the
// body.
namespace restante::fuzz {

namespace {

using transfer::Decoder;

constexpr Decoder::Limits small{.ratio = 5, .free_bytes = 20'000};
constexpr std::uint64_t slack_bytes = 1 << 20;  ///< of one round of inflating

struct Decoded {
  bool good = true, ended = false;
  std::string bytes;
};

Decoded decode(std::string_view coding, std::string_view body, std::size_t cut) {
  Decoded out;
  Decoder decoder(coding, small);
  const Decoder::Sink sink = [&out](std::string_view some) -> Result<void> {
    out.bytes += some;
    return {};
  };
  for (const std::string_view part : {body.substr(0, cut), body.substr(std::min(cut, body.size()))}) {
    if (!out.good || part.empty()) continue;
    const auto done = decoder.add(part, sink);
    out.good = done.has_value();
    check(out.good || !done.error().message.empty(), "a refusal has words");
  }
  out.ended = out.good && decoder.at_end();
  check(decoder.decoded_bytes() >= out.bytes.size() || !out.good, "what comes out is counted");
  check(!out.good || decoder.coded_bytes() == body.size(), "what goes in is counted");
  check(out.bytes.size() <= std::max(small.free_bytes, small.ratio * body.size()) + slack_bytes,
        "a bomb is stopped");
  return out;
}

void check_coding(std::string_view coding, std::string_view body) {
  const Decoded whole = decode(coding, body, body.size());
  for (const std::size_t cut : cuts(body.size())) {
    const Decoded two = decode(coding, body, cut);
    check(two.good == whole.good && two.ended == whole.ended, "two packets end as one does");
    check(!whole.good || two.bytes == whole.bytes, "two packets are decoded as one is");
  }
}

void check_digests(std::string_view field, std::string_view body) {
  transfer::HeaderBlock head;
  head.fields = {{"trailer", std::string(field)}};
  static_cast<void>(transfer::announces_digest(head));
  for (const char* name : {"repr-digest", "content-digest", "digest", "content-md5"}) {
    const transfer::Fields fields{{name, std::string(field)}};
    for (const auto& published : {transfer::whole_digest(fields), transfer::answer_digest(fields)}) {
      if (!published) continue;
      const std::size_t size = published->algorithm == "sha-512"   ? 64
                               : published->algorithm == "sha-256" ? 32
                               : published->algorithm == "sha"     ? 20
                                                                   : 16;
      check(published->raw.size() == size, "a digest is as long as its algorithm makes it");
      transfer::DigestWatch one, two;
      one.expect(*published);
      two.expect(*published);
      one.add(body);
      two.add(body.substr(0, body.size() / 2));
      two.add(body.substr(body.size() / 2));
      const auto result = one.finish({});
      check(result == two.finish({}), "a digest does not depend on packets");
      check(result != transfer::DigestWatch::Result::nothing, "a digest that is expected is compared");
      transfer::DigestWatch trailer;
      trailer.expect_in_trailer(true);
      trailer.add(body);
      check(!trailer.active() || trailer.finish({*published}) == result,
            "a trailer says the same as a header");
    }
  }
}

void check_page(std::string_view path, std::string_view body) {
  transfer::PageClues clues;
  clues.url_path = "/" + std::string(path);
  const auto wish = transfer::page_wish(clues);
  static_cast<void>(transfer::is_html("text/html", clues.url_path, body.substr(0, transfer::sniffed_bytes)));
  static_cast<void>(transfer::is_html("", clues.url_path, body.substr(0, transfer::sniffed_bytes)));
  static_cast<void>(transfer::is_hot_spot(body));
  static_cast<void>(transfer::asks_for_password(body));
  if (const auto url = net::parse_url("http://h" + clues.url_path)) {
    transfer::WayThere way;
    way.to_sign_in = transfer::speaks_of_signing_in(*url);
    way.redirected = way.elsewhere = way.to_sign_in;
    static_cast<void>(transfer::judge_page(wish, way, body));
  }
  clues.accept = "text/html";
  check(transfer::page_wish(clues) == transfer::PageWish::wanted, "a page that is asked for is wanted");
}

}  // namespace

void body(std::string_view input) {
  const auto parts = lines(input, 4);
  check_coding(parts[0] == "deflate" ? "deflate" : "gzip", parts[3]);
  check_digests(parts[1], parts[3]);
  check_page(parts[2], parts[3]);
}

}  // namespace restante::fuzz
