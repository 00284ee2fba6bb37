// SPDX-License-Identifier: Apache-2.0
#include "transfer/segment.hpp"

#include "transfer/hop_headers.hpp"
#include "transfer/transfer.hpp"

#include <algorithm>
#include <utility>

namespace restante::transfer {

namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::size_t curl_buffer = 256 * 1024;
constexpr std::chrono::milliseconds rate_time{500};

}  // namespace

Segment::Segment(const SegmentContent& content, SegmentSource& source, std::uint32_t number,
                 std::uint32_t hop, ByteRange range)
    : content_(content),
      source_(source),
      number_(number),
      hop_number_(hop),
      range_(range),
      hop_(source.hop),
      trail_(content.limits.redirects),
      since_(SteadyClock::now()),
      last_byte_(since_),
      rated_at_(since_) {
  BodyWriter::Options options;
  options.lent_file = content_.file;
  options.offset = range_.begin;
  options.apart = true;
  writer_ = std::make_unique<BodyWriter>(content_.around.buffers(), std::move(options));
  if (trail_.enter(hop_)) ask_where();
}

void Segment::ask_where() {
  state_ = State::resolving;
  since_ = SteadyClock::now();
  awaits_addresses_ = true;
  const net::HttpUrl& url = hop_.url;
  content_.around.send(
      worker::Resolve{content_.transfer, ++hop_number_, url.scheme, url.host, url.port, number_});
}

void Segment::on_resolved(worker::Resolved answer) {
  if (state_ != State::resolving || answer.hop != hop_number_) return;
  awaits_addresses_ = false;
  addresses_ = std::move(answer.addresses);
  addresses_.resize(std::min(addresses_.size(), content_.limits.addresses));
  address_ = 0;
  if (answer.refused || addresses_.empty()) return end_as(State::refused);
  request();
}

void Segment::request() {
  auto headers = hop_headers(*source_.order, source_.source, hop_.url, SystemClock().now(), std::string());
  if (!headers) return end_as(State::refused);
  credentials_sent_ = headers->credentials;
  net::CurlOptions options;
  options.header_lines = std::move(headers->lines);
  options.header_lines.push_back("Range: bytes=" + std::to_string(range_.begin) + "-" +
                                 std::to_string(range_.end - 1));
  if (!source_.validator.empty()) options.header_lines.push_back("If-Range: " + source_.validator);
  options.url = hop_.url.text;
  if (const auto* certificate = certificate_for(*source_.order, hop_.url)) {
    options.certificate = &certificate->certificate;
    options.certificate_key = &certificate->key;
  }
  options.connect_address = addresses_[address_];
  options.connect_port = hop_.url.port;
  options.connect_time = content_.limits.connect_time;
  options.buffer_bytes = curl_buffer;
  const Limits& limits = content_.limits;
  reader_.emplace(HeaderReader::Limits{limits.header_bytes, limits.header_lines, limits.interim_answers});
  head_.reset();
  state_ = State::asking;
  since_ = last_byte_ = SteadyClock::now();
  handle_ = content_.around.start_request(source_.domain, options, *this);
}

int Segment::open_socket(int family, int socktype, const sockaddr* address, socklen_t length) {
  return content_.around.open_socket(content_.transfer, number_, family, socktype, address, length);
}

Asked Segment::asked() const {
  Asked asked;
  asked.host = hop_.url.host;
  asked.offset = asked.held_bytes = range_.begin;
  asked.if_range = source_.validator;
  asked.last_modified = source_.last_modified;
  asked.relinked = !source_.own && source_.validator.empty();
  asked.digest_given = content_.proven;
  asked.known_size = content_.total_bytes;
  asked.credentials_sent = credentials_sent_;
  asked.now = SystemClock().now();
  return asked;
}

net::CurlEvents::Taken Segment::on_header(std::string_view line) {
  last_byte_ = SteadyClock::now();
  const HeaderReader::Step step = reader_->line(line);
  if (step == HeaderReader::Step::more) return Taken::all;
  return step == HeaderReader::Step::complete ? on_head() : Taken::abort;
}

net::CurlEvents::Taken Segment::on_head() {
  const HeaderBlock& head = reader_->block();
  head_ = judge_head(asked(), head);
  const BodyPlan& plan = head_->body;
  const bool good = head_->next == HeadVerdict::Next::body && plan.part && plan.offset == range_.begin &&
                    plan.total_bytes == content_.total_bytes && plan.coding.empty();
  if (!good) return Taken::abort;
  if (source_.validator.empty()) source_.validator = strong_validator(head);
  if (plan.close_after) handle_->forbid_reuse();
  state_ = State::receiving;
  since_ = rated_at_ = last_byte_;
  return Taken::all;
}

net::CurlEvents::Taken Segment::on_body(std::string_view bytes) {
  last_byte_ = SteadyClock::now();
  if (state_ != State::receiving) return Taken::abort;
  paused_ = content_.pace.over(last_byte_);
  if (paused_) return Taken::later;
  content_.pace.took(bytes.size(), last_byte_);
  const std::uint64_t at = range_.begin + received_;
  const BodyPlan& plan = head_->body;
  if (plan.expect_bytes && bytes.size() > *plan.expect_bytes - received_) return Taken::abort;
  const std::string_view ours = bytes.substr(0, range_.end - std::min(at, range_.end));
  if (auto done = writer_->add(ours, last_byte_); !done) {
    disk_error_ = done.error();
    return Taken::abort;
  }
  received_ += ours.size();
  source_.gave = true;
  reached_ = at + ours.size() == range_.end;
  const bool all = plan.framing == Framing::length && received_ == plan.expect_bytes && !plan.we_count;
  return reached_ && !all ? Taken::abort : Taken::all;
}

void Segment::on_end(const net::CurlEnd& end) {
  handle_.reset();
  if (over()) return;
  const bool connecting =
      end.ending == net::CurlEnding::not_connected || end.ending == net::CurlEnding::connect_timeout;
  if (connecting && ++address_ < addresses_.size()) return request();
  if (end.ending == net::CurlEnding::stale && state_ == State::asking) return end_as(State::cut);
  if (state_ != State::receiving) {
    if (!source_.own && head_ && head_->next == HeadVerdict::Next::redirect) {
      auto next = next_hop(hop_, reader_->block().status, head_->target);
      if (next && trail_.enter(*next)) {
        hop_ = std::move(*next);
        return ask_where();
      }
    }
    return end_as(State::refused);
  }
  end_as(reached_ ? State::reached : State::cut);
}

void Segment::end_as(State state) {
  state_ = state;
  if (auto done = writer_->flush_and_release(); !done) disk_error_ = done.error();
}

void Segment::go_on_at_pace(TimePoint now) {
  if (!paused_) return;
  last_byte_ = now;
  if (content_.pace.over(now)) return;
  paused_ = false;
  if (handle_) handle_->go_on();
}

void Segment::on_tick(TimePoint now) {
  if (over()) return;
  go_on_at_pace(now);
  if (over()) return;
  const Limits& limits = content_.limits;
  if (state_ == State::resolving && now - since_ > limits.resolve_answer) return end_as(State::refused);
  const Millis patience =
      state_ == State::receiving ? content_.order.stall : std::max(content_.order.stall, limits.connect_time);
  if (state_ != State::resolving && now - last_byte_ > patience) {
    handle_.reset();
    return end_as(received_ > 0 ? State::cut : State::refused);
  }
  const auto oldest = writer_->oldest_byte();
  if (oldest && now - *oldest > limits.flush_after) {
    if (auto done = writer_->flush_and_release(); !done) {
      handle_.reset();
      disk_error_ = done.error();
      return end_as(State::cut);
    }
  }
  if (state_ != State::receiving || now - rated_at_ < rate_time) return;
  const double seconds = std::chrono::duration<double>(now - rated_at_).count();
  const double rate = static_cast<double>(received_ - rated_bytes_) / seconds;
  bytes_per_s_ = bytes_per_s_ ? 0.5 * (*bytes_per_s_ + rate) : rate;
  rated_at_ = now;
  rated_bytes_ = received_;
}

void Segment::end_at(std::uint64_t end) {
  range_.end = end;
  if (over() || range_.begin + received_ < end) return;
  handle_.reset();
  end_as(State::reached);
}

void Segment::stop() {
  if (over()) return;
  handle_.reset();
  end_as(received_ > 0 ? State::cut : State::refused);
}

}  // namespace restante::transfer
