// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "jobs/ports.hpp"
#include "jobs/records.hpp"
#include "notify/facts.hpp"
#include "notify/records.hpp"

namespace restante::notify {

struct OutboxLimits {
  std::size_t files_told = 10;  ///< of one download, each with a link; the rest is counted
  std::size_t lines_told = 50;  ///< of one gathered notice; the rest is counted
  /// A contact is told so many things one by one within `burst_time`; what follows is gathered in one notice,
  /// which goes when that time is over.
  int burst = 10;
  Millis burst_time{600'000};
  /// Notices of one contact that wait (its server is gone); what follows is gathered.
  std::size_t waiting_per_contact = 100;
  Seconds quota_told_again{86400};
  std::size_t text_bytes = 400;  ///< of a name or a reason
};

/// Writes down what is to be told, in the transaction of what it tells. Called on the store's thread; has no
/// state of its own.
class Outbox {
public:
  Outbox(const jobs::Vault& vault, const Clock& clock, OutboxLimits limits)
      : vault_(vault), clock_(clock), limits_(limits) {}

  /// If people want to know of this change. Errors: storage, disk-full.
  Result<void> job_changed(Tx& tx, const jobs::Job& job, const jobs::HistoryRow& row) const;
  /// To every confirmed contact of the account. Errors: storage, disk-full.
  Result<void> tell(Tx& tx, AccountId account, const Facts& facts) const;
  /// To this contact, confirmed or not, not before `at`, never gathered. Errors: storage, disk-full.
  Result<NoticeId> tell_contact(Tx& tx, const Contact& contact, const Facts& facts, Instant at) const;

private:
  Result<void> tell_stored(Tx& tx, StoredContact contact, const Facts& facts) const;
  Result<void> gather(Tx& tx, const StoredContact& contact, const Facts& facts, Instant at) const;
  enum class WithLinks { no, yes };  ///< no: it is only gathered, and needs none
  Result<Facts> facts_of(Tx& tx, const jobs::Job& job, const jobs::HistoryRow& row, Event event,
                         WithLinks links) const;

  const jobs::Vault& vault_;
  const Clock& clock_;
  OutboxLimits limits_;
};

}  // namespace restante::notify
