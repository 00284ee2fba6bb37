// SPDX-License-Identifier: Apache-2.0
#include "worker/asking.hpp"

#include "worker/clean.hpp"

#include <utility>

namespace restante::worker {

namespace {

constexpr std::size_t most_words = 300;
constexpr Seconds longest_rest{24 * 3600};

/// The only reasons that a request which was not answered has.
bool is_failure(Reason reason) {
  switch (reason) {
    case Reason::address:
    case Reason::dns:
    case Reason::unreachable:
    case Reason::timeout:
    case Reason::tls:
    case Reason::incomplete:
    case Reason::malformed:
    case Reason::invalid:
    case Reason::scheme:
    case Reason::too_large:
    case Reason::busy:
    case Reason::cancelled:
    case Reason::internal:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<void> Asking::may_resolve(const Resolve& asked) {
  const bool same = asked.scheme == url.scheme && asked.host == url.host && asked.port == url.port;
  if (!same || std::exchange(resolved_once, true))
    return fail(Reason::malformed, "it asked for addresses that its request does not need");
  resolving = true;
  return {};
}

Result<void> Asking::take(Answered& message) {
  if (message.failure.has_value() == message.answer.has_value())
    return fail(Reason::malformed, "it gave an answer and a failure, or neither");
  if (message.failure) {
    if (!is_failure(message.failure->reason)) return fail(Reason::malformed, "it gave an impossible reason");
    Error error = fail(message.failure->reason, clean(message.failure->message, most_words)).value();
    error.transient = message.failure->transient;
    result.emplace(fail(why ? *why : std::move(error)));
    return {};
  }
  net::SmallAnswer& answer = *message.answer;
  const bool rest =
      !answer.retry_after || (*answer.retry_after >= Seconds(0) && *answer.retry_after <= longest_rest);
  if (answer.status < 200 || answer.status > 999 || !rest || answer.body.size() > answer_bytes ||
      !resolved_once || resolving)
    return fail(Reason::malformed, "it gave an answer that cannot be");
  result.emplace(std::move(answer));
  return {};
}

}  // namespace restante::worker
