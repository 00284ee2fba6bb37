// SPDX-License-Identifier: Apache-2.0
#include "jobs/rates.hpp"

#include <algorithm>
#include <chrono>

namespace restante::jobs {

RateLog::RateLog(std::size_t most_jobs, std::size_t most_samples)
    : most_jobs_(std::max<std::size_t>(most_jobs, 1)), most_samples_(std::max<std::size_t>(most_samples, 2)) {
}

RateLog::Series& RateLog::series(JobId job, Instant now) {
  auto [found, fresh] = jobs_.try_emplace(job);
  Series& one = found->second;
  if (!fresh) {
    newest_first_.splice(newest_first_.begin(), newest_first_, one.place);
    return one;
  }
  one.begin = now;
  newest_first_.push_front(job);
  one.place = newest_first_.begin();
  if (jobs_.size() > most_jobs_) {
    jobs_.erase(newest_first_.back());
    newest_first_.pop_back();
  }
  return one;
}

std::uint64_t& RateLog::sample(Series& series, Instant now) const {
  const auto passed = std::chrono::floor<Seconds>(now - series.begin).count();
  const std::int64_t last = std::max<std::int64_t>(static_cast<std::int64_t>(series.bytes.size()) - 1, 0);
  std::int64_t at = std::max(passed / series.interval_s, last);
  while (at >= static_cast<std::int64_t>(most_samples_)) {
    auto& bytes = series.bytes;
    const std::size_t half = (bytes.size() + 1) / 2;
    for (std::size_t i = 0; i < half; ++i)
      bytes[i] = bytes[2 * i] + (2 * i + 1 < bytes.size() ? bytes[2 * i + 1] : 0);
    bytes.resize(half);
    series.interval_s *= 2;
    at /= 2;
  }
  series.bytes.resize(std::max(series.bytes.size(), static_cast<std::size_t>(at) + 1));
  return series.bytes[static_cast<std::size_t>(at)];
}

void RateLog::note(JobId job, std::uint64_t received_bytes, Instant now) {
  Series& one = series(job, now);
  const std::uint64_t fetched = received_bytes > one.received_bytes ? received_bytes - one.received_bytes : 0;
  one.received_bytes = received_bytes;
  sample(one, now) += fetched;
}

void RateLog::begin(JobId job, std::uint64_t received_bytes, Instant now) {
  Series& one = series(job, now);
  one.received_bytes = received_bytes;
  sample(one, now) += 0;
}

void RateLog::forget(JobId job) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  newest_first_.erase(found->second.place);
  jobs_.erase(found);
}

Rates RateLog::of(JobId job) const {
  Rates out;
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return out;
  const Series& one = found->second;
  out.interval = Seconds(one.interval_s);
  out.begin = one.begin;
  for (const std::uint64_t bytes : one.bytes)
    out.bytes_per_s.push_back(bytes / static_cast<std::uint64_t>(one.interval_s));
  return out;
}

}  // namespace restante::jobs
