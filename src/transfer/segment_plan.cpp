// SPDX-License-Identifier: Apache-2.0
#include "transfer/segment_plan.hpp"

#include <algorithm>

namespace restante::transfer {

bool SegmentPlan::have(ByteRange span) {
  const std::uint64_t behind = stretches_.empty() ? beginning_ : stretches_.rbegin()->second.end;
  const bool sound = span.begin < span.end && span.begin >= behind && span.end <= total_;
  if (!sound || stretches_.size() >= limits_.spans) return false;
  stretches_[span.begin] = Stretch{span.begin, span.end, span.end, nobody, {}};
  return true;
}

std::uint64_t SegmentPlan::until() const {
  return stretches_.empty() ? total_ : stretches_.begin()->first;
}

SegmentPlan::Stretch* SegmentPlan::of(std::uint32_t connection) {
  for (auto& [begin, stretch] : stretches_)
    if (stretch.by == connection) return &stretch;
  return nullptr;
}

const SegmentPlan::Stretch* SegmentPlan::touched() const {
  if (stretches_.empty() || stretches_.begin()->first != beginning_) return nullptr;
  return &stretches_.begin()->second;
}

void SegmentPlan::took_in(std::uint64_t at) {
  const auto first = stretches_.begin();
  Stretch stretch = first->second;
  stretches_.erase(first);
  beginning_ = at;
  if (at == stretch.end) return;
  stretch.begin = at;
  stretches_[at] = stretch;
}

void SegmentPlan::let_go(std::uint32_t connection) {
  for (auto it = stretches_.begin(); it != stretches_.end(); ++it) {
    Stretch& stretch = it->second;
    if (stretch.by != connection) continue;
    stretch.by = nobody;
    stretch.end = stretch.at;
    if (stretch.begin == stretch.end) stretches_.erase(it);
    return;
  }
}

std::vector<SegmentPlan::Range> SegmentPlan::missing() const {
  std::vector<Range> all;
  const auto put = [&all](std::uint64_t begin, std::uint64_t end, std::uint32_t by) {
    if (begin < end) all.push_back({begin, end, by});
  };
  put(beginning_, until(), first_feeds_ ? 0 : nobody);
  for (auto it = stretches_.begin(); it != stretches_.end(); ++it) {
    const Stretch& stretch = it->second;
    put(stretch.at, stretch.end, stretch.by);
    const auto next = std::next(it);
    put(stretch.end, next == stretches_.end() ? total_ : next->first, nobody);
  }
  return all;
}

std::uint64_t SegmentPlan::missing_bytes() const {
  std::uint64_t bytes = 0;
  for (const Range& range : missing()) bytes += range.bytes();
  return bytes;
}

std::vector<ByteRange> SegmentPlan::gaps() const {
  std::vector<ByteRange> out;
  for (const Range& range : missing()) out.push_back({range.begin, range.end});
  return out;
}

bool SegmentPlan::has_gap() const {
  const auto all = missing();
  return std::any_of(all.begin(), all.end(), [](const Range& range) { return range.by == nobody; });
}

void SegmentPlan::rated(double bytes_per_s_each) {
  const double bytes = bytes_per_s_each * std::chrono::duration<double>(limits_.split).count();
  split_bytes_ = limits_.split_bytes;
  if (bytes < static_cast<double>(limits_.split_bytes))
    split_bytes_ = std::max(limits_.least_bytes, static_cast<std::uint64_t>(bytes));
}

std::optional<ByteRange> SegmentPlan::assign(std::uint32_t connection) {
  if (stretches_.size() >= limits_.spans || of(connection) != nullptr) return std::nullopt;
  std::optional<Range> best;
  for (const Range& range : missing()) {
    const bool free = range.by == nobody, best_free = best && best->by == nobody;
    if (!free && range.bytes() < split_bytes_) continue;
    if (!best || (free && !best_free) || (free == best_free && range.bytes() > best->bytes())) best = range;
  }
  if (!best) return std::nullopt;
  if (best->by != nobody) {
    const std::uint64_t middle =
        (best->begin + best->bytes() / 2) / limits_.align_bytes * limits_.align_bytes;
    if (middle <= best->begin || middle >= best->end) return std::nullopt;
    if (best->by != 0) of(best->by)->end = middle;
    best->begin = middle;
  }
  stretches_[best->begin] = Stretch{best->begin, best->begin, best->end, connection, {}};
  return ByteRange{best->begin, best->end};
}

std::optional<std::uint32_t> SegmentPlan::slowest_for(double bytes_per_s) const {
  if (bytes_per_s <= 0) return std::nullopt;
  std::optional<std::uint32_t> slowest;
  double longest = 0;
  for (const auto& [begin, stretch] : stretches_) {
    if (stretch.by == nobody || stretch.whole() || !stretch.bytes_per_s) continue;
    const auto bytes = static_cast<double>(stretch.end - stretch.at);
    const double theirs = bytes / std::max(*stretch.bytes_per_s, 1.0);
    const double ours = bytes / bytes_per_s;
    const double sooner = std::chrono::duration<double>(limits_.sooner).count();
    if (theirs > limits_.faster * ours + sooner && theirs > longest) {
      longest = theirs;
      slowest = stretch.by;
    }
  }
  return slowest;
}

void SegmentGrowth::begin_watch(TimePoint now, std::uint64_t received_bytes) {
  since_ = looked_ = now;
  bytes_ = looked_bytes_ = received_bytes;
  last_ = 0;
}

SegmentGrowth::Advice SegmentGrowth::judge(TimePoint now, std::uint64_t received_bytes, int running,
                                           std::uint64_t missing_bytes, std::uint64_t split_bytes) {
  Advice advice;
  if (most_ < 2 || running < 1) return advice;
  if (!since_) begin_watch(now, received_bytes);
  if (now - looked_ < limits_.look) return advice;
  const auto rate_of = [](std::uint64_t bytes, TimePoint::duration time) {
    return static_cast<double>(bytes) / std::chrono::duration<double>(time).count();
  };
  const auto time = now - *since_;
  const double rate = rate_of(received_bytes - looked_bytes_, now - looked_);
  const double mean = rate_of(received_bytes - bytes_, time);
  const bool rising = rate > limits_.rising * last_;
  recent_ = last_ == 0 ? rate : 0.5 * (last_ + rate);
  last_ = rate;
  looked_ = now;
  looked_bytes_ = received_bytes;
  const auto left =
      std::chrono::duration<double>(static_cast<double>(missing_bytes) / std::max(recent_, 1.0));
  if (time < limits_.shown) return advice;
  if (added_ > 0) {
    const int others = std::max(1, running - added_);
    const double wanted = limits_.gain * std::min(1.0, static_cast<double>(added_) / others);
    const bool helped = mean >= before_ * (1 + wanted);
    if (!helped && (rising || time < limits_.watched)) return advice;
    if (!helped) {
      not_before_ = now + limits_.rest;
      limits_.rest *= 2;
      if (left > limits_.bearable) advice.drop = std::min(added_, running - 1);
      judged_ = mean;
      begin_watch(now, received_bytes);
    }
    added_ = 0;
    if (!helped) return advice;
  }
  if (judged_ > 0 && time >= limits_.watched) {
    if (judged_ >= mean * (1 + limits_.gain)) {
      not_before_.reset();
      judged_ = 0;
    } else {
      begin_watch(now, received_bytes);
    }
  }
  const bool early = not_before_ && (now < *not_before_ || left <= limits_.bearable);
  if (closed_ || early || rising || running >= most_ || missing_bytes <= split_bytes || left <= limits_.worth)
    return advice;
  before_ = recent_;
  const double times = std::chrono::duration<double>(left) / std::chrono::duration<double>(limits_.soon);
  advice.add = static_cast<int>(std::clamp(running * (times - 1), 1.0, 3.0 * running));
  added_ = advice.add = std::min(advice.add, most_ - running);
  return advice;
}

}  // namespace restante::transfer
