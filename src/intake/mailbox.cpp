// SPDX-License-Identifier: Apache-2.0
#include "intake/mailbox.hpp"

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace restante::intake {

namespace {

/// What ends a round: nothing else in this mailbox would fare better.
bool ends_round(Reason reason) {
  switch (reason) {
    case Reason::unreachable:
    case Reason::timeout:
    case Reason::tls:
    case Reason::dns:
    case Reason::auth_required:
      return true;
    default:
      return false;
  }
}

/// Refused for now, not for what it is.
bool is_transient(Reason reason) {
  switch (reason) {
    case Reason::rate_limited:
    case Reason::busy:
    case Reason::storage:
    case Reason::disk_full:
      return true;
    default:
      return false;
  }
}

std::string key_of(const Letter& letter) {
  return letter.id + '\n' + letter.version + '\n' + std::to_string(letter.bytes);
}

/// Between 0.9 and 1.1: places that lost the same server do not all come back
/// in the same second.
double jitter() {
  std::uint16_t random = 0;
  random_bytes(&random, sizeof random);
  return 0.9 + 0.2 * random / 65535.0;
}

}  // namespace

MailboxPuller::MailboxPuller(PullerParts parts, PullerOptions options)
    : parts_(std::move(parts)), options_(options) {
}

std::chrono::steady_clock::duration MailboxPuller::pause() const {
  Millis wait = options_.interval;
  for (int i = 1; i < failures_ && wait < options_.longest_pause; ++i) wait *= 2;
  wait = std::min<Millis>(wait, std::max(options_.longest_pause, options_.interval));
  return Millis(static_cast<Millis::rep>(static_cast<double>(wait.count()) * jitter()));
}

Task<void> MailboxPuller::run() {
  for (;;) {
    auto pulling = pull();
    const auto pulled = co_await std::move(pulling);
    if (!pulled && failures_++ == 0)
      log::warn("the mailbox ({}) cannot be asked: {}; {}", parts_.mailbox->name(), pulled.error().message,
                "it is tried again by itself");
    if (pulled && std::exchange(failures_, 0) > 0)
      log::info("the mailbox ({}) can be asked again", parts_.mailbox->name());
    if (pulled && more_) continue;
    const auto wait = pause();
    auto waiting = parts_.wait ? parts_.wait(wait) : sleep_for(wait);
    co_await std::move(waiting);
  }
}

Task<Result<void>> MailboxPuller::pull() {
  auto list = [this] { return parts_.mailbox->list(options_.letters_per_round); };
  auto letters = co_await offload(parts_.pool, list);
  if (!letters) co_return fail(std::move(letters.error()));
  if (letters->size() > options_.letters_per_round) letters->resize(options_.letters_per_round);
  const bool full = letters->size() == options_.letters_per_round;
  const std::size_t before = taken_out_;
  more_ = false;
  for (auto& letter : *letters) {
    std::string key = key_of(letter);
    auto taking = take(std::move(letter));
    auto taken = co_await std::move(taking);
    if (taken) continue;
    if (ends_round(taken.error().reason)) co_return taken;
    // Said once a letter, as far as they are remembered: it may stay for days.
    if (told_.size() < options_.remembered && told_.insert(key).second)
      log::warn("a letter in the mailbox ({}) was left there: {}", parts_.mailbox->name(),
                taken.error().message);
  }
  more_ = full && taken_out_ > before;
  co_return Result<void>();
}

Task<Result<void>> MailboxPuller::take(Letter letter) {
  const std::string key = key_of(letter);
  Judged judged;
  if (const auto known = judged_.find(key); known != judged_.end()) {
    judged = known->second;
  } else if (letter.bytes > options_.mime.message_bytes) {
    judged = too_large();
  } else {
    auto fetch = [this, &letter] { return parts_.mailbox->fetch(letter, options_.mime.message_bytes); };
    auto text = co_await offload(parts_.pool, fetch);
    if (text) {
      auto judging = judge(std::move(*text), letter);
      judged = co_await std::move(judging);
    } else if (text.error().reason == Reason::too_large) {
      judged = too_large();
    } else {
      co_return fail(std::move(text.error()));
    }
  }
  if (judged.outcome == Outcome::later) co_return Result<void>();
  const auto fate = judged.outcome == Outcome::done ? Mailbox::Fate::done : Mailbox::Fate::refused;
  auto settle = [this, &letter, fate, &judged] { return parts_.mailbox->settle(letter, fate, judged.why); };
  auto settled = co_await offload(parts_.pool, settle);
  if (settled) {
    ++taken_out_;
    judged_.erase(key);
    perhaps_unfinished_.erase(key);
  } else if (judged_.size() < options_.remembered) {
    judged_.emplace(key, std::move(judged));
  }
  co_return settled;
}

Task<MailboxPuller::Judged> MailboxPuller::judge(std::string text, const Letter& letter) {
  auto search = [this, &text] { return documents_in(text, options_.mime); };
  auto documents = co_await offload(parts_.pool, search);
  if (!documents) {
    log::info("a letter in the mailbox ({}) holds no request", parts_.mailbox->name());
    co_return refused(letter, false, std::move(documents.error()));
  }
  std::optional<Error> why;
  bool known_sender = true;
  for (auto& document : *documents) {
    auto receiving = parts_.receiver.receive(std::move(document), parts_.mailbox->channel());
    const Receipt receipt = co_await std::move(receiving);
    if (!receipt.error) continue;
    if (is_transient(receipt.error->reason)) co_return Judged();
    known_sender = known_sender && receipt.sender.has_value();
    if (receipt.sender && parts_.tell_refused) parts_.tell_refused(*receipt.sender, *receipt.error);
    if (!why) why = *receipt.error;
  }
  co_return why ? refused(letter, known_sender, std::move(*why)) : Judged{Outcome::done, {}};
}

MailboxPuller::Judged MailboxPuller::too_large() const {
  return {Outcome::refused,
          fail(Reason::too_large,
               "it is larger than " + human_size(options_.mime.message_bytes) + ", and was not read",
               "send fewer requests at once")
              .value()};
}

MailboxPuller::Judged MailboxPuller::refused(const Letter& letter, bool known_sender, Error why) {
  if (known_sender || !parts_.mailbox->may_be_unfinished()) return {Outcome::refused, std::move(why)};
  if (perhaps_unfinished_.size() >= options_.remembered) perhaps_unfinished_.clear();
  const bool first = perhaps_unfinished_.insert(key_of(letter)).second;
  return {first ? Outcome::later : Outcome::refused, std::move(why)};
}

}  // namespace restante::intake
