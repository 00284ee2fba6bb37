// SPDX-License-Identifier: Apache-2.0
#include "notify/asking.hpp"

#include "base/text.hpp"
#include "notify/service.hpp"

#include <algorithm>

namespace restante::notify {
namespace {

constexpr Seconds a_day{86400}, an_hour{3600};
constexpr std::size_t guesses_remembered = 10000;

}  // namespace

bool Asking::counts(std::map<AccountId, Count>& of, AccountId account, Instant now, Seconds within,
                    int most) {
  Count& count = of[account];
  if (now < count.since || now >= count.since + within) count = {now, 0};
  if (count.count >= most) return false;
  ++count.count;
  return true;
}

bool Asking::may_ask(AccountId account, Instant now) {
  return counts(asked_, account, now, a_day, limits_.asked_per_day);
}

bool Asking::may_test(AccountId account, Instant now) {
  return counts(tested_, account, now, an_hour, limits_.tests_per_hour);
}

Instant Asking::asks(Kind kind, const std::string& address, Instant now) {
  std::erase_if(addresses_, [&](const auto& one) { return one.second + limits_.asked_again < now; });
  if (addresses_.size() >= limits_.addresses_remembered)
    addresses_.erase(std::min_element(addresses_.begin(), addresses_.end(),
                                      [](const auto& a, const auto& b) { return a.second < b.second; }));
  const auto key = sha256(std::string(name(kind)) + ":" + ascii_lower(address));
  const auto [found, fresh] = addresses_.emplace(key, now);
  if (!fresh) found->second = found->second + limits_.asked_again;
  return found->second;
}

bool Asking::may_guess(ContactId id) const {
  const auto found = guesses_.find(id);
  return found == guesses_.end() || found->second < limits_.wrong_codes;
}

void Asking::guessed_wrong(ContactId id) {
  if (guesses_.size() >= guesses_remembered) guesses_.clear();
  ++guesses_[id];
}

}  // namespace restante::notify
