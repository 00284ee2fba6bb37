// SPDX-License-Identifier: Apache-2.0
#include "kinds.hpp"

#include <algorithm>

// Answers that are not the content, however often they are asked for; and those of which nobody can know.
namespace restante::test {

namespace {

Framing delimited(Rng& rng) {
  return rng.chance(60) ? Framing::length : Framing::chunked;
}

void must_not(Case& made) {
  made.truth = Truth::must_not;
}

/// No part of it is resumed: every answer is the same.
Request whole(Request request) {
  request.range_start.reset();
  return request;
}

void never_ends(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, Validators::none);
  must_not(made);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    const bool in_chunks = r.chance(50);
    Answer answer = good(r, entity, whole(request), in_chunks ? Framing::chunked : Framing::length);
    if (in_chunks)
      answer.coded = chunked(r, entity.bytes, false);
    else
      answer.coded.pop_back();
    static const std::vector<Ending> ends{Ending::close, Ending::close, Ending::cut, Ending::reset};
    return answer.reply(r.pick(ends));
  };
}

void broken_chunks(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, Validators::none);
  must_not(made);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    static const std::vector<std::string> faults{"zz\r\nxx\r\n0\r\n\r\n",
                                                 "ffffffffffffffffffff\r\nx\r\n0\r\n\r\n",
                                                 "-1\r\nx\r\n0\r\n\r\n",
                                                 "\r\n\r\n",
                                                 "5;a\r\nhel",
                                                 "fffffffffffffff0\r\nx",
                                                 "5\r\nhello!\r\n0\r\n\r\n",
                                                 "+5\r\nhello\r\n0\r\n\r\n"};
    Answer answer = good(r, entity, whole(request), Framing::chunked);
    answer.coded = chunked(r, entity.bytes, false) + r.pick(faults);
    return answer.reply(Ending::close);
  };
}

void excess(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must_not(made);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Answer answer = good(r, entity, whole(request), Framing::length);
    answer.coded += std::string(r.between(1, 2000), 'z');
    return answer.reply(r.chance(50) ? Ending::keep : Ending::close);
  };
}

void impossible_lengths(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must_not(made);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    static const std::vector<std::string> faults{"-5",  "many", "0x20", "1e3", "18446744073709551617",
                                                 "5;6", "+7"};
    Answer answer = good(r, entity, whole(request), Framing::close);
    answer.field("Content-Length", std::to_string(entity.bytes.size()));
    answer.field("Content-Length",
                 r.chance(50) ? std::to_string(entity.bytes.size() + r.between(1, 9)) : r.pick(faults));
    return answer.reply(Ending::close);
  };
}

void unknown_transfer_coding(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must_not(made);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Answer answer = good(r, entity, whole(request), Framing::close);
    static const std::vector<std::string> codings{"gzip, chunked", "chunked, gzip", "x", "chunked, chunked"};
    answer.field("Transfer-Encoding", r.pick(codings));
    return answer.reply(Ending::close);
  };
}

void tls_cut(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, Validators::none);
  must_not(made);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Answer answer = good(r, entity, whole(request), Framing::close);
    if (r.chance(50)) answer.coded.resize(r.between(1, answer.coded.size()));
    return answer.reply(Ending::cut);
  };
}

void other_than_known(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must_not(made);
  made.fair = false;
  const std::size_t how = rng.below(3);
  if (how == 0) made.digest_hex = digest_of(entity.bytes + "x");
  if (how == 1) made.known_size = entity.bytes.size() + rng.between(1, 1000);
  if (how == 2) made.max_bytes = rng.below(entity.bytes.size());
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    return sent(good(r, entity, request, r.chance(30) ? Framing::close : delimited(r)));
  };
}

void nothing(Rng&, Case& made, const Origins&) {
  must_not(made);
  made.answer = [](Rng& r, const Request&, std::size_t) {
    const std::size_t how = r.below(5);
    Answer answer(r, how == 0 ? 204 : how == 1 ? 205 : 200);
    if (how != 0) answer.body("", how == 2 ? Framing::chunked : how == 3 ? Framing::close : Framing::length);
    return sent(answer);
  };
}

void no_success(Rng& rng, Case& made, const Origins&) {
  must_not(made);
  static const std::vector<int> codes{400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 412,
                                      413, 414, 416, 418, 425, 429, 431, 451, 500, 501, 502, 503,
                                      504, 505, 507, 508, 511, 520, 522, 599, 600, 999};
  made.answer = [code = rng.pick(codes)](Rng& r, const Request&, std::size_t) {
    Answer answer(r, code);
    if (r.chance(30)) answer.field("ETag", "\"page\"");
    answer.body("<html>this is not what was asked for</html>", delimited(r));
    return sent(answer);
  };
}

void never_modified(Rng&, Case& made, const Origins&) {
  must_not(made);
  made.answer = [](Rng& r, const Request&, std::size_t) {
    Answer answer(r, 304);
    answer.field("ETag", "\"x\"");
    return answer.reply();
  };
}

void redirects_that_lead_nowhere(Rng& rng, Case& made, const Origins& origins) {
  must_not(made);
  const std::size_t how = rng.below(7);
  const std::string plain = "http://" + made.host + ":" + std::to_string(origins.http) + "/" +
                            std::to_string(made.number) + "/there";
  const bool down = how == 6 && made.tls;
  made.answer = [how, plain, down, number = made.number](Rng& r, const Request& request, std::size_t n) {
    if (request.path.ends_with("/there") && down) {
      Answer content(r, 200);
      content.body("everybody could read this", Framing::length);
      return sent(content);
    }
    static const std::vector<int> codes{301, 302, 303, 307, 308};
    Answer answer(r, r.pick(codes));
    const std::string start = "/" + std::to_string(number) + "/";
    const std::vector<std::string> targets{"",
                                           request.path,
                                           start + "hop" + std::to_string(n),
                                           "ftp://127.0.0.1/x",
                                           "file:///etc/passwd",
                                           "data:text/plain,hello",
                                           down ? plain : "http://"};
    if (how > 0 || r.chance(50)) answer.field("Location", targets[how]);
    answer.body("<html>elsewhere</html>", delimited(r));
    return sent(answer);
  };
}

void part_of_nothing(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must_not(made);
  made.answer = [entity](Rng& r, const Request&, std::size_t) {
    const std::size_t size = entity.bytes.size();
    Answer answer(r, 206);
    const std::size_t how = r.below(4);
    if (how == 0)
      answer.field("Content-Range", "bytes 1-" + std::to_string(size) + "/" + std::to_string(size + 1));
    if (how == 1) answer.field("Content-Type", "multipart/byteranges; boundary=B");
    if (how == 2) answer.field("Content-Range", "bytes */" + std::to_string(size));
    answer.body(entity.bytes, delimited(r));
    return sent(answer);
  };
}

void no_http(Rng&, Case& made, const Origins&) {
  must_not(made);
  made.answer = [](Rng& r, const Request&, std::size_t) {
    using namespace std::string_literals;
    static const std::vector<std::string> texts{
        "hello, this is HTTP/0.9",
        "HTTP/1.1 abc OK\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nX-Bad: a\0b\r\nContent-Length: 5\r\n\r\nhello"s,
        "HTTP/1.1 200 OK\r\nX-Bad: a\rContent-Length: 9\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        "HTTP/1.1 20 OK\r\n\r\nhello",
        "HTTP/1.1 2000 OK\r\n\r\nhello",
        "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
        "<html>hello</html>",
        ""};
    return Reply{r.pick(texts), Ending::close, {}};
  };
}

void unknown_coding(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must_not(made);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    static const std::vector<std::string> codings{"br", "zstd", "compress", "gzip, br", "x-unknown"};
    Answer answer = good(r, entity, whole(request), delimited(r));
    answer.field("Content-Encoding", r.pick(codings));
    return sent(answer);
  };
}

/// Says that it is gzip, and is not.
void false_coding(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must_not(made);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Answer answer(r, 200);
    answer.field("Content-Type", "text/plain");
    answer.field("Content-Encoding", "gzip");
    answer.body(entity.bytes, delimited(r));
    static_cast<void>(request);
    return sent(answer);
  };
}

// ---- nobody can know

void may(Case& made, std::vector<std::string> contents) {
  made.truth = Truth::may;
  made.contents = std::move(contents);
}

/// Ends somewhere, and nothing says where it should.
void ends_somewhere(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, Validators::none);
  const std::string some = entity.bytes.substr(0, rng.between(1, entity.bytes.size()));
  may(made, {some});
  made.unproven = true;
  made.answer = [some](Rng& r, const Request&, std::size_t) {
    Answer answer(r, 200);
    answer.body(some, Framing::close);
    return answer.reply(Ending::close);
  };
}

/// A second answer follows that nobody asked for. Who asks this host next may get it; nobody else may.
void poisons_the_connection(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  made.host = poisoned_host;
  may(made, {entity.bytes, "poison!"});
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Reply out = sent(good(r, entity, request, delimited(r)));
    out.late = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: \"evil\"\r\n\r\npoison!";
    return out;
  };
}

void reset_at_the_end(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  may(made, {entity.bytes});
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    return good(r, entity, request, delimited(r)).reply(r.chance(50) ? Ending::reset : Ending::cut);
  };
}

void strange_lines(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  may(made, {entity.bytes});
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    const Answer answer = good(r, entity, request, Framing::length);
    std::string head = answer.head();
    const std::size_t how = r.below(3);
    if (how == 0) std::erase(head, '\r');
    if (how == 1) head.insert(head.size() - 2, "X-Folded: a\r\n  b\r\n");
    if (how == 2) head.insert(head.size() - 2, "X-Blank : a\r\n");
    return Reply{head + answer.coded, Ending::keep, {}};
  };
}

/// HTTP/1.0 knows no chunks (RFC 9112 §6.1); their framing must not be taken for content.
void chunks_of_an_old_server(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  may(made, {entity.bytes});
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Answer answer = good(r, entity, request, Framing::chunked);
    answer.version = "HTTP/1.0";
    return answer.reply(Ending::close);
  };
}

void other_successes(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  may(made, {entity.bytes});
  static const std::vector<int> codes{201, 202, 203, 207, 208, 226, 299};
  made.answer = [entity, code = rng.pick(codes)](Rng& r, const Request& request, std::size_t) {
    Answer answer = good(r, entity, whole(request), delimited(r));
    answer.status = code;
    return sent(answer);
  };
}

void web_page(Rng& rng, Case& made, const Origins&) {
  const std::string page =
      "<!DOCTYPE html><html><body><form>password" + std::to_string(rng.next()) + "</form></html>";
  may(made, {page});
  made.answer = [page](Rng& r, const Request&, std::size_t) {
    Answer answer(r, 200);
    answer.field("Content-Type", "text/html; charset=utf-8");
    answer.body(page, delimited(r));
    return sent(answer);
  };
}

}  // namespace

void add_wrong_kinds(std::vector<Kind>& all) {
  const std::vector<Kind> mine{{"never ends", Where::any, never_ends},
                               {"broken chunks", Where::any, broken_chunks},
                               {"excess", Where::any, excess},
                               {"impossible lengths", Where::any, impossible_lengths},
                               {"unknown transfer coding", Where::any, unknown_transfer_coding},
                               {"TLS cut", Where::tls, tls_cut},
                               {"other than known", Where::any, other_than_known},
                               {"nothing", Where::any, nothing},
                               {"no success", Where::any, no_success},
                               {"never modified", Where::any, never_modified},
                               {"redirects that lead nowhere", Where::any, redirects_that_lead_nowhere},
                               {"part of nothing", Where::any, part_of_nothing},
                               {"no HTTP", Where::any, no_http},
                               {"unknown coding", Where::any, unknown_coding},
                               {"false coding", Where::any, false_coding}};
  all.insert(all.end(), mine.begin(), mine.end());
}

void add_doubtful_kinds(std::vector<Kind>& all) {
  const std::vector<Kind> mine{{"ends somewhere", Where::plain, ends_somewhere},
                               {"poisons the connection", Where::any, poisons_the_connection},
                               {"reset at the end", Where::any, reset_at_the_end},
                               {"strange lines", Where::any, strange_lines},
                               {"chunks of an old server", Where::any, chunks_of_an_old_server},
                               {"other successes", Where::any, other_successes},
                               {"web page", Where::any, web_page}};
  all.insert(all.end(), mine.begin(), mine.end());
}

const std::vector<Kind>& all_kinds() {
  static const std::vector<Kind> all = [] {
    std::vector<Kind> out;
    add_right_kinds(out);
    add_resumed_kinds(out);
    add_coded_kinds(out);
    add_wrong_kinds(out);
    add_doubtful_kinds(out);
    return out;
  }();
  return all;
}

}  // namespace restante::test
