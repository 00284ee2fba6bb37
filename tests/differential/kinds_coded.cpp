// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "base/text.hpp"
#include "kinds.hpp"

#include <algorithm>
#include <zlib.h>

// Codings that nobody asked for, and digests that servers publish (RFC 9530).
namespace restante::test {

namespace {

Framing delimited(Rng& rng) {
  return rng.chance(60) ? Framing::length : Framing::chunked;
}

/// gzip, or zlib's form ("deflate").
std::string packed(std::string_view bytes, bool gzip) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, gzip ? 31 : 15, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// Texts, so that packing changes them.
Entity text_entity(Rng& rng) {
  Entity out = make_entity(rng, any_validators(rng));
  for (char& c : out.bytes) c = static_cast<char>('a' + static_cast<unsigned char>(c) % 16);
  return out;
}

Answer coded(Rng& rng, const std::string& bytes, const char* coding, Framing framing) {
  Answer answer(rng, 200);
  answer.field("Content-Type", "text/plain");
  answer.field("Content-Encoding", coding);
  answer.body(bytes, framing);
  return answer;
}

std::string digest_field(std::string_view bytes) {
  const auto digest = sha256(bytes);
  return "sha-256=:" + to_base64({reinterpret_cast<const char*>(digest.data()), digest.size()}) + ":";
}

void coded_on_the_way(Rng& rng, Case& made, const Origins&) {
  const Entity entity = text_entity(rng);
  made.truth = Truth::may;
  made.contents = {entity.bytes};
  made.answer = [entity](Rng& r, const Request&, std::size_t) {
    const bool gzip = r.chance(70);
    return sent(coded(r, packed(entity.bytes, gzip), gzip ? "gzip" : "deflate", delimited(r)));
  };
}

/// The stream inside the coding is cut, or its check sums are wrong, or more follows; the framing is right.
void coding_broken(Rng& rng, Case& made, const Origins&) {
  const Entity entity = text_entity(rng);
  made.truth = Truth::must_not;
  made.answer = [entity](Rng& r, const Request&, std::size_t) {
    const bool gzip = r.chance(60);
    std::string bytes = packed(entity.bytes, gzip);
    const std::size_t how = r.below(3);
    if (how == 0) bytes.resize(r.between(1, bytes.size() - 1));
    if (how == 1) bytes[bytes.size() - r.between(1, 4)] ^= 1;  // a check sum or length
    if (how == 2) bytes += "more";
    return sent(coded(r, bytes, gzip ? "gzip" : "deflate", delimited(r)));
  };
}

/// A file that is gzip itself, and is called so: stored as it comes.
void gzip_file(Rng& rng, Case& made, const Origins&) {
  const std::string file = packed(text_entity(rng).bytes, true);
  made.path = "/" + std::to_string(made.number) + "/file.tar.gz";
  made.truth = Truth::must;
  made.contents = {file};
  made.answer = [file](Rng& r, const Request&, std::size_t) {
    Answer answer(r, 200);
    answer.field("Content-Type", "application/gzip");
    if (r.chance(60)) answer.field("Content-Encoding", r.chance(50) ? "gzip" : "x-gzip");
    answer.body(file, delimited(r));
    return sent(answer);
  };
}

void published_digest(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  made.truth = Truth::must;
  made.contents = {entity.bytes};
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Answer answer = good(r, entity, request, delimited(r));
    answer.field("Repr-Digest", digest_field(entity.bytes));
    if (r.chance(30)) answer.field("Digest", "unixsum=30637");
    return sent(answer);
  };
}

void another_published_digest(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, Validators::none);
  made.truth = Truth::must_not;
  made.answer = [entity](Rng& r, const Request&, std::size_t) {
    Answer answer = good(r, entity, {}, delimited(r));
    answer.field(r.chance(50) ? "Repr-Digest" : "Content-Digest", digest_field(entity.bytes + "x"));
    return sent(answer);
  };
}

}  // namespace

void add_coded_kinds(std::vector<Kind>& all) {
  const std::vector<Kind> mine{{"coded on the way", Where::any, coded_on_the_way},
                               {"coding broken", Where::any, coding_broken},
                               {"gzip file", Where::any, gzip_file},
                               {"published digest", Where::any, published_digest},
                               {"another published digest", Where::any, another_published_digest}};
  all.insert(all.end(), mine.begin(), mine.end());
}

}  // namespace restante::test
