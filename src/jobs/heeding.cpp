// SPDX-License-Identifier: Apache-2.0
#include "jobs/heeding.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "proxy/url.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace restante::jobs {
namespace {

constexpr Millis stop_seen_within{200};

}  // namespace

std::optional<TransferResult> Heeding::resting(const TransferOrder& order) const {
  const std::string origin = proxy::origin_of(order.source.url).value_or("");
  const Instant now = clock_.now();
  const auto until = rests.until(origin, now);
  if (!until) return std::nullopt;
  TransferResult out;
  out.reason = Reason::rate_limited;
  out.message = origin + " asks to be left alone until " + to_rfc3339(*until);
  out.transient = true;
  out.retry_after = std::chrono::ceil<Seconds>(*until - now);
  out.received_bytes = order.offset;
  return out;
}

void Heeding::heard(const std::string& url, const TransferResult& result) {
  const int status = result.facts.http_status;
  const std::string origin = proxy::origin_of(url).value_or("");
  const std::string final_origin = proxy::origin_of(result.facts.final_url).value_or("");
  // Whoever was only pointed to may not have the server rest that pointed there; after a redirect the facts
  // are those of the redirect.
  if (!same_host(origin, final_origin)) return;
  if (status >= 200 && status < 300) return rests.answered(origin);
  if (status < 400) return;
  if (result.retry_after) return rests.rest(origin, *result.retry_after, clock_.now());
  if (status != 429 && status != 503) return;
  std::uint32_t dice = 0;
  random_bytes(&dice, sizeof dice);
  rests.refused(origin, static_cast<double>(dice) / 4294967296.0, clock_.now());
}

Task<void> Heeding::turn_of(const TransferOrder& order, const std::stop_token& stop) {
  const auto parts = proxy::split_url(order.source.url);
  const auto rule = parts ? rule_for(rules_, ascii_lower(parts->host)) : std::nullopt;
  if (!rule) co_return;
  const auto& pause = rules_.servers[static_cast<std::size_t>(*rule)].pause;
  if (!pause) co_return;
  const auto turn = std::max(next_[*rule], std::chrono::steady_clock::now());
  next_[*rule] = turn + *pause;
  while (!stop.stop_requested() && std::chrono::steady_clock::now() < turn) {
    const std::chrono::nanoseconds left = turn - std::chrono::steady_clock::now();
    co_await sleep_for(std::clamp<std::chrono::nanoseconds>(left, Millis(1), stop_seen_within));
  }
}

Task<TransferResult> Heeding::run(TransferOrder order, TransferObserver& observer, std::stop_token stop) {
  if (auto rest = resting(order)) co_return std::move(*rest);
  const std::string url = order.source.url;
  co_await turn_of(order, stop);
  auto result = co_await inner_.run(std::move(order), observer, std::move(stop));
  heard(url, result);
  co_return result;
}

Task<TransferResult> Heeding::browse(TransferOrder order, OfferObserver& observer, std::stop_token stop) {
  if (auto rest = resting(order)) co_return std::move(*rest);
  const std::string url = order.source.url;
  co_await turn_of(order, stop);
  auto result = co_await inner_.browse(std::move(order), observer, std::move(stop));
  heard(url, result);
  co_return result;
}

}  // namespace restante::jobs
