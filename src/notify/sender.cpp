// SPDX-License-Identifier: Apache-2.0
#include "notify/sender.hpp"

#include "base/log.hpp"
#include "base/unicode.hpp"
#include "notify/sealed.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>

namespace restante::notify {
namespace {

using namespace std::chrono_literals;

/// Standard Webhooks' schedule: ten attempts within about three days.
constexpr std::array<Millis, 9> delays{5s, 5min, 30min, 2h, 5h, 10h, 14h, 20h, 24h};

/// Up to a tenth longer, so that what failed together is not tried together.
Millis jittered(Millis delay) {
  std::uint16_t chance = 0;
  random_bytes(&chance, sizeof chance);
  return delay + delay * chance / (10 * 65536);
}

}  // namespace

std::optional<Millis> retry_delay(int attempt) {
  if (attempt < 1 || static_cast<std::size_t>(attempt) > delays.size()) return std::nullopt;
  return delays[static_cast<std::size_t>(attempt) - 1];
}

Sender::Sender(Executor loop, Database& database, const jobs::Vault& vault, const Clock& clock,
               Channels channels, std::function<Place()> place, SenderLimits limits)
    : loop_(loop),
      database_(database),
      vault_(vault),
      clock_(clock),
      channels_(std::move(channels)),
      place_(std::move(place)),
      limits_(limits),
      news_(loop),
      tasks_(loop, "notices") {
}

void Sender::start() {
  tasks_.spawn(run());
}

Task<void> Sender::stop() {
  co_await tasks_.stop();
}

void Sender::poke() {
  news_.notify();
}

Task<void> Sender::run() {
  for (;;) {
    const auto next = co_await look();
    Millis pause = limits_.looks_every;
    if (next) pause = std::clamp(std::chrono::ceil<Millis>(*next - clock_.now()), Millis(1), pause);
    co_await news_.wait_for(pause);
  }
}

/// Begins what is due and has room. When the next one is due.
Task<std::optional<Instant>> Sender::look() {
  std::vector<NoticeRecords::Due> due;
  std::optional<Instant> next;
  const Instant now = clock_.now();
  const int limit = limits_.looked_at;
  Database::Work work = [&due, &next, now, limit](Tx& tx) -> Result<void> {
    auto& records = tx.repo<NoticeRecords>();
    auto found = records.due(now, limit);
    if (!found) return fail(std::move(found.error()));
    auto later = records.next_after(now);
    if (!later) return fail(std::move(later.error()));
    due = std::move(*found);
    next = *later;
    return {};
  };
  auto done = co_await database_.read(std::move(work));
  if (!done) {
    log::warn("notices: {}", done.error().message);
    co_return std::nullopt;
  }
  std::erase_if(due, [this](const auto& one) { return under_way_.contains(one.id); });
  auto begun = begin(std::move(due));
  co_await std::move(begun);
  co_return next;
}

Task<void> Sender::begin(std::vector<NoticeRecords::Due> due) {
  if (due.empty() || under_way_.size() >= static_cast<std::size_t>(limits_.at_once)) co_return;
  std::vector<Ready> ready;
  std::vector<NoticeId> broken;
  Database::Work work = [this, &due, &ready, &broken](Tx& tx) -> Result<void> {
    auto& records = tx.repo<NoticeRecords>();
    for (const auto& one : due) {
      auto stored = records.contact(one.contact);
      if (!stored) return fail(std::move(stored.error()));
      auto notice = records.find(one.id);
      if (!notice) return fail(std::move(notice.error()));
      if (!*stored || !*notice) continue;
      auto contact = open_contact(vault_, **stored);
      if (contact)
        ready.push_back({std::move(**notice), std::move(*contact)});
      else
        broken.push_back(one.id);
    }
    return {};
  };
  auto done = co_await database_.read(std::move(work));
  if (!done) log::warn("notices: {}", done.error().message);
  for (const auto& id : broken) log::error("notice {}: its contact cannot be read", id.text());
  for (Ready& one : ready) {
    if (under_way_.size() >= static_cast<std::size_t>(limits_.at_once)) break;
    const auto channel = channels_.find(one.contact.kind);
    if (channel == channels_.end() || under_way_.contains(one.notice.id)) continue;
    std::string host = channel->second->host(one.contact);
    const auto full = [](const auto& counts, const auto& key, int most) {
      const auto found = counts.find(key);
      return found != counts.end() && found->second >= most;
    };
    if (full(busy_, host, limits_.at_once_per_host) ||
        full(busy_accounts_, one.notice.account, limits_.at_once_per_account))
      continue;
    ++busy_[host], ++busy_accounts_[one.notice.account];
    under_way_.insert(one.notice.id);
    tasks_.spawn(send(std::move(one), std::move(host)));
  }
}

Task<void> Sender::send(Ready ready, std::string host) {
  const NoticeId id = ready.notice.id;
  const AccountId account = ready.notice.account;
  std::exception_ptr failure;
  try {
    const bool claimed = co_await claim(ready);
    if (claimed) {
      ++ready.notice.attempts;
      auto sending = deliver(ready);
      Delivery delivery = co_await std::move(sending);
      auto settling = settle(std::move(ready), std::move(delivery));
      co_await std::move(settling);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  under_way_.erase(id);
  if (--busy_[host] == 0) busy_.erase(host);
  if (--busy_accounts_[account] == 0) busy_accounts_.erase(account);
  news_.notify();
  if (failure) std::rethrow_exception(failure);
}

/// Counts the attempt before it is made: after a crash the next one waits its time. What gathered is closed.
Task<bool> Sender::claim(const Ready& ready) {
  const Instant next =
      clock_.now() + jittered(retry_delay(ready.notice.attempts + 1).value_or(delays.back()));
  std::function<Result<bool>(Tx&)> work = [&ready, next](Tx& tx) -> Result<bool> {
    auto& records = tx.repo<NoticeRecords>();
    auto notice = records.find(ready.notice.id);
    if (!notice) return fail(std::move(notice.error()));
    auto contact = records.contact(ready.contact.id);
    if (!contact) return fail(std::move(contact.error()));
    if (!*notice || !*contact) return false;
    const auto& open = (*contact)->open;
    const bool wanted = open.confirmed || (*notice)->event == Event::contact_confirm;
    if (!wanted || open.disabled) {
      auto removed = records.remove(ready.notice.id);
      if (!removed) return fail(std::move(removed.error()));
      return false;
    }
    Notice claimed = **notice;
    if (claimed.facts != ready.notice.facts) return false;  // more was gathered; it is read again
    ++claimed.attempts;
    claimed.gathers = false;
    claimed.next_try = next;
    auto saved = records.update(claimed);
    if (!saved) return fail(std::move(saved.error()));
    return true;
  };
  auto claimed = co_await database_.write_value<bool>(std::move(work));
  if (!claimed) {
    log::warn("notice {}: not sent yet: {}", ready.notice.id.text(), claimed.error().message);
    co_await sleep_for(limits_.room_asked_again);
    co_return false;
  }
  co_return *claimed;
}

Task<Delivery> Sender::deliver(const Ready& ready) {
  auto facts = open_facts(vault_, ready.notice);
  Delivery broken;
  if (!facts) {
    broken.outcome = Delivery::Outcome::refused;
    broken.message = facts.error().message;
    co_return broken;
  }
  Channel& channel = *channels_.at(ready.contact.kind);
  try {
    auto sending = channel.send(ready.contact, compose(ready.notice.id, *facts, place_()));
    co_return co_await std::move(sending);
  } catch (const boost::system::system_error&) {
    throw;  // cancelled
  } catch (const std::exception& error) {
    broken.message = error.what();
  }
  co_return broken;
}

Task<void> Sender::settle(Ready ready, Delivery delivery) {
  using enum Delivery::Outcome;
  const Instant now = clock_.now();
  const auto delay = retry_delay(ready.notice.attempts);
  if (delivery.outcome == later && !delay) delivery.outcome = refused;
  const std::string id = ready.notice.id.text();
  const std::string_view event = name(ready.notice.event);
  if (delivery.outcome == sent)
    log::info("notice {}: {} told by {}", id, event, name(ready.contact.kind));
  else if (delivery.outcome == later)
    log::warn("notice {}: {} not told by {}, tried again: {}", id, event, name(ready.contact.kind),
              delivery.message);
  else
    log::error("notice {}: {} not told by {}, given up: {}", id, event, name(ready.contact.kind),
               delivery.message);
  Instant next = now + jittered(delay.value_or(Millis(0)));
  if (delivery.retry_after)
    next = std::max(next, now + std::min(*delivery.retry_after, limits_.longest_retry_after));
  const std::string error(whole_characters(delivery.message, limits_.message_bytes));
  for (;;) {
    Database::Work work = [&ready, &delivery, &error, now, next](Tx& tx) -> Result<void> {
      auto& records = tx.repo<NoticeRecords>();
      auto stored = records.contact(ready.contact.id);
      if (!stored) return fail(std::move(stored.error()));
      if (!*stored) return {};  // gone, and its notices with it
      StoredContact contact = std::move(**stored);
      if (delivery.outcome == sent) {
        contact.open.last_error.clear();
        contact.open.last_error_at.reset();
        // A webhook that took a signed message is proof enough; the others prove it by what the message
        // holds.
        const bool proof =
            ready.contact.kind == Kind::webhook && ready.notice.event == Event::contact_confirm;
        if (proof && !contact.open.confirmed) contact.open.confirmed = now;
      } else {
        contact.open.last_error = error;
        contact.open.last_error_at = now;
        if (delivery.outcome == gone) contact.open.disabled = true;
      }
      if (auto saved = records.save_contact(contact); !saved) return saved;
      if (delivery.outcome != later) return records.remove(ready.notice.id);
      auto notice = records.find(ready.notice.id);
      if (!notice) return fail(std::move(notice.error()));
      if (!*notice) return {};
      (*notice)->next_try = next;
      return records.update(**notice);
    };
    auto done = co_await database_.write(std::move(work));
    if (done) co_return;
    log::warn("notice {}: what became of it is not stored yet: {}", id, done.error().message);
    co_await sleep_for(limits_.room_asked_again);
  }
}

}  // namespace restante::notify
