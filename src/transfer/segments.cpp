// SPDX-License-Identifier: Apache-2.0
#include "transfer/segments.hpp"

#include "base/sparse_file.hpp"
#include "base/text.hpp"
#include "transfer/hop_headers.hpp"
#include "transfer/transfer.hpp"

#include <algorithm>
#include <cerrno>
#include <unistd.h>
#include <utility>

namespace restante::transfer {

namespace {

constexpr std::uint64_t worth_taking_in = 1024 * 1024;
constexpr std::size_t taken_in_at_once = 4 * 1024 * 1024;
constexpr std::size_t read_at_once = 256 * 1024;
constexpr std::chrono::milliseconds take_in_every{200};
constexpr int failures_borne = 3;

}  // namespace

Segments::Segments(SegmentContent content, SegmentSource own, std::uint64_t beginning)
    : content_(content),
      plan_(limits_, content.total_bytes, beginning),
      growth_(limits_, content.order.connections),
      first_received_(beginning) {
  sources_.push_back(std::make_unique<SegmentSource>(std::move(own)));
  if (!content_.proven) return;
  for (const jobs::OtherSource& other : content_.order.others) {
    auto url = net::parse_url(other.source.url);
    const bool doubted = content_.around.doubted().contains(other.source.url);
    if (!url || doubted || other.source.request.method != "GET") continue;
    auto source = std::make_unique<SegmentSource>();
    source->kept = std::make_unique<jobs::TransferOrder>();
    source->kept->account = content_.order.account;
    source->kept->source = other.source;
    source->kept->credentials = other.credentials;
    source->order = source->kept.get();
    source->domain = credential_domain(*source->kept);
    source->source = *url;
    source->hop = Hop{std::move(*url), "GET", false};
    source->own = false;
    sources_.push_back(std::move(source));
  }
}

bool Segments::have(const std::vector<jobs::Span>& spans) {
  for (const jobs::Span& span : spans) {
    if (!plan_.have({span.begin, span.end})) return false;
    had_.push_back({span.begin, span.end});
  }
  return true;
}

bool Segments::mixed() const {
  return std::any_of(sources_.begin(), sources_.end(),
                     [](const auto& source) { return !source->own && source->gave; });
}

void Segments::doubt() {
  std::set<std::string>& doubted = content_.around.doubted();
  for (const auto& source : sources_) {
    if (source->own || !source->gave) continue;
    if (doubted.size() >= content_.limits.doubted_sources) doubted.clear();
    doubted.insert(source->order->source.url);
  }
}

void Segments::on_resolved(worker::Resolved answer) {
  for (const auto& lane : lanes_)
    if (lane->number() == answer.part) return lane->on_resolved(std::move(answer));
  if (answer.part < unanswered_.size()) unanswered_[answer.part] = false;
}

void Segments::on_tick(TimePoint now) {
  for (const auto& lane : lanes_) lane->on_tick(now);
}

void Segments::go_on_at_pace(TimePoint now) {
  for (const auto& lane : lanes_) lane->go_on_at_pace(now);
}

Result<void> Segments::on_turn(TimePoint now, std::uint64_t beginning, bool first_runs) {
  if (beginning > plan_.beginning()) {
    received_ += beginning - plan_.beginning();
    plan_.beginning_reached(beginning);
  }
  first_runs_ = first_runs;
  plan_.feed_beginning(first_runs);
  for (std::size_t i = lanes_.size(); i-- > 0;) {
    Segment& lane = *lanes_[i];
    if (lane.disk_error()) return fail(*lane.disk_error());
    if (auto* stretch = plan_.of(lane.number())) {
      received_ += lane.writer().position() - stretch->at;
      stretch->at = lane.writer().position();
      stretch->bytes_per_s = lane.bytes_per_s();
    }
    if (lane.over()) end(i);
  }
  judge(now, first_runs);
  fill(first_runs);
  for (const auto& lane : lanes_)
    if (const auto* stretch = plan_.of(lane->number())) lane->end_at(stretch->end);
  return {};
}

void Segments::end(std::size_t index) {
  const std::unique_ptr<Segment> lane = std::move(lanes_[index]);
  lanes_.erase(lanes_.begin() + static_cast<std::ptrdiff_t>(index));
  hops_.at(lane->number()) = lane->hop_number();
  unanswered_.at(lane->number()) = lane->awaits_addresses();
  plan_.let_go(lane->number());
  best_bytes_per_s_ = std::max(best_bytes_per_s_, lane->bytes_per_s().value_or(0));
  if (lane->received_bytes() > 0) ended_.push_back(lane->take_writer());
  if (lane->state() == Segment::State::reached) return;
  SegmentSource& source = lane->source();
  const bool tired = lane->state() == Segment::State::cut && ++failures_ >= failures_borne;
  if (lane->state() == Segment::State::cut && !tired) return;
  source.most = connections_at(source);
  if (next_source() == nullptr) {
    growth_.refused();
    wanted_ = std::max(1, static_cast<int>(lanes_.size()) + (first_runs_ ? 1 : 0));
  }
}

int Segments::connections_at(const SegmentSource& source) const {
  const int first = source.own && first_runs_ ? 1 : 0;
  return first + static_cast<int>(std::count_if(lanes_.begin(), lanes_.end(), [&](const auto& lane) {
           return &lane->source() == &source;
         }));
}

/// The one with the fewest connections, the best first.
SegmentSource* Segments::next_source() {
  SegmentSource* best = nullptr;
  for (const auto& source : sources_) {
    if (connections_at(*source) >= source->most) continue;
    if (best == nullptr || connections_at(*source) < connections_at(*best)) best = source.get();
  }
  return best;
}

bool Segments::start() {
  SegmentSource* source = next_source();
  const auto most = std::min<std::size_t>(hops_.size() - 1, content_.order.connections);
  if (source == nullptr) return false;
  std::uint32_t number = 1;
  const auto is_it = [&](const auto& lane) { return lane->number() == number; };
  const auto taken = [&] {
    return unanswered_.at(number) || std::any_of(lanes_.begin(), lanes_.end(), is_it);
  };
  while (number <= most && taken()) ++number;
  if (number > most) return false;
  const auto range = plan_.assign(number);
  if (!range) return false;
  lanes_.push_back(std::make_unique<Segment>(content_, *source, number, hops_.at(number), *range));
  return true;
}

/// At the end of a content: the last rests go to who is much faster.
bool Segments::take_over() {
  const auto slow = plan_.slowest_for(best_bytes_per_s_);
  if (!slow) return false;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (lanes_[i]->number() != *slow || lanes_[i]->state() != Segment::State::receiving) continue;
    lanes_[i]->stop();
    if (auto* stretch = plan_.of(*slow)) stretch->at = lanes_[i]->writer().position();
    --failures_;  // it was us
    end(i);
    return start();
  }
  return false;
}

void Segments::fill(bool first_runs) {
  if (content_.order.connections < 2) return;
  const auto room = [&] { return static_cast<int>(lanes_.size()) + (first_runs ? 1 : 0) < wanted_; };
  while (room() && start()) {
  }
  if (room() && !plan_.has_gap()) take_over();
}

void Segments::judge(TimePoint now, bool first_runs) {
  const auto receives = [](const auto& lane) { return lane->state() == Segment::State::receiving; };
  if (!watching_) {  // connections were added, and have to show what they are worth
    if (!std::all_of(lanes_.begin(), lanes_.end(), receives)) return;
    growth_.begin_watch(now, received_);
    watching_ = true;
  }
  if (!growth_.due(now) || content_.around.crowded()) return;
  const int running = static_cast<int>(lanes_.size()) + (first_runs ? 1 : 0);
  const auto advice = growth_.judge(now, received_, running, plan_.missing_bytes(), plan_.split_bytes());
  plan_.rated(growth_.bytes_per_s() / std::max(1, running));
  for (int i = 0; i < advice.drop && !lanes_.empty(); ++i) {
    Segment& last = *lanes_.back();
    last.stop();
    if (auto* stretch = plan_.of(last.number())) stretch->at = last.writer().position();
    --failures_;
    const int most = last.source().most;
    SegmentSource& source = last.source();
    end(lanes_.size() - 1);
    source.most = most;
    wanted_ = std::max(1, wanted_ - 1);
  }
  if (advice.add == 0) return;
  wanted_ = std::min(content_.order.connections, running + advice.add);
  watching_ = false;
}

bool Segments::wants_turn() const {
  const auto over = [](const auto& lane) { return lane->over(); };
  if (std::any_of(lanes_.begin(), lanes_.end(), over)) return true;
  const auto* touched = plan_.touched();
  return touched != nullptr && (touched->whole() || touched->at - touched->begin >= worth_taking_in);
}

Result<void> Segments::spread(std::uint64_t written) const {
  std::vector<Span> holes;
  for (const ByteRange& gap : plan_.gaps()) holes.push_back({std::max(gap.begin, written), gap.end});
  return restante::spread(content_.file, content_.total_bytes, holes);
}

BodyWriter* Segments::writer_at(std::uint64_t begin) const {
  for (const auto& lane : lanes_)
    if (lane->writer().begin() == begin) return &lane->writer();
  for (const auto& writer : ended_)
    if (writer->begin() == begin) return writer.get();
  return nullptr;
}

Result<void> Segments::take_in(const TakeIn& take) {
  const auto now = std::chrono::steady_clock::now();
  std::size_t left = taken_in_at_once;
  while (left > 0) {
    const auto* touched = plan_.touched();
    if (touched == nullptr || touched->at == touched->begin) return {};
    const bool long_enough = touched->at - touched->begin >= worth_taking_in;
    if (!touched->whole() && !long_enough && now - took_in_ < take_in_every) return {};
    for (const auto& lane : lanes_)
      if (lane->number() == touched->by)
        if (auto done = lane->writer().flush(); !done) return done;
    buffer_.resize(read_at_once);
    const auto wanted = std::min<std::uint64_t>({left, read_at_once, touched->at - touched->begin});
    const ssize_t count = ::pread(content_.file, buffer_.data(), wanted, static_cast<off_t>(touched->begin));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail_errno(Reason::storage, "reading the partial file", count < 0 ? errno : EIO);
    const auto bytes = static_cast<std::size_t>(count);
    if (auto done = take({buffer_.data(), bytes}); !done) return done;
    left -= bytes;
    plan_.took_in(touched->begin + bytes);
    if (plan_.touched() == nullptr || plan_.touched()->at == plan_.touched()->begin) took_in_ = now;
    const auto behind = [this](const auto& writer) { return writer->position() <= plan_.beginning(); };
    std::erase_if(ended_, behind);
  }
  return {};
}

std::vector<SpanReport> Segments::report(std::uint64_t beginning) {
  std::vector<SpanReport> all;
  for (const auto& [begin, stretch] : plan_.stretches()) {
    if (begin <= beginning) continue;
    SpanReport span;
    span.begin = begin;
    if (BodyWriter* writer = writer_at(begin)) {
      span.pieces = writer->report_pieces();
    } else {
      span.pieces.end_bytes = stretch.at - begin;
      span.pieces.first = pieces_in(span.pieces.end_bytes);
    }
    if (span.pieces.end_bytes > 0) all.push_back(std::move(span));
  }
  return all;
}

void Segments::stop() {
  for (std::size_t i = lanes_.size(); i-- > 0;) {
    lanes_[i]->stop();
    if (auto* stretch = plan_.of(lanes_[i]->number())) stretch->at = lanes_[i]->writer().position();
    end(i);
  }
}

}  // namespace restante::transfer
