// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"
#include "jobs/rate_rules.hpp"
#include "jobs/rests.hpp"

#include <chrono>
#include <map>
#include <string>

namespace restante::jobs {

/// Transfers that hear what content servers say of being asked, in all that is asked: downloads, looks and
/// what looks into addresses. A server that rests is asked by no download and by no look, and where the
/// operator wants a pause between two requests, each waits for its turn.
class Heeding final : public Transfers {
public:
  Heeding(Transfers& inner, const RateRules& rules, const Clock& clock, Rests rests)
      : rests(std::move(rests)), inner_(inner), rules_(rules), clock_(clock) {}

  Task<TransferResult> run(TransferOrder order, TransferObserver& observer, std::stop_token stop) override;
  Task<TransferResult> browse(TransferOrder order, OfferObserver& observer, std::stop_token stop) override;
  void pace(AccountId account, const TransferObserver& observer,
            std::optional<std::uint64_t> bytes_per_s) override {
    inner_.pace(account, observer, bytes_per_s);
  }

  Rests rests;

private:
  /// Until the pause before it is over or it is stopped.
  Task<void> turn_of(const TransferOrder& order, const std::stop_token& stop);
  std::optional<TransferResult> resting(const TransferOrder& order) const;
  void heard(const std::string& url, const TransferResult& result);

  Transfers& inner_;
  RateRules rules_;
  const Clock& clock_;
  std::map<int, std::chrono::steady_clock::time_point> next_;  ///< turn, by rule
};

}  // namespace restante::jobs
