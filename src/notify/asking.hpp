// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/crypto.hpp"
#include "notify/records.hpp"

#include <map>
#include <string>

namespace restante::notify {

struct ContactLimits;

/// How often somebody was asked, told to be tested, or guessed at: in memory only, so that nothing of an
/// address stays. Called by one transaction, or on the control loop, at a time.
class Asking {
public:
  explicit Asking(const ContactLimits& limits) : limits_(limits) {}

  /// Counts one more question of this account within a day.
  bool may_ask(AccountId account, Instant now);
  bool may_test(AccountId account, Instant now);
  /// When this address may be asked: now, or once its time since the last question is over.
  Instant asks(Kind kind, const std::string& address, Instant now);
  bool may_guess(ContactId id) const;
  void guessed_wrong(ContactId id);

private:
  struct Count {
    Instant since{};
    int count = 0;
  };
  static bool counts(std::map<AccountId, Count>& of, AccountId account, Instant now, Seconds within,
                     int most);

  const ContactLimits& limits_;
  std::map<AccountId, Count> asked_, tested_;
  std::map<Digest256, Instant> addresses_;  ///< when they were, or are, asked last
  std::map<ContactId, int> guesses_;
};

}  // namespace restante::notify
