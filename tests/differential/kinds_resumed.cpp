// SPDX-License-Identifier: Apache-2.0
#include "kinds.hpp"

#include <algorithm>

// Downloads that go on from the middle: what is here already came from the content itself, or from an older
// one.
namespace restante::test {

namespace {

Framing delimited(Rng& rng) {
  return rng.chance(60) ? Framing::length : Framing::chunked;
}

/// Holds the beginning of `from`; the whole of `now` has to come out.
void hold(Rng& rng, Case& made, const Entity& from, const Entity& now) {
  made.held = from.bytes.substr(0, rng.between(1, from.bytes.size()));
  made.if_range = from.etag.empty() || from.etag.front() != '"' ? from.modified : from.etag;
  if (rng.chance(50)) made.known_size = now.bytes.size();
  if (rng.chance(20)) made.digest_hex = digest_of(now.bytes);
  made.truth = Truth::must;
  made.contents = {now.bytes};
}

Entity resumable(Rng& rng) {
  return make_entity(rng, rng.chance(40)   ? Validators::strong
                          : rng.chance(70) ? Validators::both
                                           : Validators::date);
}

void goes_on(Rng& rng, Case& made, const Origins&) {
  const Entity entity = resumable(rng);
  hold(rng, made, entity, entity);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    return sent(good(r, entity, request, delimited(r)));
  };
}

void all_is_here(Rng& rng, Case& made, const Origins&) {
  const Entity entity = resumable(rng);
  hold(rng, made, entity, entity);
  made.held = entity.bytes;
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    return sent(good(r, entity, request, delimited(r)));
  };
}

void another_content_now(Rng& rng, Case& made, const Origins&) {
  const Entity before = make_entity(rng, Validators::both);
  Entity now = make_entity(rng, Validators::both);
  if (rng.chance(40)) now.bytes.resize(before.bytes.size(), 'n');
  hold(rng, made, before, now);
  if (!rng.chance(30)) made.known_size.reset();
  made.answer = [now](Rng& r, const Request& request, std::size_t) {
    return sent(good(r, now, request, delimited(r)));
  };
}

/// If-Range is not looked at: a part of another content comes, with its own validators.
void part_of_another(Rng& rng, Case& made, const Origins&) {
  const Entity before = make_entity(rng, Validators::both);
  Entity now = make_entity(rng, Validators::both);
  now.bytes.resize(std::max(now.bytes.size(), before.bytes.size() + 1), 'n');
  hold(rng, made, before, now);
  made.answer = [now](Rng& r, const Request& request, std::size_t) {
    Request blind = request;
    blind.if_range.clear();
    return sent(good(r, now, blind, delimited(r)));
  };
}

/// The first answer to a Range is wrong in one of the ways of the catalogue; afterwards all is well.
void wrong_part_first(Rng& rng, Case& made, const Origins&) {
  const Entity entity = resumable(rng);
  hold(rng, made, entity, entity);
  const std::size_t how = rng.below(8);
  if (how == 1) made.known_size = entity.bytes.size();  // else nothing would tell
  made.answer = [entity, how](Rng& r, const Request& request, std::size_t n) {
    const std::size_t size = entity.bytes.size();
    if (n > 0 || request.range_start.value_or(size) >= size)
      return sent(good(r, entity, request, delimited(r)));
    const auto start = static_cast<std::size_t>(*request.range_start);
    const std::string rest = entity.bytes.substr(start), last = std::to_string(size - 1),
                      first = std::to_string(start);
    Answer answer(r, 206);
    describe(answer, entity);
    switch (how) {
      case 0:  // begins elsewhere
        answer.field("Content-Range", "bytes " + std::to_string(start + 1) + "-" + std::to_string(size) +
                                          "/" + std::to_string(size + 1));
        answer.body(rest, delimited(r));
        break;
      case 1:  // another total
        answer.field("Content-Range",
                     "bytes " + first + "-" + std::to_string(size + 6) + "/" + std::to_string(size + 7));
        answer.body(rest + "7 bytes", delimited(r));
        break;
      case 2:  // does not say which part
        answer.body(rest, delimited(r));
        break;
      case 3:  // several parts in one
        answer.lines.clear();
        answer.field("Content-Type", "multipart/byteranges; boundary=B");
        answer.body("--B\r\nContent-Range: bytes " + first + "-" + last + "/" + std::to_string(size) +
                        "\r\n\r\n" + rest + "\r\n--B--\r\n",
                    delimited(r));
        break;
      case 4:
        answer.status = 412;
        answer.body("no", Framing::length);
        break;
      case 5:
        answer.status = 416;
        answer.field("Content-Range", "bytes */" + std::to_string(r.below(start)));  // shrunk
        answer.body("", Framing::length);
        break;
      case 6:  // its two lengths differ
        answer.field("Content-Range", "bytes " + first + "-" + last + "/" + std::to_string(size));
        answer.body(rest + "x", Framing::length);
        break;
      default:  // the range is not understood
        answer.field("Content-Range", r.chance(50) ? "bytes " + last + "-" + first + "/3" : "pages 1-2/3");
        answer.body(rest, delimited(r));
        break;
    }
    return sent(answer);
  };
}

void ranges_unknown(Rng& rng, Case& made, const Origins&) {
  const Entity entity = resumable(rng);
  hold(rng, made, entity, entity);
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    Request blind = request;
    blind.range_start.reset();
    return sent(good(r, entity, blind, delimited(r)));
  };
}

void cut_again_and_again(Rng& rng, Case& made, const Origins&) {
  const Entity entity = resumable(rng);
  hold(rng, made, entity, entity);
  made.held.clear();
  made.answer = [entity](Rng& r, const Request& request, std::size_t n) {
    Reply out = sent(good(r, entity, request, Framing::length));
    if (n >= 3 || out.bytes.size() < 2) return out;
    out.bytes.resize(r.between(1, out.bytes.size() - 1));
    out.end = r.chance(50) ? Ending::close : Ending::cut;
    return out;
  };
}

void without_validators(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, Validators::none);
  hold(rng, made, entity, entity);
  made.fair = made.held.size() != entity.bytes.size();
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    return sent(good(r, entity, request, delimited(r)));
  };
}

/// Nothing says that both are one content, and they are not.
void another_without_validators(Rng& rng, Case& made, const Origins&) {
  const Entity before = make_entity(rng, Validators::none);
  Entity now = make_entity(rng, Validators::none);
  now.bytes.resize(std::max(now.bytes.size(), before.bytes.size() + 1), 'n');
  hold(rng, made, before, now);
  made.known_size.reset();
  made.digest_hex.clear();
  made.answer = [now](Rng& r, const Request& request, std::size_t) {
    return sent(good(r, now, request, delimited(r)));
  };
}

/// Its date is no older than the answer: it may have changed within that second, and has (RFC 9110 §8.8.2.2).
void changes_within_a_second(Rng& rng, Case& made, const Origins&) {
  constexpr const char* second = "Sun, 22 Nov 2026 10:00:00 GMT";
  Entity before = make_entity(rng, Validators::none), after = make_entity(rng, Validators::none);
  after.bytes.resize(before.bytes.size(), 's');
  made.truth = Truth::must;
  made.contents = {after.bytes};
  made.answer = [before, after](Rng& r, const Request& request, std::size_t n) {
    Entity entity = n == 0 ? before : after;
    entity.modified = second;
    Answer answer = good(r, entity, request, Framing::length);
    answer.lines.emplace_back(std::string("Date: ") + second);
    Reply out = answer.reply();
    if (n > 0) return out;
    out.bytes.resize(out.bytes.size() - r.between(1, std::min<std::size_t>(entity.bytes.size(), 50)));
    out.end = Ending::close;
    return out;
  };
}

/// Parts that do not say how long the whole is.
void total_unknown(Rng& rng, Case& made, const Origins&) {
  const Entity entity = make_entity(rng, Validators::both);
  hold(rng, made, entity, entity);
  made.truth = Truth::may;
  const bool all_here = made.held.size() == entity.bytes.size();  // 416 then says the length
  made.unproven = !made.known_size && made.digest_hex.empty() && !all_here;
  made.answer = [entity](Rng& r, const Request& request, std::size_t) {
    const std::size_t size = entity.bytes.size();
    if (request.range_start.value_or(size) >= size) return sent(good(r, entity, request, delimited(r)));
    const auto start = static_cast<std::size_t>(*request.range_start);
    Answer answer(r, 206);
    describe(answer, entity);
    answer.field("Content-Range", "bytes " + std::to_string(start) + "-" + std::to_string(size - 1) + "/*");
    answer.body(entity.bytes.substr(start), delimited(r));
    return sent(answer);
  };
}

}  // namespace

void add_resumed_kinds(std::vector<Kind>& all) {
  const std::vector<Kind> mine{{"goes on", Where::any, goes_on},
                               {"goes on, plain", Where::plain, goes_on},
                               {"all is here", Where::any, all_is_here},
                               {"another content now", Where::any, another_content_now},
                               {"part of another", Where::any, part_of_another},
                               {"wrong part first", Where::any, wrong_part_first},
                               {"wrong part first, plain", Where::plain, wrong_part_first},
                               {"ranges unknown", Where::any, ranges_unknown},
                               {"cut again and again", Where::any, cut_again_and_again},
                               {"without validators", Where::any, without_validators},
                               {"another, without validators", Where::any, another_without_validators},
                               {"changes within a second", Where::any, changes_within_a_second},
                               {"total unknown", Where::any, total_unknown}};
  all.insert(all.end(), mine.begin(), mine.end());
}

}  // namespace restante::test
