// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace restante::jobs {

/// What one transfer could take.
struct Demand {
  AccountId account;
  std::optional<int> server = {};              ///< the rule of its content server
  std::optional<std::uint64_t> most = {};      ///< bytes a second that it may have by its own limit
  std::optional<std::uint64_t> expected = {};  ///< that it would take now; none: all that it gets
};

/// Rates that several transfers have together, in bytes a second.
struct CommonRates {
  std::optional<std::uint64_t> place;
  std::map<AccountId, std::uint64_t> accounts;
  std::map<int, std::uint64_t> servers;
  bool none() const { return !place && accounts.empty() && servers.empty(); }
};

/// What each may have, in the order of the demands; none: as much as it can. Max-min fair between accounts,
/// and within an account between its transfers. First come what is expected of each; what nobody takes is
/// spread as well, so that whoever can suddenly take more is not held back. No limit is passed, but for the
/// byte a second that everybody has.
std::vector<std::optional<std::uint64_t>> shares(const std::vector<Demand>& demands,
                                                 const CommonRates& common);

}  // namespace restante::jobs
