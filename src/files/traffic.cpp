// SPDX-License-Identifier: Apache-2.0
#include "files/traffic.hpp"

#include "base/text.hpp"

#include <boost/asio/post.hpp>

#include <ctime>
#include <utility>
#include <vector>

namespace restante::files {

std::int64_t month_of(Instant at) {
  const std::time_t seconds = std::chrono::floor<Seconds>(at).time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return (parts.tm_year + std::int64_t{1900}) * 12 + parts.tm_mon;
}

Instant month_end(std::int64_t month) {
  std::tm parts{};
  parts.tm_year = static_cast<int>((month + 1) / 12 - 1900);
  parts.tm_mon = static_cast<int>((month + 1) % 12);
  parts.tm_mday = 1;
  return Instant(Seconds(::timegm(&parts)));
}

Traffic::Traffic(Executor loop, Database& database, const Clock& clock, Limit limit)
    : loop_(std::move(loop)),
      database_(database),
      clock_(clock),
      limit_(std::move(limit)),
      counters_(std::make_shared<const Counters>()) {
}

Task<Result<void>> Traffic::start() {
  using Rows = std::vector<std::pair<AccountId, MonthTraffic>>;
  const std::int64_t month = month_of(clock_.now());
  std::function<Result<Rows>(Tx&)> ask = [month](Tx& tx) {
    return tx.repo<TrafficRecords>().of_month(month);
  };
  auto rows = co_await database_.read_value<Rows>(ask);
  if (!rows) co_return fail(std::move(rows.error()));
  for (const auto& [account, traffic] : *rows) {
    const auto counter = made(account);
    counter->month = month;
    counter->fetched += traffic.fetched_bytes;
    counter->served += traffic.served_bytes;
  }
  co_return Result<void>();
}

Task<Result<void>> Traffic::save() {
  struct Taken {
    AccountId account;
    std::shared_ptr<Counter> counter;
    MonthTraffic traffic;
  };
  const std::int64_t now = month_of(clock_.now());
  const auto counters = counters_.load();
  std::vector<Taken> taken;
  for (const auto& [account, counter] : *counters) {
    Taken one{account,
              counter,
              {counter->month, counter->fetched_unsaved.exchange(0), counter->served_unsaved.exchange(0)}};
    if (one.traffic.month != now) {
      // What is counted between two saves at the turn of the month is the old one's.
      counter->month = now;
      counter->fetched = 0;
      counter->served = 0;
    }
    if (one.traffic.fetched_bytes + one.traffic.served_bytes > 0) taken.push_back(std::move(one));
  }
  if (taken.empty()) co_return Result<void>();
  Database::Work work = [&taken](Tx& tx) -> Result<void> {
    auto& records = tx.repo<TrafficRecords>();
    for (const Taken& one : taken)
      if (auto added = records.add(one.account, one.traffic); !added) return added;
    return {};
  };
  auto done = co_await database_.write(std::move(work));
  if (!done)
    for (const Taken& one : taken) {
      one.counter->fetched_unsaved += one.traffic.fetched_bytes;
      one.counter->served_unsaved += one.traffic.served_bytes;
    }
  co_return done;
}

std::shared_ptr<Traffic::Counter> Traffic::known(AccountId account) const {
  const auto counters = counters_.load();
  const auto found = counters->find(account);
  return found == counters->end() ? nullptr : found->second;
}

std::shared_ptr<Traffic::Counter> Traffic::made(AccountId account) {
  if (auto there = known(account)) return there;
  auto counters = std::make_shared<Counters>(*counters_.load());
  auto counter = std::make_shared<Counter>();
  counter->month = month_of(clock_.now());
  (*counters)[account] = counter;
  counters_.store(std::move(counters));
  return counter;
}

void Traffic::count(AccountId account, std::uint64_t fetched, std::uint64_t served) {
  const auto counter = known(account);
  if (!counter) {
    asio::post(loop_, [this, account, fetched, served] {
      made(account);
      count(account, fetched, served);
    });
    return;
  }
  counter->fetched += fetched;
  counter->served += served;
  counter->fetched_unsaved += fetched;
  counter->served_unsaved += served;
}

void Traffic::fetched(AccountId account, std::uint64_t bytes) {
  if (bytes > 0) count(account, bytes, 0);
}

void Traffic::served(AccountId account, std::uint64_t bytes) {
  if (bytes > 0) count(account, 0, bytes);
}

MonthTraffic Traffic::of(AccountId account) const {
  MonthTraffic out{month_of(clock_.now()), 0, 0};
  const auto counter = known(account);
  if (!counter || counter->month != out.month) return out;
  out.fetched_bytes = counter->fetched;
  out.served_bytes = counter->served;
  return out;
}

std::optional<std::uint64_t> Traffic::left(AccountId account) const {
  const auto limit = limit_ ? limit_(account) : std::nullopt;
  if (!limit) return std::nullopt;
  const MonthTraffic used = of(account);
  const std::uint64_t sum = used.fetched_bytes + used.served_bytes;
  return *limit - std::min(*limit, sum);
}

std::string Traffic::used_up(AccountId account) const {
  const auto still = left(account);
  if (!still || *still > 0) return {};
  const std::string when = to_rfc3339(month_end(month_of(clock_.now())));
  return "the account's traffic of " + human_size(limit_(account).value_or(0)) +
         " for this month is used up; it goes on at " + when;
}

}  // namespace restante::files
