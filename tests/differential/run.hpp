// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "case.hpp"
#include "server.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace restante::test {

/// What a client made of one case.
struct Published {
  std::string bytes;
  bool marked = false;  ///< as unproven
};

struct Findings {
  struct Of {
    std::uint64_t cases = 0, published = 0, wrong = 0, refused = 0;
  };
  std::map<std::string, Of> kinds;
  std::uint64_t cases = 0;
  std::uint64_t wrong_published =
      0;  ///< published although it must not be, or other bytes, or without the mark
  std::uint64_t right_refused = 0;    ///< refused although it had to be published
  std::vector<std::string> examples;  ///< of both, with their numbers

  void judge(const Case& made, const std::optional<Published>& published, const std::string& why);
};

struct Plan {
  std::uint64_t seed = 1, cases = 100;
  std::uint64_t first = 0;  ///< number of the first case
  std::size_t parallel = 32;
  bool verbose = false;
};

/// Through the real worker, with what a place does between its attempts: going on, starting again, the next
/// source.
Findings run_worker(const Plan& plan);

/// Through plain libcurl, which is believed when it says that all went well (curl --fail --location
/// --continue-at): a control, and the measure of a peer.
Findings run_libcurl(const Plan& plan);

}  // namespace restante::test
