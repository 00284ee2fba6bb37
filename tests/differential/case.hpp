// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "answer.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace restante::test {

/// must: the client has to publish one of `contents`; must_not: it has to refuse; may: it does one or the
/// other.
enum class Truth { must, must_not, may };

/// One download whose truth is known, made from a seed and a number.
struct Case {
  std::uint64_t number = 0;
  std::string kind;
  bool tls = false;
  std::string host, path;
  std::string mirror_host;  ///< asked from the second attempt on; may be empty

  /// The n-th request of this case, redirects included.
  std::function<Reply(Rng& rng, const Request& request, std::size_t n)> answer;

  // the order
  std::string held, if_range;  ///< what is here already
  std::optional<std::uint64_t> known_size, max_bytes;
  std::string digest_hex;  ///< SHA-256
  bool allow_empty = false;

  // the truth
  Truth truth = Truth::must;
  std::vector<std::string> contents;  ///< what may be published, and nothing else
  bool unproven = false;              ///< nothing proves its end: it may be published as unverified only
  /// A client that knows neither size nor digest can tell, so that plain libcurl may be measured by it.
  bool fair = true;
};

/// Its connections may hold answers that nobody asked for.
inline constexpr const char* poisoned_host = "evil.content.test";

struct Origins {
  std::uint16_t http = 0, https = 0;
  std::vector<std::string> hosts;
};

Case make_case(std::uint64_t seed, std::uint64_t number, const Origins& origins);
/// The names of all kinds.
std::vector<std::string> kinds();

}  // namespace restante::test
