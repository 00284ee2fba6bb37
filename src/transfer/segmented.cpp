// SPDX-License-Identifier: Apache-2.0
// A transfer over several connections: its own feeds the beginning, `Segments` bring what lies behind.
#include "transfer/segments.hpp"
#include "transfer/transfer.hpp"

#include <utility>

namespace restante::transfer {

Transfer::~Transfer() = default;

/// Ranges are possible, and what several answers bring can be proven to be one content (M22, M64).
bool Transfer::may_part() const {
  const BodyPlan& plan = head_->body;
  const bool whole = plan.expect_bytes && plan.total_bytes && plan.coding.empty() &&
                     plan.offset + *plan.expect_bytes == *plan.total_bytes;
  const bool ranges = plan.part || facts_.ranges;
  return whole && ranges && !look_ && hop_.method == "GET" && !hop_.with_body && range_validator() &&
         !without_validator_;
}

/// False: what lies on the disk apart from the beginning is of another content.
bool Transfer::begin_segments(const HeaderBlock& head) {
  if (segments_ || (order_.connections < 2 && order_.have.empty())) return true;
  if (!may_part()) return order_.have.empty();
  const bool same = order_.if_range.empty() ? !order_.digest_hex.empty() : validator_ == order_.if_range;
  if (!order_.have.empty() && !same) return false;
  SegmentContent content{around_, limits_, id_, order_, pace_};
  content.file = writer_->file();
  content.total_bytes = *head_->body.total_bytes;
  content.proven = !order_.digest_hex.empty();
  SegmentSource own;
  own.order = &order_;
  own.source = source_;
  own.hop = hop_;
  own.domain = domain_;
  own.validator = *range_validator();
  own.last_modified = head.first("last-modified");
  segments_ = std::make_unique<Segments>(content, std::move(own), writer_->position());
  came_before_ = writer_->position();
  return segments_->have(order_.have);
}

/// What of an answer's bytes belongs in front of the first stretch.
void Transfer::keep_before_stretch(std::string_view& bytes) {
  if (!segments_) return;
  const BodyPlan& plan = head_->body;
  const std::uint64_t end = plan.offset + received_bytes_, until = segments_->until();
  if (end > until) {
    bytes.remove_suffix(std::min<std::uint64_t>(end - until, bytes.size()));
    received_bytes_ -= end - until;
  }
  reached_stretch_ = end >= until && until < *plan.total_bytes;
}

void Transfer::join() {
  if (auto done = writer_->flush(); !done) return fail_with(done.error());
  phase_ = Phase::joining;
  phase_since_ = std::chrono::steady_clock::now();
}

/// Its own connection failed while others bring the content.
bool Transfer::goes_on_without(const Verdict& verdict) {
  const bool lost = verdict.reason == Reason::incomplete || verdict.reason == Reason::timeout;
  if (!segments_ || !segments_->running() || verdict.outcome != jobs::Outcome::failed || !lost) return false;
  given_up_ = verdict;
  join();
  return true;
}

bool Transfer::wants_turn() const {
  return phase_ == Phase::joining && segments_->wants_turn();
}

void Transfer::on_turn(TimePoint now) {
  if (!segments_ || finished()) return;
  const bool first_runs = phase_ != Phase::joining;
  if (auto done = segments_->on_turn(now, writer_->position(), first_runs); !done)
    return fail_with(done.error());
  const bool shares = segments_->running();
  if (shares && !std::exchange(shared_, shares)) {
    writer_->set_alone(false);
    auto done = writer_->flush();
    if (done && !std::exchange(spread_, true)) done = segments_->spread(writer_->written_bytes());
    if (!done) return fail_with(done.error());
  }
  shared_ = shares;
  if (first_runs) return;
  const auto take = [this](std::string_view bytes) {
    return watch_->add(bytes, [this](std::string_view some) -> Result<void> {
      writer_->take_in(some);
      return {};
    });
  };
  if (auto done = segments_->take_in(take); !done) return fail_with(done.error());
  const std::uint64_t total = *head_->body.total_bytes;
  if (writer_->position() == total) {
    received_bytes_ = total - head_->body.offset;
    given_up_.reset();
    return end_body(BodyEnd::finished, {});
  }
  if (!segments_->stuck()) return;
  if (given_up_) return finish(std::move(*given_up_));
  static_cast<void>(watch_->end_answer({}, false));
  offset_ = writer_->position();
  held_.clear();
  old_way_ = hop_.url.text != source_.text;
  known_size_ = total;
  ask_where();
}

void Transfer::set_pace(std::optional<std::uint64_t> bytes_per_s) {
  const auto now = std::chrono::steady_clock::now();
  pace_.set(bytes_per_s, now);
  if (phase_ == Phase::running) go_on_at_pace(now);
  if (segments_) segments_->go_on_at_pace(now);
}

void Transfer::go_on_at_pace(TimePoint now) {
  if (!paused_) return;
  last_byte_ = now;
  if (pace_.over(now)) return;
  paused_ = false;
  if (handle_) handle_->go_on();
}

void Transfer::report(TimePoint now) {
  // What the beginning takes in is reported when it has all of it.
  if (finished() || !writer_ || wants_turn()) return;
  const std::uint64_t written = writer_->written_bytes();
  const std::uint64_t came = segments_ ? came_before_ + segments_->received_bytes() : written;
  if (now - reported_at_ < around_.tells_every() || came == reported_bytes_) return;
  const double seconds = std::chrono::duration<double>(now - reported_at_).count();
  const double rate = static_cast<double>(came - reported_bytes_) / seconds;
  bytes_per_s_ = bytes_per_s_ == 0 ? rate : 0.7 * bytes_per_s_ + 0.3 * rate;
  reported_bytes_ = came;
  reported_at_ = now;
  auto pieces = writer_->report_pieces();
  worker::Progress progress{id_, written, static_cast<std::uint64_t>(bytes_per_s_), std::move(pieces)};
  if (segments_) progress.apart = segments_->report(written);
  progress.held_back = std::exchange(held_back_, paused_);
  around_.send(std::move(progress));
}

}  // namespace restante::transfer
