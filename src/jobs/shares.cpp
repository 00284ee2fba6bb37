// SPDX-License-Identifier: Apache-2.0
#include "jobs/shares.hpp"

#include <algorithm>
#include <limits>

namespace restante::jobs {
namespace {

constexpr double endless = std::numeric_limits<double>::infinity();
/// Of a rate: nearer to its limit than that is at its limit.
constexpr double near = 1e-6;

/// Several transfers under one limit.
struct Group {
  double left;
  std::vector<std::size_t> members;
};

struct Water {
  const std::vector<Demand>& demands;
  std::vector<Group> groups;
  std::vector<double> rates;

  Water(const std::vector<Demand>& of, const CommonRates& common) : demands(of), rates(of.size(), 0) {
    std::map<AccountId, std::size_t> of_account;
    std::map<int, std::size_t> of_server;
    const auto make = [this](std::uint64_t rate) {
      groups.push_back({static_cast<double>(rate), {}});
      return groups.size() - 1;
    };
    if (common.place) make(*common.place);
    for (const auto& [id, rate] : common.accounts) of_account[id] = make(rate);
    for (const auto& [rule, rate] : common.servers) of_server[rule] = make(rate);
    for (std::size_t i = 0; i < demands.size(); ++i) {
      if (common.place) groups[0].members.push_back(i);
      if (const auto at = of_account.find(demands[i].account); at != of_account.end())
        groups[at->second].members.push_back(i);
      if (!demands[i].server) continue;
      if (const auto at = of_server.find(*demands[i].server); at != of_server.end())
        groups[at->second].members.push_back(i);
    }
  }

  /// Lets all rise, every account as fast as the others, until each is at its cap or at the limit of a group.
  void rise(const std::vector<double>& caps) {
    std::vector<bool> rises(rates.size());
    for (std::size_t i = 0; i < rates.size(); ++i) rises[i] = rates[i] < caps[i];
    for (;;) {
      for (const Group& group : groups)
        if (group.left <= 0)
          for (const std::size_t i : group.members) rises[i] = false;
      std::map<AccountId, int> rising;
      for (std::size_t i = 0; i < rates.size(); ++i)
        if (rises[i]) ++rising[demands[i].account];
      if (rising.empty()) return;
      const auto speed = [&](std::size_t i) { return rises[i] ? 1.0 / rising[demands[i].account] : 0.0; };
      double time = endless;
      for (std::size_t i = 0; i < rates.size(); ++i)
        if (rises[i]) time = std::min(time, (caps[i] - rates[i]) / speed(i));
      std::vector<double> speeds(groups.size(), 0);
      for (std::size_t g = 0; g < groups.size(); ++g) {
        for (const std::size_t i : groups[g].members) speeds[g] += speed(i);
        if (speeds[g] > 0) time = std::min(time, groups[g].left / speeds[g]);
      }
      for (std::size_t i = 0; i < rates.size(); ++i) {
        if (!rises[i]) continue;
        rates[i] += time * speed(i);
        if (time == endless || rates[i] >= caps[i] * (1 - near)) rises[i] = false;
      }
      for (std::size_t g = 0; g < groups.size(); ++g) {
        if (speeds[g] == 0) continue;
        const double before = groups[g].left;
        groups[g].left -= time * speeds[g];
        if (groups[g].left <= before * near) groups[g].left = 0;
      }
    }
  }
};

}  // namespace

std::vector<std::optional<std::uint64_t>> shares(const std::vector<Demand>& demands,
                                                 const CommonRates& common) {
  Water water(demands, common);
  std::vector<double> expected(demands.size()), most(demands.size());
  for (std::size_t i = 0; i < demands.size(); ++i) {
    most[i] = demands[i].most ? static_cast<double>(*demands[i].most) : endless;
    expected[i] =
        std::min(most[i], demands[i].expected ? static_cast<double>(*demands[i].expected) : endless);
  }
  water.rise(expected);
  water.rise(most);
  std::vector<std::optional<std::uint64_t>> out;
  for (const double rate : water.rates) {
    if (rate > 1e18)
      out.emplace_back();
    else
      out.emplace_back(std::max<std::uint64_t>(static_cast<std::uint64_t>(rate), 1));
  }
  return out;
}

}  // namespace restante::jobs
