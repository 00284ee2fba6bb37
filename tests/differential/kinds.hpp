// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "case.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace restante::test {

enum class Validators { strong, both, date, weak, none };
enum class Where { any, plain, tls };

/// One sort of behaviour of a content server, with the truth about it.
struct Kind {
  std::string name;
  Where where = Where::any;
  void (*make)(Rng& rng, Case& made, const Origins& origins) = nullptr;
};

const std::vector<Kind>& all_kinds();
void add_right_kinds(std::vector<Kind>& all);
void add_resumed_kinds(std::vector<Kind>& all);
void add_coded_kinds(std::vector<Kind>& all);
void add_wrong_kinds(std::vector<Kind>& all);
void add_doubtful_kinds(std::vector<Kind>& all);

Entity make_entity(Rng& rng, Validators with);
Validators any_validators(Rng& rng);
std::string digest_of(std::string_view bytes);
/// Size and digest are known each with this probability.
void know(Rng& rng, Case& made, const Entity& entity, std::size_t percent);

}  // namespace restante::test
