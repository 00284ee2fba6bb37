// SPDX-License-Identifier: Apache-2.0
#include "kinds.hpp"

#include <algorithm>

// Servers that keep the rules, and those whose faults pass: the client has to end with the content.
namespace restante::test {

namespace {

Framing delimited(Rng& rng) {
  return rng.chance(60) ? Framing::length : Framing::chunked;
}

/// An answer that breaks off in the middle, in one of the ways that every client can see.
Reply broken(Rng& rng, const Entity& entity, const Request& request, bool tls) {
  const bool in_chunks = rng.chance(40);
  Reply out = sent(good(rng, entity, request, in_chunks ? Framing::chunked : Framing::length));
  const std::size_t head = out.bytes.find("\r\n\r\n") + 4;
  // A reset throws away what the client has not read yet, so that anything may arrive of it, but no more.
  const std::size_t least = rng.chance(20) ? 0 : std::min(head, out.bytes.size() - 1);
  out.bytes.resize(rng.between(least, out.bytes.size() - 1));
  static const std::vector<Ending> ends{Ending::close, Ending::cut, Ending::reset};
  out.end = rng.pick(ends);
  static_cast<void>(tls);
  return out;
}

Reply trouble(Rng& rng) {
  static const std::vector<int> codes{408, 429, 500, 502, 503, 504, 522};
  Answer answer(rng, rng.pick(codes));
  if (rng.chance(30)) answer.field("Retry-After", rng.chance(50) ? "1" : "Sun, 22 Nov 2026 10:00:00 GMT");
  answer.field("Content-Type", "text/html");
  answer.body("<html>try again</html>", rng.chance(50) ? Framing::length : Framing::chunked);
  return sent(answer);
}

void must(Case& made, const Entity& entity) {
  made.truth = Truth::must;
  made.contents = {entity.bytes};
}

void plainly(Rng& rng, Case& made, Framing framing) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  know(rng, made, entity, 10);
  made.answer = [entity, framing](Rng& r, const Request& request, std::size_t) {
    return sent(good(r, entity, request, framing));
  };
}

void whole_by_length(Rng& rng, Case& made, const Origins&) {
  plainly(rng, made, Framing::length);
}
void whole_in_chunks(Rng& rng, Case& made, const Origins&) {
  plainly(rng, made, Framing::chunked);
}
void whole_until_close(Rng& rng, Case& made, const Origins&) {
  plainly(rng, made, Framing::close);
  made.unproven = !made.tls && !made.known_size && made.digest_hex.empty();
}

void old_server(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Answer answer = good(r, entity, request, Framing::length);
    answer.version = "HTTP/1.0";
    return answer.reply(Ending::close);
  };
}

/// Faults that pass: the first answers break off or are no content, then all is well.
void after_trouble(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  know(rng, made, entity, 15);
  const std::size_t bad = rng.between(1, 3);
  made.answer = [entity, bad, tls = made.tls](Rng& r, const Request& request, std::size_t n) {
    if (n < bad) return r.chance(75) ? broken(r, entity, request, tls) : trouble(r);
    return sent(good(r, entity, request, delimited(r)));
  };
}

/// The content becomes another one while it is fetched: one of the two, never a mixture.
void changes_on_the_way(Rng& rng, Case& made, const Origins&) {
  const Validators with = rng.chance(70) ? Validators::both : Validators::strong;
  const Entity before = make_entity(rng, with);
  Entity after = make_entity(rng, with);
  if (rng.chance(50)) after.bytes.resize(before.bytes.size(), 'x');
  must(made, after);
  made.contents.push_back(before.bytes);
  const bool ignores_if_range = rng.chance(40);
  made.answer = [before, after, ignores_if_range, tls = made.tls](Rng& r, const Request& request,
                                                                  std::size_t n) {
    if (n == 0) return broken(r, before, request, tls);
    Request seen = request;
    if (ignores_if_range) seen.if_range.clear();
    return sent(good(r, after, seen, delimited(r)));
  };
}

void first_part_unasked(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, rng.chance(50) ? Validators::strong : Validators::both);
  must(made, entity);
  made.fair = false;
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    if (request.range_start) return sent(good(r, entity, request, delimited(r)));
    const std::size_t size = entity.bytes.size(), part = r.between(1, size);
    Answer answer(r, 206);
    describe(answer, entity);
    answer.field("Content-Range", "bytes 0-" + std::to_string(part - 1) + "/" + std::to_string(size));
    answer.body(entity.bytes.substr(0, part), delimited(r));
    return sent(answer);
  };
}

void in_small_pieces(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, Validators::both);
  must(made, entity);
  const std::size_t size = entity.bytes.size(), rounds = rng.between(2, 6);
  made.answer = [entity, size, rounds](Rng& r, const Request& request, std::size_t) {
    const std::size_t start = static_cast<std::size_t>(request.range_start.value_or(0));
    if (start >= size || (!request.if_range.empty() && request.if_range != entity.etag))
      return sent(good(r, entity, request, delimited(r)));
    // An overlap that is asked for again must not eat up the piece.
    const std::size_t end = std::min(size, start + 5000 + size / rounds);
    Answer answer(r, 206);
    describe(answer, entity);
    answer.field("Content-Range", "bytes " + std::to_string(start) + "-" + std::to_string(end - 1) + "/" +
                                      std::to_string(size));
    answer.body(entity.bytes.substr(start, end - start), delimited(r));
    return sent(answer);
  };
}

void behind_redirects(Rng& rng, Case& made, const Origins& origins) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  const std::size_t hops = rng.between(1, 6);
  made.answer = [entity, hops, origins, tls = made.tls, host = made.host, number = made.number](
                    Rng& r, const Request& request, std::size_t) {
    const std::size_t at = request.path.find("/hop");
    const std::size_t hop = at == std::string::npos ? 0 : std::stoul(request.path.substr(at + 4));
    if (hop == hops) return sent(good(r, entity, request, delimited(r)));
    const std::string next = "/" + std::to_string(number) + "/hop" + std::to_string(hop + 1);
    const std::string origin = (tls ? "https://" : "http://") + r.pick(origins.hosts) + ":" +
                               std::to_string(tls ? origins.https : origins.http);
    static const std::vector<int> codes{301, 302, 303, 307, 308};
    Answer answer(r, r.pick(codes));
    const std::vector<std::string> targets{
        next, origin + next, "hop" + std::to_string(hop + 1),
        "../" + std::to_string(number) + "/hop" + std::to_string(hop + 1) + "#x"};
    answer.field("Location", r.pick(targets));
    answer.body(r.chance(50) ? "<html>there</html>" : "", r.chance(70) ? Framing::length : Framing::chunked);
    return sent(answer);
  };
}

void from_plain_to_tls(Rng& rng, Case& made, const Origins& origins) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  made.answer = [entity, origins, host = made.host](Rng& r, const Request& request, std::size_t) {
    if (request.path.ends_with("/secure")) return sent(good(r, entity, request, delimited(r)));
    Answer answer(r, 301);
    answer.field("Location", "https://" + host + ":" + std::to_string(origins.https) +
                                 request.path.substr(0, request.path.find('/', 1)) + "/secure");
    answer.body("", Framing::length);
    return sent(answer);
  };
}

void not_modified_first(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    if (request.no_cache) return sent(good(r, entity, request, delimited(r)));
    Answer answer(r, 304);
    describe(answer, entity);
    return answer.reply();
  };
}

void both_lengths(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Answer answer = good(r, entity, request, Framing::chunked);
    answer.field("Content-Length", std::to_string(r.below(50'000)));
    return answer.reply(r.chance(50) ? Ending::keep : Ending::close);
  };
}

void length_said_twice(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    const bool as_list = r.chance(40);
    Answer answer = good(r, entity, request, as_list ? Framing::close : Framing::length);
    const std::string size = std::to_string(answer.coded.size());
    answer.field("Content-Length", as_list ? size + ", " + size : size);
    return answer.reply(as_list && r.chance(50) ? Ending::close : Ending::keep);
  };
}

void identity_coding(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Answer answer = good(r, entity, request, delimited(r));
    answer.field("Content-Encoding", r.chance(50) ? "identity" : "Identity");
    return sent(answer);
  };
}

void excess_but_known(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  if (rng.chance(50))
    made.known_size = entity.bytes.size();
  else
    made.digest_hex = digest_of(entity.bytes);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Answer answer = good(r, entity, request, Framing::length);
    answer.coded += std::string(r.between(1, 3000), 'z');
    return answer.reply(r.chance(50) ? Ending::keep : Ending::close);
  };
}

void nothing_on_purpose(Rng&, Case& made, const Origins&) {
  made.allow_empty = true;
  made.truth = Truth::must;
  made.contents = {""};
  made.answer = [](Rng& r, const Request&, std::size_t) {
    const std::size_t how = r.below(4);
    Answer answer(r, how == 0 ? 204 : 200);
    if (how != 0) answer.body("", how == 1 ? Framing::chunked : Framing::length);
    return sent(answer);
  };
}

void tls_cut_of_known_size(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  if (rng.chance(50))
    made.known_size = entity.bytes.size();
  else
    made.digest_hex = digest_of(entity.bytes);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    return good(r, entity, request, Framing::close).reply(Ending::cut);
  };
}

void second_source(Rng& rng, Case& made, const Origins& origins) {
  const Entity entity = make_entity(rng, any_validators(rng));
  must(made, entity);
  made.fair = false;
  made.mirror_host = rng.pick(origins.hosts);
  while (made.mirror_host == made.host) made.mirror_host = rng.pick(origins.hosts);
  made.answer = [entity, mirror = made.mirror_host](Rng& r, const Request& request, std::size_t) {
    if (request.host == mirror) return sent(good(r, entity, request, delimited(r)));
    Answer answer(r, r.chance(50) ? 404 : 403);
    answer.body("gone", Framing::length);
    return sent(answer);
  };
}

}  // namespace

void add_right_kinds(std::vector<Kind>& all) {
  const std::vector<Kind> mine{{"whole by length", Where::any, whole_by_length},
                               {"whole in chunks", Where::any, whole_in_chunks},
                               {"whole until close", Where::any, whole_until_close},
                               {"old server", Where::any, old_server},
                               {"after trouble", Where::any, after_trouble},
                               {"after trouble, plain", Where::plain, after_trouble},
                               {"changes on the way", Where::any, changes_on_the_way},
                               {"first part unasked", Where::any, first_part_unasked},
                               {"in small pieces", Where::any, in_small_pieces},
                               {"behind redirects", Where::any, behind_redirects},
                               {"from plain to TLS", Where::plain, from_plain_to_tls},
                               {"not modified first", Where::any, not_modified_first},
                               {"both lengths", Where::any, both_lengths},
                               {"length said twice", Where::any, length_said_twice},
                               {"identity coding", Where::any, identity_coding},
                               {"excess, but known", Where::any, excess_but_known},
                               {"nothing on purpose", Where::any, nothing_on_purpose},
                               {"TLS cut, known size", Where::tls, tls_cut_of_known_size},
                               {"second source", Where::any, second_source}};
  all.insert(all.end(), mine.begin(), mine.end());
}

}  // namespace restante::test
