// SPDX-License-Identifier: Apache-2.0
#include "case.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "kinds.hpp"

#include <memory>

namespace restante::test {

namespace {

std::size_t some_size(Rng& rng) {
  if (rng.chance(4)) return rng.between(70'000, 300'000);
  if (rng.chance(10)) return rng.between(1, 3);
  return rng.between(4, 20'000);
}

}  // namespace

Entity make_entity(Rng& rng, Validators with) {
  Entity out;
  out.bytes.resize(some_size(rng));
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < out.bytes.size(); ++i) {
    if (i % 8 == 0) word = rng.next();
    out.bytes[i] = static_cast<char>(word >> (i % 8 * 8));
  }
  const std::string name =
      "\"" + std::to_string(rng.below(1'000'000'000)) + "-" + std::to_string(out.bytes.size()) + "\"";
  if (with == Validators::strong || with == Validators::both) out.etag = name;
  if (with == Validators::weak) out.etag = "W/" + name;
  if (with == Validators::date || with == Validators::both || with == Validators::weak)
    out.modified = "Mon, 01 Jun 2026 10:0" + std::to_string(rng.below(10)) + ":0" +
                   std::to_string(rng.below(10)) + " GMT";
  return out;
}

Validators any_validators(Rng& rng) {
  static const std::vector<Validators> all{Validators::strong, Validators::both, Validators::both,
                                           Validators::date,   Validators::weak, Validators::none};
  return rng.pick(all);
}

std::string digest_of(std::string_view bytes) {
  return to_hex(sha256(bytes));
}

void know(Rng& rng, Case& made, const Entity& entity, std::size_t percent) {
  if (rng.chance(percent)) made.known_size = entity.bytes.size();
  if (rng.chance(percent)) made.digest_hex = digest_of(entity.bytes);
}

std::vector<std::string> kinds() {
  std::vector<std::string> out;
  for (const Kind& kind : all_kinds()) out.push_back(kind.name);
  return out;
}

Case make_case(std::uint64_t seed, std::uint64_t number, const Origins& origins) {
  Rng rng(seed * 1'000'003 + number);
  Case made;
  const std::vector<Kind>& all = all_kinds();
  const Kind& kind = all[number % all.size()];  // every kind as often as every other
  made.number = number;
  made.kind = kind.name;
  made.tls = kind.where == Where::tls || (kind.where == Where::any && rng.chance(30));
  made.host = rng.pick(origins.hosts);
  static const std::vector<std::string> names{"file.bin", "a%20b.iso", "x.tar", "download?id=7&t=a%2Fb",
                                              "%C3%A4.dat"};
  made.path = "/" + std::to_string(number) + "/" + rng.pick(names);
  kind.make(rng, made, origins);
  return made;
}

}  // namespace restante::test
